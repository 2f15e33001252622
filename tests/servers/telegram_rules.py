"""What Telegram refuses in a request. Each rule names its source:

API   the Bot API's documentation (core.telegram.org/bots/api), by object or method
FAQ   core.telegram.org/bots/faq
BOTAPI  the source of the official server (github.com/tdlib/telegram-bot-api, Client.cpp), which words the errors
TDLIB   the library below it (github.com/tdlib/td)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

MAX_TEXT = 4096  # API sendMessage.text: 1-4096 characters after entities parsing
MAX_CAPTION = 1024  # API sendDocument.caption
MAX_CALLBACK_ANSWER = 200  # API answerCallbackQuery.text
MAX_CALLBACK_DATA_BYTES = 64  # API InlineKeyboardButton.callback_data: 1-64 bytes
MAX_BUTTONS = 100  # API InlineKeyboardMarkup; the server answers REPLY_MARKUP_TOO_LONG beyond it
MAX_COMMANDS = 100  # API setMyCommands
MAX_DESCRIPTION = 256  # API BotCommand.description
BUTTON_KINDS = frozenset(
    {"url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat"}
    | {"switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay"}
)
CHAT_ACTIONS = frozenset(  # API sendChatAction.action
    {"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document"}
    | {"choose_sticker", "find_location", "record_video_note", "upload_video_note"}
)
ENTITIES = frozenset(  # API MessageEntity.type, those that a bot may send
    {"bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "text_link", "text_mention"}
    | {"custom_emoji", "blockquote", "expandable_blockquote", "mention", "hashtag", "cashtag", "bot_command", "url"}
    | {"email", "phone_number", "date_time"}
)
_REMOVED = dict.fromkeys([*range(0x2028, 0x202F), 0x0333, 0x033F, 0x030A, 0x0D])  # TDLIB clean_input_string
_SPACED = dict.fromkeys([*range(10), 11, 12, *range(14, 32)], " ")  # TDLIB clean_input_string: controls, also tabs
_EMPTY = frozenset("\u00a0\u200b\u200c\u200d\u200e\u200f\u2800\u3000\ufeff\ufffc")  # TDLIB strip_empty_characters


class ApiError(Exception):
    """A refusal as the Bot API words it; `parameters` is API ResponseParameters."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def units(text: str) -> int:
    """UTF-16 code units, which lengths and offsets are counted in (API MessageEntity.offset)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cleaned(text: str) -> str:
    """The text as it is stored: control characters gone, trimmed at both ends (TDLIB clean_input_string and
    fix_formatted_text: spaces and line ends, also where code begins or ends).
    """
    return text.translate(_REMOVED).translate(_SPACED).strip(" \n")


def checked_text(text: str, limit: int, too_long: str) -> str:
    """A text to be shown.

    Raises:
        ApiError: it is longer than `limit` UTF-16 units, or nothing of it can be seen.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ApiError(400, "Bad Request: strings must be encoded in UTF-8") from None
    text = cleaned(text)
    if not text or all(character in _EMPTY or character.isspace() for character in text):
        raise ApiError(400, "Bad Request: message text is empty")  # BOTAPI get_input_message_text
    if units(text) > limit:
        raise ApiError(400, f"Bad Request: {too_long}")
    return text


def checked_entities(raw: str, text: str) -> list[dict[str, Any]]:
    """Entities of a text, by UTF-16 offsets.

    Raises:
        ApiError: no list of known entities, or one reaches beyond the text or into half a character (TDLIB
            fix_entities), or code lies in or around another entity (API, formatting options).
    """
    entities: list[dict[str, Any]] = _json(raw, list, "entities")
    ends = {0, *accumulate(map(units, text))}
    spans: list[tuple[int, int, str]] = []
    for entity in entities:
        kind = entity.get("type") if isinstance(entity, dict) else None
        if kind not in ENTITIES:
            raise ApiError(400, "Bad Request: can't parse entities: unsupported entity type specified")
        start, end = int(entity.get("offset", -1)), int(entity.get("offset", -1)) + int(entity.get("length", 0))
        if start < 0 or end <= start or end > units(text):
            raise ApiError(400, "Bad Request: ENTITY_BOUNDS_INVALID")
        if start not in ends or end not in ends:
            raise ApiError(400, "Bad Request: entity begins or ends in a middle of a UTF-16 symbol")
        spans.append((start, end, str(kind)))
    _refuse_nested_code(spans)
    return entities


def checked_keyboard(raw: str) -> dict[str, Any] | None:
    """An inline keyboard, or None where none is given.

    Raises:
        ApiError: a button without text or with anything but one purpose, data of no or more than 64 bytes, or more
            than 100 buttons.
    """
    if not raw:
        return None
    markup: dict[str, Any] = _json(raw, dict, "reply keyboard markup")
    if "inline_keyboard" not in markup:
        return markup
    buttons = [button for row in markup["inline_keyboard"] for button in row]
    if len(buttons) > MAX_BUTTONS:
        raise ApiError(400, "Bad Request: REPLY_MARKUP_TOO_LONG")
    for button in buttons:
        if not str(button.get("text", "")).strip():
            raise ApiError(400, "Bad Request: can't parse inline keyboard button: text is empty")
        if len(BUTTON_KINDS & button.keys()) != 1:  # API InlineKeyboardButton: exactly one of the optional fields
            raise ApiError(400, "Bad Request: can't parse inline keyboard button: text buttons are unallowed")
        size = len(str(button.get("callback_data", "-")).encode())
        if not 1 <= size <= MAX_CALLBACK_DATA_BYTES:
            raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    return markup


def checked_commands(raw: str) -> list[dict[str, str]]:
    """The bot's menu.

    Raises:
        ApiError: a command that is not 1-32 of a-z, 0-9 and _ (API BotCommand.command), a description that is empty
            or longer than 256, or more than 100 commands.
    """
    commands: list[dict[str, str]] = _json(raw, list, "commands")
    if len(commands) > MAX_COMMANDS:
        raise ApiError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", ""))):
            raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= MAX_DESCRIPTION:
            raise ApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    return commands


def checked_secret(secret: str) -> str:
    """API setWebhook.secret_token: 1-256 of A-Z, a-z, 0-9, _ and -."""
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise ApiError(400, "Bad Request: secret token contains unallowed characters")
    return secret


_MARKED = re.compile(r"(?<![\w/@])(/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?|@\w{3,32})")


def marked(text: str) -> list[str]:
    """The commands and mentions in a person's message."""
    return _MARKED.findall(text)


def entities_of(text: str) -> list[dict[str, Any]]:
    """The same as Telegram marks them (API Message.entities)."""
    return [
        {
            "type": "bot_command" if match[0][0] == "/" else "mention",
            "offset": units(text[: match.start()]),
            "length": units(match[0]),
        }
        for match in _MARKED.finditer(text)
    ]


def _refuse_nested_code(spans: list[tuple[int, int, str]]) -> None:
    for one in spans:
        for other in spans:
            overlap = one is not other and one[0] < other[1] and other[0] < one[1]
            if overlap and {one[2], other[2]} & {"pre", "code"}:
                raise ApiError(400, "Bad Request: can't parse entities: pre and code entities can't be nested")


def _json(raw: str, kind: type, what: str) -> Any:
    try:
        value = json.loads(raw or ("[]" if kind is list else "{}"))
    except ValueError:
        raise ApiError(400, f"Bad Request: can't parse {what} JSON object") from None
    if not isinstance(value, kind):
        raise ApiError(400, f"Bad Request: {kind.__name__} expected as {what}")
    return value


def required(arguments: Mapping[str, Any], name: str) -> str:
    """BOTAPI get_required_string_arg."""
    value = arguments.get(name)
    if value in (None, ""):
        raise ApiError(400, f'Bad Request: parameter "{name}" is required')
    return str(value)
