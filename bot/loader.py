"""Finds a plugin by its entry-point name or as "module:Class", and builds it from its options.

Only what the configuration names is imported. Options are the constructor's keywords; text from the environment is
coerced to the annotated type.
"""

from __future__ import annotations

import difflib
import inspect
import logging
import typing
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.config import FromEnvironment, PluginSection, Settings
from bot.contracts import Classifier, Platform, Plugin, Replier
from bot.errors import OperatorError

log = logging.getLogger("maum")

P = TypeVar("P", bound=Plugin)
KINDS: Mapping[type[Plugin], str] = {Classifier: "classifier", Replier: "replier", Platform: "platform"}


def classifier(settings: Settings) -> Classifier:
    """The configured classifier, not yet entered."""
    check_sections(Classifier, settings.classifier, (settings.classifier.use,))
    return build(Classifier, settings.classifier.use, settings.classifier)  # type: ignore[type-abstract]


def repliers(settings: Settings) -> list[Replier]:
    """The configured repliers in their order, not yet entered."""
    check_sections(Replier, settings.replier, settings.replier.use)
    if not settings.replier.use:
        raise OperatorError('replier.use is empty: name at least one, such as use = ["offline"]')
    return [build(Replier, name, settings.replier) for name in settings.replier.use]  # type: ignore[type-abstract]


def platforms(settings: Settings, names: tuple[str, ...]) -> dict[str, Platform]:
    """The named platforms, not yet entered; one that says why it stays off is left out, with a line in the log."""
    check_sections(Platform, settings.platforms, settings.platforms.use)
    built = {name: build(Platform, name, settings.platforms) for name in names}  # type: ignore[type-abstract]
    for name, platform in built.items():
        if platform.off:
            log.warning("%s stays off: %s", name, platform.off)
    return {name: platform for name, platform in built.items() if not platform.off}


def build(kind: type[P], name: str, section: PluginSection) -> P:
    """One plugin, not yet entered.

    Raises:
        OperatorError: not installed, not of this kind, or an option is unknown or of the wrong type.
    """
    cls = _find(kind, name)
    plugin = cls(**_options(cls, name, section.options(name), KINDS[kind]))
    plugin.name = name
    return plugin


def installed(kind: type[Plugin]) -> list[str]:
    """Entry-point names of all installed plugins of a kind; nothing is imported."""
    return sorted(point.name for point in entry_points(group=f"maum.{KINDS[kind]}s"))


def check_sections(kind: type[Plugin], section: PluginSection, used: tuple[str, ...]) -> None:
    """Refuse options for a plugin that does not exist, which is almost always a slip of the pen."""
    known = {*installed(kind), *used}
    for name in section.model_extra or {}:
        if name not in known:
            raise OperatorError(f"options for {name!r}, but {_missing(kind, name)}")


def _find(kind: type[P], name: str) -> type[P]:
    if ":" in name:
        module, _, attribute = name.partition(":")
    else:
        points = [point for point in entry_points(group=f"maum.{KINDS[kind]}s") if point.name == name]
        if not points:
            raise OperatorError(_missing(kind, name))
        module, _, attribute = points[0].value.partition(":")
    try:
        cls = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise OperatorError(f"{KINDS[kind]} {name!r} cannot be imported ({error}): install its package") from None
    if not (isinstance(cls, type) and issubclass(cls, kind)):
        raise OperatorError(f"{name!r} is no {KINDS[kind]}: its class must derive from bot.contracts.{kind.__name__}")
    return cls


def _missing(kind: type[Plugin], name: str) -> str:
    names = installed(kind)
    close = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"installed: {', '.join(names)}"
    return f"{KINDS[kind]} {name!r} is not installed; {hint} A class of your own is written as module:Class."


def _options(cls: type[Plugin], name: str, given: Mapping[str, Any], kind: str) -> dict[str, Any]:
    parameters = {p: v for p, v in inspect.signature(cls).parameters.items() if v.kind is not v.VAR_KEYWORD}
    hints = typing.get_type_hints(cls.__init__)
    options = {}
    for key, value in given.items():
        if key not in parameters:
            close = difflib.get_close_matches(key, list(parameters), 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it knows: {', '.join(parameters) or 'none'}"
            raise OperatorError(f"{kind} {name!r} has no option {key!r}: {hint}")
        options[key] = _coerce(f"{kind} {name!r}: option {key!r}", value, hints.get(key, Any))
    return options


def _coerce(what: str, value: Any, annotation: Any) -> Any:
    adapter = TypeAdapter(annotation)
    try:
        if isinstance(value, FromEnvironment) and typing.get_origin(annotation) in (list, tuple, dict):
            return (
                adapter.validate_json(value) if value.strip()[:1] in "[{" else adapter.validate_python(value.split(","))
            )
        return adapter.validate_python(str(value) if isinstance(value, FromEnvironment) else value)
    except ValidationError as error:
        raise OperatorError(f"{what} is wrong: {error.errors()[0]['msg']} (it is {value!r})") from None
