"""A text as people mean it, whatever way they typed it: the crisis detector's first step."""

from __future__ import annotations

import re
import unicodedata

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
