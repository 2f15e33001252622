"""Cuts texts of mixed lengths into batches that cost the least, padding and passes together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate


def split(lengths: Sequence[int], most: int, fixed: float) -> list[list[int]]:
    """Indices in batches of at most `most`, shortest texts first.

    A batch is padded to its longest text, so it costs `fixed + texts · longest` tokens. Dynamic programming over the
    different lengths finds the cuts with the least sum: O(d²) for d of them.

    Args:
        lengths: tokens of each text.
        fixed: what a forward pass costs besides its texts, in tokens.
    """
    counts = Counter(lengths)
    sizes = sorted(counts)
    tokens = [0, *accumulate(size * counts[size] for size in sizes)]  # unpadded, of the i shortest lengths
    least = [0.0]  # least[i]: the best sum for the i shortest lengths …
    begins = [0]  # … whose last group begins at this one
    for end, longest in enumerate(sizes, 1):
        texts, best, begin = 0, float("inf"), 0
        for start in range(end - 1, -1, -1):
            texts += counts[sizes[start]]
            if tokens[start] + fixed + texts * longest >= best:
                break  # a longer group only adds padding
            if (cost := least[start] + -(-texts // most) * fixed + texts * longest) < best:
                best, begin = cost, start
        least.append(best)
        begins.append(begin)
    return _cut(sorted(range(len(lengths)), key=lengths.__getitem__), _groups(sizes, counts, begins), most)


def _groups(sizes: Sequence[int], counts: Counter[int], begins: Sequence[int]) -> list[int]:
    """How many texts each group holds, from the shortest."""
    groups, end = [], len(sizes)
    while end:
        groups.append(sum(counts[size] for size in sizes[begins[end] : end]))
        end = begins[end]
    return groups[::-1]


def _cut(order: Sequence[int], groups: Sequence[int], most: int) -> list[list[int]]:
    """Each group in as few batches as can be, all about the same size."""
    batches, at = [], 0
    for texts in groups:
        passes = -(-texts // most)
        for number in range(passes):
            batches.append(list(order[at + number * texts // passes : at + (number + 1) * texts // passes]))
        at += texts
    return batches
