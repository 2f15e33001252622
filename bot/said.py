"""What a command says: text, buttons, a picture, files. Every chat platform shows these in its own way."""

from __future__ import annotations

from dataclasses import dataclass

from bot.types import MAX_ACTION_BYTES

PREFIX = "do"


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: pressing it does `command` with `value`, and what that says takes the place of what stood there."""

    label: str
    command: str
    value: str = ""

    def encode(self) -> str:
        """The same short text on every platform. Raises ValueError when longer than 64 bytes."""
        encoded = f"{PREFIX}:{self.command}:{self.value}"
        if len(encoded.encode()) > MAX_ACTION_BYTES:
            raise ValueError(f"choice does not fit into {MAX_ACTION_BYTES} bytes: {encoded!r}")
        return encoded

    @staticmethod
    def decode(encoded: str) -> tuple[str, str]:
        """Command and value. Raises ValueError for anything `encode` would not have written."""
        prefix, command, value = encoded.split(":", 2)
        if prefix != PREFIX:
            raise ValueError(f"no choice: {encoded[:20]!r}")
        return command, value


@dataclass(frozen=True, slots=True)
class Said:
    """`rows` of buttons; `picture` is a PNG; `files` are names with contents. `private`: for the asker's eyes only."""

    text: str
    rows: tuple[tuple[Choice, ...], ...] = ()
    picture: bytes | None = None
    files: tuple[tuple[str, bytes], ...] = ()
    private: bool = True
