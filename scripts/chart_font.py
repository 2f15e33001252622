"""Makes bot/fonts: the glyphs that the pictures need, out of Pretendard (SIL Open Font License 1.1).

Needed again when an emotion or a text of the locale's [charts] table gets a letter that no picture had before.
Get the package `pretendard` 1.3.9 (npm pack pretendard@1.3.9), unpack it, and give its folder:

    .venv/bin/python scripts/chart_font.py package
"""

from __future__ import annotations

import shutil
import string
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from bot import emotions
from bot.locale import LANGUAGES, words

FOLDER = Path(__file__).parents[1] / "bot" / "fonts"
NAME = "Maum Chart"  # the licence reserves the original's name for the original
WEIGHTS = {"regular": "Medium", "bold": "Bold"}


def characters() -> str:
    """Every character that a picture may hold."""
    names = [entry.ko + entry.en for entry in emotions.entries().values()]
    names += [ko + en for ko, en, _ in emotions.GROUP_NAMES.values()]
    texts = [text for language in LANGUAGES for text in words(language)["charts"].values()]
    plain = string.ascii_letters + string.digits + string.punctuation
    return "".join(sorted({*"".join(names + texts), *plain, *" ·…–"}))


def make(source: Path, target: Path, weight: str) -> None:
    """Write one weight with just those characters."""
    options = Options(layout_features=[], name_IDs=[0, 1, 2, 4, 6, 13, 14], hinting=False, notdef_outline=True)
    font = TTFont(source, recalcTimestamp=False)
    subsetter = Subsetter(options)
    subsetter.populate(text=characters())
    subsetter.subset(font)
    for number, text in ((1, NAME), (2, weight), (4, f"{NAME} {weight}"), (6, f"MaumChart-{weight}")):
        font["name"].setName(text, number, 3, 1, 0x409)
    if "CFF " in font:
        _rename(font["CFF "].cff, f"MaumChart-{weight}")
    font.save(target)


def _rename(cff: object, name: str) -> None:
    cff.fontNames = [name]  # type: ignore[attr-defined]
    top = cff.topDictIndex[0]  # type: ignore[attr-defined]
    top.FullName, top.FamilyName = name, NAME


def main(package: Path) -> None:
    FOLDER.mkdir(exist_ok=True)
    for weight, original in WEIGHTS.items():
        make(package / "dist/public/static" / f"Pretendard-{original}.otf", FOLDER / f"maum-chart-{weight}.otf", weight)
    shutil.copy(package / "dist/LICENSE.txt", FOLDER / "LICENSE.txt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
