"""Texts → token ids, in the same way whoever read the tokenizer; and what n-grams say, for models that have some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plugins.classifiers._network import Item
from plugins.classifiers._ngrams import Ngrams, Said


@dataclass(frozen=True, slots=True)
class Encoder:
    """`tokenise` cuts to as many tokens as the model takes; `pad` fills up; n-grams count as much as `weight`."""

    tokenise: Callable[[list[str]], list[Item]]
    pad: int
    ngrams: Ngrams | None = None
    weight: float = 0.0

    def __call__(self, texts: list[str]) -> list[Item]:
        """One Item per text; never empty, since a model cannot read nothing."""
        valid = [text.encode("utf-8", "replace").decode() for text in texts]  # lone surrogates are no UTF-8
        items = [row or [self.pad] for row in self.tokenise(valid)]
        if self.ngrams is None or not self.weight:
            return items
        said = self.weight * self.ngrams.logits(valid)
        return [Said(item, logits) for item, logits in zip(items, said, strict=True)]
