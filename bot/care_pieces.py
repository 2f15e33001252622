"""Byte-level BPE in plain Python: the pieces that the crisis encoder reads, as models/maum-small's tokenizer cuts them.

Own code rather than the tokenizers library, so that the crisis path hangs on nothing compiled but numpy.
Sennrich et al. 2016 (BPE); a test compares the two on the development items.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush

_DRAWN_OUT = re.compile(r"([ㅋㅎㅠㅜㄷㅇ!?.~;^하헐아ahoe])\1{3,}")
_CUT = re.compile(r"\d|[ㄱ-ㅣ]+|[^\w\s]+|[A-Za-z']+")
GONE = -1  # stands where a piece was that became part of the one before it

Merges = Mapping[tuple[int, int], tuple[int, int]]  # neighbours → rank, the piece they become


def pieces(text: str, bytes_: Sequence[int], merges: Merges) -> list[int]:
    """The numbers of a text's pieces; `bytes_` has the number of each of the 256 bytes."""
    text = _DRAWN_OUT.sub(r"\1\1\1", unicodedata.normalize("NFC", text))
    return [
        number
        for word in _words(text)
        for number in _merged([bytes_[byte] for byte in word.encode(errors="replace")], merges)
    ]


def _words(text: str) -> Iterator[str]:
    """Words, with digits, jamo, Latin letters and punctuation cut out of them."""
    for word in text.split():
        at = 0
        for cut in _CUT.finditer(word):
            yield from filter(None, (word[at : cut.start()], cut[0]))
            at = cut.end()
        if at < len(word):
            yield word[at:]


def _merged(numbers: list[int], merges: Merges) -> list[int]:
    """Neighbours become one, the earliest learnt pair first and of two the left one, until none is known.

    With a heap, so that a word without end takes no time without end.
    """
    end = len(numbers)
    left, right = [*range(-1, end - 1)], [*range(1, end + 1)]
    found: list[tuple[int, int, int, int]] = []  # rank, place, and which two stand there

    def look(at: int) -> None:
        if at >= 0 and right[at] < end and (merge := merges.get((numbers[at], numbers[right[at]]))):
            heappush(found, (merge[0], at, numbers[at], numbers[right[at]]))

    for at in range(end):
        look(at)
    while found:
        _, at, one, two = heappop(found)
        gone = right[at]
        if numbers[at] != one or gone >= end or numbers[gone] != two:
            continue  # one of them became part of another meanwhile
        numbers[at], numbers[gone] = merges[one, two][1], GONE
        right[at] = right[gone]
        if right[at] < end:
            left[right[at]] = at
        look(at)
        look(left[at])
    return [number for number in numbers if number != GONE]
