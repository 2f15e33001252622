"""Typing noise: what people's thumbs do to Korean and English text. Used as augmentation and to test robustness."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import numpy as np

Noise = Callable[[str, np.random.Generator], str]

LAZY_FINALS = {"ᆻ": "ᆺ", "ᆹ": "ᆸ", "ᆭ": "ᆫ", "ᆶ": "ᆯ", "ᆩ": "ᆨ"}  # 했어 → 햇어, 없어 → 업어, 않 → 안, 싫 → 실
TAIL = re.compile(r"[ㅋㅎㅠㅜ~!?.… ]+$")
TAILS = ("ㅋㅋ", "ㅎㅎ", "ㅠㅠ", "ㅋ", "ㅠ")
KEYS_HELD = re.compile(r"([ㅋㅎㅠㅜ!?.~])\1+")


def remove_spaces(text: str, random: np.random.Generator) -> str:
    """All spaces, or each with probability ½."""
    if random.random() < 0.5:
        return text.replace(" ", "")
    return re.sub(" ", lambda _: "" if random.random() < 0.5 else " ", text)


def lazy_finals(text: str, random: np.random.Generator) -> str:
    """Double final consonants typed as single ones."""
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(LAZY_FINALS.get(jamo, jamo) for jamo in apart))


def jamo_slip(text: str, random: np.random.Generator) -> str:
    """One syllable's vowel or final moved to the next key, or a letter left out."""
    places = [at for at, letter in enumerate(text) if "가" <= letter <= "힣" or (letter.isascii() and letter.isalpha())]
    if not places:
        return text
    at = places[int(random.integers(len(places)))]
    letter = text[at]
    if letter.isascii():
        return text[:at] + text[at + 1 :]
    code = ord(letter) - ord("가")
    slipped = code // 28 * 28 if code % 28 else code // 588 * 588 + int(random.integers(21)) * 28
    return text[:at] + chr(ord("가") + slipped) + text[at + 1 :]


def held_keys(text: str, random: np.random.Generator) -> str:
    """ㅋㅋ, ㅠㅠ, !!, … longer or shorter than written."""
    return KEYS_HELD.sub(lambda run: run.group(1) * int(random.integers(1, 6)), text)


def added_tail(text: str, random: np.random.Generator) -> str:
    """ㅋㅋ, ㅎㅎ or ㅠㅠ behind it, which many type after everything."""
    return f"{text} {random.choice(TAILS) * int(random.integers(1, 4))}"


def drawn_out(text: str, random: np.random.Generator) -> str:
    """One word's last letter held: Korean by its vowel (너무우우), English by itself (soooo)."""
    words = text.split(" ")
    at = int(random.integers(len(words)))
    words[at] += _held(words[at][-1:]) * int(random.integers(2, 5))
    return " ".join(words)


def _held(letter: str) -> str:
    if not "가" <= letter <= "힣":
        return letter
    vowel = (ord(letter) - ord("가")) // 28 % 21
    return chr(ord("아") + vowel * 28)


def cut_tail(text: str, random: np.random.Generator) -> str:
    """No ㅋㅋ, ㅠㅠ or punctuation at the end."""
    return TAIL.sub("", text) or text


def lower(text: str, random: np.random.Generator) -> str:
    """All lower case."""
    return text.lower()


ALL: dict[str, Noise] = {
    noise.__name__: noise
    for noise in (remove_spaces, lazy_finals, jamo_slip, held_keys, added_tail, drawn_out, cut_tail, lower)
}


def typed(text: str, random: np.random.Generator, share: float = 0.5) -> str:
    """With probability `share`, one or two of the noises."""
    if random.random() >= share:
        return text
    for noise in random.choice(list(ALL), size=int(random.integers(1, 3)), replace=False):
        text = ALL[str(noise)](text, random)
    return text
