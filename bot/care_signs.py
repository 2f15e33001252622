"""What the crisis detector sees in a text: signs by regular expression, their pairs, and hashed character n-grams.

Plain Python on purpose: it must work when torch, the classifier and the network do not. Hashing into a fixed table
("feature hashing", Weinberger et al., ICML 2009) keeps the model small and needs no vocabulary.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from zlib import crc32

BUCKETS = 1 << 17
NGRAMS = range(1, 6)
NGRAM_SCALE, WORD_SCALE = 6.0, 4.0  # how much they may say beside the signs; by cross-validation
MAX_PAIRED = 14
FADE = 0.6  # how much an earlier turn counts, for each turn that it lies back

#: Frames in which even the plainest words are mostly harmless: a quotation, a game, news, the past, a figure of speech.
EXCUSES = frozenset(
    {"intensifier", "game", "media", "news", "recovered", "about_bot", "joke", "hard_no", "sport", "grief"}
    | {"hurt_accident", "medicine"}
)
SHIELDS = EXCUSES | {"food", "weather_body", "work", "school", "moving", "money", "relation", "device", "good"}
SHIELDS |= {"night_bye", "plan_ok", "goal_quit"}
FICTION = frozenset({"game", "media", "news", "about_bot"})

LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
TAILS = "\0ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "!": "i", "@": "a", "$": "s"}

_NOT_JAMO = re.compile(r"[^\u3130-\u318f]+")
_JAMO_RUN = re.compile(f"[{LEADS}{VOWELS}]*[{LEADS}][{VOWELS}][{LEADS}{VOWELS}\u3131-\u314e]*")
_SYLLABLE = re.compile(f"([{LEADS}])([{VOWELS}])([\u3131-\u314e]?(?![{VOWELS}]))?")
_LEET = re.compile(r"(?<=[a-z])[013!@$](?=[a-z])|(?<![\w$@])[$@](?=[a-z]{3})")
_REPEAT = re.compile(r"(\D)\1{2,}")
_SPREAD = re.compile(r"(?<![가-힣])[가-힣](?:[\s.·*_~-]+[가-힣]){2,}(?![가-힣])")
_SPREAD_LATIN = re.compile(r"\b[a-z](?:[.*_-][a-z]){2,}\b")
_BESIDE_HANGUL = re.compile(r"(?<=[가-힣ㄱ-ㅣ.])\s+|\s+(?=[가-힣ㄱ-ㅣ])")
_PUNCTUATION = re.compile(r"[.!?…。~,;:\n]+")
_HANGUL = re.compile("[가-힣ㄱ-ㅣ]")
_LATIN = re.compile("[a-z]")
_WORD = re.compile(r"[가-힣]+|[a-z']+|[ㄱ-ㅣ]+|\d+|[^\s\w]")


def plain(text: str) -> str:
    """A text as people mean it, whatever way they typed it.

    Full-width letters, jamo typed one by one, l33t digits, letters drawn out or spread with dots, and spaces beside
    Hangul (chat has them anywhere) all become one form. Sentence ends become one "." ("?" where they asked).
    """
    text = _NOT_JAMO.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text).lower()
    text = "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Mn")).replace("’", "'")
    text = _JAMO_RUN.sub(lambda found: _SYLLABLE.sub(_compose, found[0]), text)
    text = _LEET.sub(lambda found: LEET[found[0]], text)
    text = _REPEAT.sub(r"\1\1", text)
    text = _SPREAD.sub(lambda found: re.sub(r"[^가-힣]", "", found[0]), text)
    text = _SPREAD_LATIN.sub(lambda found: re.sub(r"[^a-z]", "", found[0]), text)
    text = _PUNCTUATION.sub(_ending, text)
    return _BESIDE_HANGUL.sub("", text).strip()


def _compose(found: re.Match[str]) -> str:
    lead, vowel, tail = found[1], found[2], found[3] or "\0"
    if tail not in TAILS:
        return found[0]
    return chr(0xAC00 + (LEADS.index(lead) * 21 + VOWELS.index(vowel)) * 28 + TAILS.index(tail))


def _ending(found: re.Match[str]) -> str:
    marks = found[0]
    return "?" if "?" in marks else "!!" if "!!" in marks else ", " if marks.strip() in (",", ";", ":") else ". "


@dataclass(frozen=True, slots=True)
class Seen:
    """What one text shows: `signs` (concepts, and `concept.line` for the expression that matched), and its n-grams."""

    signs: frozenset[str]
    grams: tuple[int, ...]
    words: tuple[int, ...]


@cache
def signs() -> dict[str, list[tuple[str, str, re.Pattern[str]]]]:
    """The expressions by language as (concept, concept.line, compiled); takes about 0.2 s the first time."""
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {
        language: [
            (name, f"{language}.{name}.{number}", re.compile(line.replace("[^.]", ".")))
            for name, lines in table.items()
            for number, line in enumerate(lines)
        ]
        for language, table in tables.items()
    }


def look(text: str) -> Seen:
    """Read the signs and n-grams of one text."""
    seen = plain(text)
    return Seen(signs_in(text), tuple({*_grams(f" {seen} ")}), tuple({*_words(text.lower())}))


def signs_in(text: str) -> frozenset[str]:
    """The signs alone, which is all that most texts need."""
    text = plain(text)
    found: set[str] = set()
    for language, script in (("ko", _HANGUL), ("en", _LATIN)):
        if script.search(text):
            for name, line, expression in signs()[language]:
                if expression.search(text):
                    found.update((name, line))
    length = len(text)
    found.add("~tiny" if length < 8 else "~short" if length < 20 else "~middle" if length < 45 else "~long")
    return frozenset(found)


def _grams(text: str) -> Iterable[int]:
    """Every run of 1–5 characters and every English word pair, as buckets of the table."""
    raw = text.encode("utf-16-le")
    for size in NGRAMS:
        for start in range(0, len(raw) - 2 * size + 1, 2):
            yield crc32(raw[start : start + 2 * size]) % BUCKETS


def _words(text: str) -> Iterable[int]:
    """Words, pairs of neighbours, and pairs with one word between."""
    words = _WORD.findall(text)
    for at, word in enumerate(words):
        yield crc32(f"w{word}".encode()) % BUCKETS
        if at:
            yield crc32(f"w{words[at - 1]} {word}".encode()) % BUCKETS
        if at > 1:
            yield crc32(f"w{words[at - 2]} * {word}".encode()) % BUCKETS


def features(last: Seen, before: Sequence[Seen], earlier_risk: Sequence[float]) -> dict[int, float]:
    """Buckets and values for the last text, given what came before it.

    `earlier_risk` is the risk (0…1) of each earlier turn judged alone, oldest first. Both fade by the turn.
    """
    values: dict[int, float] = {}

    def add(name: str, value: float) -> None:
        at = crc32(name.encode()) % BUCKETS
        values[at] = values.get(at, 0.0) + value

    for name, value in _sums(last.signs):
        add(name, value)
    for buckets, scale in ((last.grams, NGRAM_SCALE), (last.words, WORD_SCALE)):
        share = scale / max(len(buckets), 12) ** 0.5
        for at in buckets:
            values[at] = values.get(at, 0.0) + share
    for sign in last.signs:
        add(sign, 1.0 if "." not in sign else 0.7)
    concepts = sorted(sign for sign in last.signs if "." not in sign)[:MAX_PAIRED]
    for one, two in combinations(concepts, 2):
        add(f"{one}+{two}", 0.5)
    faded: dict[str, float] = {}
    for back, seen in enumerate(reversed(before)):
        for sign in seen.signs:
            if "." not in sign:
                faded[sign] = max(faded.get(sign, 0.0), FADE**back)
    for sign, weight in faded.items():
        add(f"before:{sign}", 0.5 * weight)
    for back, risk in enumerate(reversed(earlier_risk)):
        name = "just" if back == 0 else "lately"
        add(f"risk:{name}", 3.0 * risk * FADE**back)
    if before:
        add("has-before", 0.5)
    return values


def evident(found: frozenset[str]) -> bool:
    """Is there any whole construction that people in danger use? Without one the n-grams alone are not believed."""
    return any(sign.startswith(("e_", "v_")) for sign in found)


def plainly(found: frozenset[str]) -> bool:
    """Does a text say it outright, in a whole construction, with no frame that would excuse it?"""
    excuses = set(found & EXCUSES)
    if "earnest" in found:
        excuses.discard("joke")
    if "relapse" in found:
        excuses.discard("recovered")
    return not excuses and any(sign.startswith("e_") for sign in found)


def _sums(found: frozenset[str]) -> Iterable[tuple[str, float]]:
    """How much of a kind there is, and which harmless frame stands beside it."""
    explicit = {sign for sign in found if sign.startswith("e_")}
    veiled = {sign for sign in found if sign.startswith("v_")}
    kind = "explicit" if explicit else "veiled" if veiled else "neither"
    shields = found & (EXCUSES if explicit else SHIELDS)
    yield f"explicit={min(len(explicit), 3)}", 1.0
    yield f"veiled={min(len(veiled), 4)}", 1.0
    yield "veiled-lines", 0.4 * min(sum(".v_" in sign for sign in found), 8)
    yield f"{kind}&{min(len(shields), 3)}", 1.0
    for shield in shields:
        yield f"{kind}&{shield}", 1.0
    if plainly(found):
        yield "plainly", 2.0
