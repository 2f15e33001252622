"""How far each chat has been read, kept from the loss of a connection until what was missed is caught up with.

On disk, because a process may die in between: the last message that was handled is no mark then, as later ones come in
while earlier ones are still being fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bot.types import Chat

Marks = dict[Chat, str]  # the last message that was handled, by its id


class MarkBook:
    """A page of marks for each shard."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[int, Marks] = {}
        self._under_way: dict[int, Marks] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def add(self, shard: int, seen: Mapping[Chat, str]) -> None:
        """Mark the chats; a mark that is there already is the earlier one, and stays."""
        known = self._open.get(shard) or self._read(shard)
        self._open[shard] = {**seen, **known}
        self._write(shard)

    @contextmanager
    def taken(self, shard: int) -> Iterator[Marks]:
        """The marks of a shard; rubbed out when all was done. What fails leaves them to the next who takes them."""
        marks = self._under_way[shard] = {**self._open.pop(shard, {}), **self._under_way.get(shard, {})}
        yield marks
        self._under_way.pop(shard, None)
        self._write(shard)

    def _write(self, shard: int) -> None:
        marks = {**self._open.get(shard, {}), **self._under_way.get(shard, {})}
        rows = [[chat.id, chat.space_id, chat.kind, last] for chat, last in marks.items()]
        draft = self._file(shard).with_suffix(".new")
        draft.write_text(json.dumps(rows), encoding="utf-8")
        draft.replace(self._file(shard))

    def _read(self, shard: int) -> Marks:
        if not self._file(shard).exists():
            return {}
        rows = json.loads(self._file(shard).read_text(encoding="utf-8"))
        return {Chat("discord", identity, space, kind): last for identity, space, kind, last in rows}

    def _file(self, shard: int) -> Path:
        return self._folder / f"catch-up-{shard}.json"
