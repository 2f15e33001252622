"""The data of interactions, as Discord makes it of what a person does with commands and components.

A person cannot do what their client would not let them: that is an AssertionError of the test, no refusal of the bot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.servers.discord_world import Json, Message

STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE = 3, 4, 5, 6, 7, 8  # application-commands#…-option-type
BUTTON, STRING_SELECT = 2, 3


def command_event(
    commands: Sequence[Json], name: str, given: Mapping[str, Any], target: Json | None = None, focused: str = ""
) -> Json:
    """interactions/receiving-and-responding#interaction-object-application-command-data-structure."""
    kind = 3 if target else 1
    found = [one for one in commands if one["name"] == name and one["type"] == kind]
    assert found, f"no command {name!r}; registered: {sorted(one['name'] for one in commands)}"
    known = {option["name"]: option for option in found[0].get("options") or []}
    assert set(given) <= set(known), f"{name}: no options {set(given) - set(known)}"
    for option in known.values():
        assert not option.get("required") or option["name"] in given or focused, f"{name} needs {option['name']}"
    resolved: Json = {}
    options = [_option(known[key], value, focused == key, resolved) for key, value in given.items()]
    data: Json = {"id": found[0]["id"], "name": name, "type": kind, "options": options, "resolved": resolved}
    if target:
        data |= {"target_id": target["id"], "resolved": {"messages": {target["id"]: target}}}
    return data


def _option(known: Json, value: Any, focused: bool, resolved: Json) -> Json:
    option: Json = {"name": known["name"], "type": known["type"], "value": value}
    if focused:
        return option | {"focused": True}
    if choices := known.get("choices"):
        assert value in [choice["value"] for choice in choices], f"{known['name']}: {value!r} is no choice"
    if known["type"] == USER:
        resolved.setdefault("users", {})[str(value.id)] = value.shape()
        option["value"] = str(value.id)
    if known["type"] == CHANNEL:
        resolved.setdefault("channels", {})[str(value.id)] = value.shape() | {"permissions": "0"}
        option["value"] = str(value.id)
    return option


def component_event(message: Message, custom_id: str, values: Sequence[str]) -> Json:
    """interactions/receiving-and-responding#interaction-object-message-component-data-structure."""
    inner = [one for row in message.components for one in row["components"] if one.get("custom_id") == custom_id]
    assert inner, f"no component {custom_id!r}; there are: {list(component_ids(message))}"
    component = inner[0]
    assert not component.get("disabled"), f"{custom_id} is disabled"
    data: Json = {"custom_id": custom_id, "component_type": component["type"]}
    if component["type"] == STRING_SELECT:
        offered = {option["value"] for option in component["options"]}
        assert set(values) <= offered, f"{custom_id} does not offer {set(values) - offered}"
        assert component.get("min_values", 1) <= len(values) <= component.get("max_values", 1)
        data |= {"values": list(values), "resolved": {}}
    return data


def component_ids(message: Message) -> dict[str, str]:
    """custom_id → what stands on it (label or emoji), of what can be clicked."""
    found: dict[str, str] = {}
    for row in message.components:
        for one in row["components"]:
            if not one.get("disabled"):
                emoji = (one.get("emoji") or {}).get("name") or ""
                found[one["custom_id"]] = (emoji + (one.get("label") or one.get("placeholder") or "")).strip()
    return found
