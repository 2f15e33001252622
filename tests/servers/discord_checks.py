"""What Discord accepts as a message, as components and as commands. Each rule names its source at docs.discord.com
/developers; a payload against one is refused as Discord does it: 400 with code 50035, or the rule's own code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.servers.discord_world import Json

INVALID_BODY, EMPTY_MESSAGE = 50035, 50006  # topics/opcodes-and-status-codes#json-json-error-codes
MAX_CONTENT = 2_000  # resources/message#create-message-jsonform-params
MAX_NONCE = 25  # resources/message#create-message-jsonform-params
MAX_ROWS, MAX_IN_ROW = 5, 5  # components/reference#action-row
MAX_CUSTOM_ID = 100  # components/reference#component-object
MAX_LABEL, MAX_OPTIONS = 80, 25  # components/reference#button, #string-select
MAX_EMBEDS, MAX_DESCRIPTION, MAX_EMBED_TEXT = 10, 4_096, 6_000  # resources/message#embed-object-embed-limits
BUTTON, STRING_SELECT, ROW = 2, 3, 1
LINK_STYLE = 5
LOCALES = re.compile(  # reference#locales
    "id|da|de|en-GB|en-US|es-ES|es-419|fr|hr|it|lt|hu|nl|no|pl|pt-BR|ro|fi|sv-SE|vi|tr|cs|el|bg|ru|uk|hi|th|zh-CN|"
    "ja|zh-TW|ko"
)
NAME = re.compile(r"^[-_'\w]{1,32}$")  # interactions/application-commands#application-command-object-…-naming


class Refused(Exception):
    """An answer with an error status. `why` names the rule for the record."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def invalid(where: str, what: str) -> Refused:
    return Refused(400, INVALID_BODY, f"Invalid Form Body: {where}: {what}")


def units(text: str) -> int:
    """Length as Discord's own clients count it: UTF-16 units. The documents say “characters” only; this is the
    stricter reading, so who keeps to it is right in either case."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_message(body: Json, *, new: bool, loading: bool = False) -> None:
    """A message to create or, with `new` false, the fields of one to edit."""
    content = body.get("content")
    if content is not None and not isinstance(content, str):
        raise invalid("content", "must be a string")
    if units(content or "") > MAX_CONTENT:
        raise invalid("content", f"Must be {MAX_CONTENT} or fewer in length.")
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in content or ""):
        raise invalid("content", "is no valid UTF-8")
    empty = not (content or "").strip() and not body.get("embeds") and not body.get("files") and not body.get("poll")
    if new and empty and not body.get("components") and not body.get("sticker_ids") and not loading:
        raise Refused(400, EMPTY_MESSAGE, "Cannot send an empty message")
    nonce = body.get("nonce")
    if nonce is not None and (not isinstance(nonce, str | int) or len(str(nonce)) > MAX_NONCE):
        raise invalid("nonce", f"must be an integer or up to {MAX_NONCE} characters")
    _check_mentions(body.get("allowed_mentions"))
    _check_embeds(body.get("embeds") or [])
    check_components(body.get("components") or [])


def pings(content: str, allowed: Any) -> bool:
    """Would it ring everybody or a role? Without allowed_mentions everything is parsed: resources/message
    #allowed-mentions-object."""
    everyone = bool(re.search(r"@(everyone|here)\b", content))
    role = bool(re.search(r"<@&\d+>", content))
    if allowed is None:
        return everyone or role
    parsed = allowed.get("parse", [])
    return (everyone and "everyone" in parsed) or (role and ("roles" in parsed or bool(allowed.get("roles"))))


def _check_mentions(allowed: Any) -> None:
    if allowed is None:
        return
    if not isinstance(allowed, dict) or not set(allowed.get("parse", [])) <= {"roles", "users", "everyone"}:
        raise invalid("allowed_mentions", "parse may hold roles, users and everyone")
    for kind in ("roles", "users"):  # resources/message#allowed-mentions-object-allowed-mentions-reference
        if allowed.get(kind) and kind in allowed.get("parse", []):
            raise invalid("allowed_mentions", f"parse:{kind} and {kind} are mutually exclusive")
        if len(allowed.get(kind) or []) > 100:
            raise invalid("allowed_mentions", f"at most 100 {kind}")


def _check_embeds(embeds: list[Json]) -> None:
    if len(embeds) > MAX_EMBEDS:
        raise invalid("embeds", f"Must be {MAX_EMBEDS} or fewer in length.")
    whole = 0
    for embed in embeds:
        texts = [embed.get("title") or "", embed.get("description") or "", (embed.get("footer") or {}).get("text", "")]
        for one in embed.get("fields") or []:
            texts += [one.get("name") or "", one.get("value") or ""]
            if not (0 < units(one.get("name") or "") <= 256 and 0 < units(one.get("value") or "") <= 1_024):
                raise invalid("embeds.fields", "name 1 to 256, value 1 to 1024 characters")
        if units(texts[0]) > 256 or units(texts[1]) > MAX_DESCRIPTION or len(embed.get("fields") or []) > 25:
            raise invalid("embeds", "title up to 256, description up to 4096, up to 25 fields")
        whole += sum(units(text) for text in texts)
    if whole > MAX_EMBED_TEXT:
        raise invalid("embeds", f"all texts together up to {MAX_EMBED_TEXT} characters")


def check_components(rows: list[Json]) -> None:
    """Rows of buttons, or of one select each."""
    if len(rows) > MAX_ROWS:
        raise invalid("components", f"Must be {MAX_ROWS} or fewer in length.")
    seen: set[str] = set()
    for row in rows:
        inner = row.get("components")
        if row.get("type") != ROW or not isinstance(inner, list) or not inner:
            raise invalid("components", "must be action rows with something in them")
        if len(inner) > MAX_IN_ROW or (len(inner) > 1 and any(one.get("type") != BUTTON for one in inner)):
            raise invalid("components", "a row holds up to 5 buttons or one select")
        for one in inner:
            _check_component(one)
            identity = one.get("custom_id", "")
            if identity and identity in seen:
                raise invalid("components", f"Component custom id cannot be duplicated: {identity}")
            seen.add(identity)


def _check_component(one: Json) -> None:
    identity = one.get("custom_id")
    is_link = one.get("type") == BUTTON and one.get("style") == LINK_STYLE
    if is_link == (identity is not None):
        raise invalid("components", "a link button has a url, every other component a custom_id")
    if identity is not None and not (isinstance(identity, str) and 1 <= units(identity) <= MAX_CUSTOM_ID):
        raise invalid("components.custom_id", f"Must be between 1 and {MAX_CUSTOM_ID} in length.")
    if one.get("type") == BUTTON:
        _check_button(one)
    elif one.get("type") == STRING_SELECT:
        _check_select(one)
    else:
        raise invalid("components.type", f"{one.get('type')} is not known to this server")


def _check_button(one: Json) -> None:
    if one.get("style") not in (1, 2, 3, 4, 5):
        raise invalid("components.style", "must be 1 to 5")
    if not one.get("label") and not one.get("emoji"):
        raise invalid("components", "a button needs a label or an emoji")
    if units(one.get("label") or "") > MAX_LABEL:
        raise invalid("components.label", f"Must be {MAX_LABEL} or fewer in length.")


def _check_select(one: Json) -> None:
    options = one.get("options") or []
    if not 1 <= len(options) <= MAX_OPTIONS:
        raise invalid("components.options", f"Must be between 1 and {MAX_OPTIONS} in length.")
    values = [option.get("value") for option in options]
    if len(set(values)) != len(values):
        raise invalid("components.options", "The specified option value is already used")
    for option in options:  # components/reference#string-select-select-option-structure
        for key, least in (("label", 1), ("value", 1), ("description", 0)):
            if not least <= units(option.get(key) or "") <= 100:
                raise invalid(f"components.options.{key}", "Must be 100 or fewer in length.")
    least, most = one.get("min_values", 1), one.get("max_values", 1)
    if not 0 <= least <= most <= len(options) or most < 1:
        raise invalid("components", "min_values and max_values must fit the options")
    if sum(bool(option.get("default")) for option in options) > most:
        raise invalid("components.options", "more defaults than max_values")
    if units(one.get("placeholder") or "") > 150:
        raise invalid("components.placeholder", "Must be 150 or fewer in length.")


def check_commands(commands: list[Json]) -> None:
    """What an app registers: interactions/application-commands#application-command-object."""
    names = [(command.get("type", 1), command.get("name")) for command in commands]
    if len(set(names)) != len(names):
        raise invalid("name", "APPLICATION_COMMANDS_DUPLICATE_NAME")
    if sum(kind == 1 for kind, _ in names) > 100 or any(sum(k == kind for k, _ in names) > 15 for kind in (2, 3)):
        raise Refused(400, 30032, "Maximum number of application commands reached (100)")
    for command in commands:
        _check_named(command, described=command.get("type", 1) == 1, lower=command.get("type", 1) == 1)
        _check_options(command.get("options") or [])
        if sum(map(len, _texts(command))) > 8_000:
            raise invalid("options", "a command's texts may have 8000 characters in all")


def _texts(one: Json) -> Iterator[str]:
    yield from (one.get("name") or "", one.get("description") or "", str(one.get("value") or ""))
    for inner in (*(one.get("options") or []), *(one.get("choices") or [])):
        yield from _texts(inner)


def _check_named(one: Json, *, described: bool, lower: bool = True) -> None:
    names = [one.get("name"), *(one.get("name_localizations") or {}).values()]
    for name in names:
        if not isinstance(name, str) or not 1 <= len(name) <= 32 or (lower and not NAME.match(name)):
            raise invalid("name", f"String value did not match validation regex: {name!r}")
        if lower and name != name.lower():
            raise invalid("name", f"must be in lower case: {name!r}")
    texts = [one.get("description"), *(one.get("description_localizations") or {}).values()]
    if described and not all(isinstance(text, str) and 1 <= len(text) <= 100 for text in texts):
        raise invalid("description", "Must be between 1 and 100 in length.")
    for table in ("name_localizations", "description_localizations"):
        if unknown := [locale for locale in one.get(table) or {} if not LOCALES.fullmatch(locale)]:
            raise invalid(table, f"unknown locale {unknown[0]}")


def _check_options(options: list[Json]) -> None:
    if len(options) > 25:
        raise invalid("options", "Must be 25 or fewer in length.")
    needed = [bool(option.get("required")) for option in options]
    if needed != sorted(needed, reverse=True):
        raise invalid("options", "Required options must be placed before non-required options")
    if len({option.get("name") for option in options}) != len(options):
        raise invalid("options", "Option names must be unique")
    for option in options:
        _check_named(option, described=True)
        choices = option.get("choices") or []
        if len(choices) > 25 or (choices and option.get("autocomplete")):
            raise invalid("options.choices", "up to 25, and not beside autocomplete")
        if any(not 1 <= len(choice["name"]) <= 100 or len(str(choice["value"])) > 100 for choice in choices):
            raise invalid("options.choices", "names and values have 1 to 100 characters")
        _check_options(option.get("options") or [])
