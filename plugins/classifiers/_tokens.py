"""Texts → token ids, in the same way whoever read the tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plugins.classifiers._network import Item


@dataclass(frozen=True, slots=True)
class Encoder:
    """`tokenise` cuts to as many tokens as the model takes; `pad` is the token that fills up."""

    tokenise: Callable[[list[str]], list[Item]]
    pad: int

    def __call__(self, texts: list[str]) -> list[Item]:
        """One Item per text; never empty, since a model cannot read nothing."""
        valid = [text.encode("utf-8", "replace").decode() for text in texts]  # lone surrogates are no UTF-8
        return [row or [self.pad] for row in self.tokenise(valid)]
