"""Which letters an expression cannot do without, and that the index overlooks nothing for their sake."""

from __future__ import annotations

import gc
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import care_signs
from bot.care_index import needed
from bot.care_text import plain
from tests.house import PERSON, House
from training import care_data


@pytest.mark.parametrize(
    ("expression", "letters"),
    [
        ("죽고", "죽 고"),
        ("(나|너)(죽|살)", "죽살 나너"),
        ("[주쥬]글", "글 주쥬"),
        ("(나)?빠", "빠"),
        ("(?!안)울|(?<=못)참", "울참"),
        ("[^가-힣]+z", "z"),
        ("x{2,}", "x"),
        (r"\d+q", "q"),
    ],
)
def test_letters_of_an_expression(expression: str, letters: str) -> None:
    assert needed(expression) == [set(group) for group in letters.split()]


@pytest.mark.parametrize("expression", ["", "a?", ".", "a|b*", "[^a]", "(?=a)", r"\w"])
def test_an_expression_that_can_do_without_any_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="can do without"):
        needed(expression)


@given(st.from_regex("(아[가나]|다{2}(라|마)?|바?사[^.]{0,3}자|(?<!차)카)", alphabet="가나다라마바사아자차카.x"))
def test_every_text_that_an_expression_finds_has_one_of_its_letters(text: str) -> None:
    expression = "(아[가나]|다{2}(라|마)?|바?사[^.]{0,3}자|(?<!차)카)"
    assert re.search(expression, text)
    assert all(letters & set(text) for letters in needed(expression))


@cache
def lines() -> dict[str, dict[str, re.Pattern[str]]]:
    """Every expression by language, to be tried one by one."""
    tables = tomllib.loads((Path(care_signs.__file__).with_suffix(".toml")).read_text(encoding="utf-8"))
    return {
        language: {
            f"{language}.{name}.{at}": re.compile(line.replace("[^.]", "."))
            for name, found in table.items()
            for at, line in enumerate(found)
        }
        for language, table in tables.items()
    }


def test_the_signs_found_are_those_that_trying_every_expression_finds() -> None:
    texts = [plain(turn) for item in care_data.development()[::25] for turn in item["turns"]]
    for text in texts:
        tried = [language for language, script in (("ko", "[가-힣ㄱ-ㅣ]"), ("en", "[a-z]")) if re.search(script, text)]
        wanted = {name for language in tried for name, line in lines()[language].items() if line.search(text)}
        assert {sign for sign in care_signs.look(text) if "." in sign} == wanted


def test_what_a_text_showed_is_remembered_without_the_text() -> None:
    text = plain("나 이제 진짜 사라지고 싶어")
    found = care_signs.look(text)
    assert care_signs.look(text) is found
    assert all("." in sign or sign.isidentifier() or sign.startswith("~") for sign in found)
    assert all(text not in part for part in map(str, gc.get_referents(care_signs._remembered)))


async def test_nothing_is_remembered_of_it_once_somebody_is_forgotten(house: House) -> None:
    text = plain("나 이제 진짜 사라지고 싶어")
    found = care_signs.look(text)
    await house.app.privacy.forget(PERSON)
    assert care_signs.look(text) is not found
