"""Our own corpus: the converter, the split, the check, and the committed rows themselves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.emotions import entries, label_set
from bot.errors import OperatorError
from tests.training import tiny
from training import corpus_check, maum58
from training.maum58 import Row

DRAFT = """# a remark
기쁨 | 붙었다!! | - | 합격
안도 | 이제 잔다 | 기쁨 | -

분노 | 누가 내 우산 가져감 | - | -
"""


def test_a_draft_becomes_rows_with_dialogues_and_turns() -> None:
    rows = list(maum58.parse(DRAFT.splitlines(), "joy", "ko"))
    assert [(row.id, row.turn, row.label) for row in rows] == [
        ("joy-ko-0001-1", 1, "기쁨"),
        ("joy-ko-0001-2", 2, "안도"),
        ("joy-ko-0002-1", 1, "분노"),
    ]
    assert (rows[0].reason, rows[0].second, rows[1].second) == ("합격", "", "기쁨")
    assert rows[2].group == "anger"


@pytest.mark.parametrize(
    "line", ["기쁨 | 셋 | -", "즐거움 | 그런 라벨은 없다 | - | -", "기쁨 | x | 없음 | -", "기쁨 | | - | -"]
)
def test_a_line_that_is_no_row_is_named_with_its_place(line: str) -> None:
    with pytest.raises(OperatorError, match=r"joy-ko\.txt:2"):
        list(maum58.parse(["# first", line], "joy", "ko", "joy-ko.txt"))


def test_appending_to_a_draft_moves_no_row_to_another_part() -> None:
    before = list(maum58.parse(DRAFT.splitlines(), "joy", "ko"))
    after = list(maum58.parse([*DRAFT.splitlines(), "", "기쁨 | 하나 더 | - | -"], "joy", "ko"))
    assert after[: len(before)] == before


def test_about_a_quarter_of_the_dialogues_is_held_back() -> None:
    parts = Counter(maum58.part_of(f"joy-ko-{n:04d}") for n in range(2000))
    assert 0.22 < parts["dev"] / 2000 < 0.28


def test_rows_survive_the_file(tmp_path: Path) -> None:
    home = tiny.rows(tmp_path / "maum-58")
    rows = maum58.read(home)
    assert len(rows) == 250
    assert {row.lang for row in maum58.read(home, lang="ko")} == {"ko"}
    assert len(maum58.read(home, "train")) + len(maum58.read(home, "dev")) == 240
    assert {row.dialogue.split("-")[0] for row in maum58.read(home, "test")} == {"test1"}


def test_a_broken_line_of_the_corpus_is_named(tmp_path: Path) -> None:
    (tmp_path / "ko").mkdir()
    (tmp_path / "ko" / "joy.jsonl").write_text('{"id": 1}\n', encoding="utf-8")
    with pytest.raises(OperatorError, match=r"joy\.jsonl:1"):
        maum58.read(tmp_path)


def test_the_check_finds_near_duplicates_across_files_and_named_feelings() -> None:
    rows = [
        _row("joy-ko-0001", "어제 지하철에서 우산을 잃어버렸는데 누가 찾아줬어", "기쁨"),
        _row("hurt-ko-0001", "어제 지하철에서 우산을 잃어버렸는데 아무도 안 찾아줘", "상처"),
        _row("joy-ko-0002", "너무 기쁘다", "기쁨"),
    ]
    report = corpus_check.main(rows)["ko"]
    assert report["alike"] == [("joy-ko-0001-1", "hurt-ko-0001-1")]
    assert report["labels"]["기쁨"]["own_word"] == 1
    assert "분노" in report["missing"]
    assert "near-duplicates: joy-ko-0001-1 ~ hurt-ko-0001-1" in corpus_check.text({"ko": report})


def test_no_dialogue_of_the_committed_corpus_stands_on_both_sides() -> None:
    rows = maum58.read()
    parts: dict[str, set[str]] = {}
    for row in rows:
        parts.setdefault(row.dialogue, set()).add(row.split)
    assert all(len(found) == 1 for found in parts.values())
    assert all(row.split == maum58.part_of(row.dialogue) for row in rows)
    assert max(Counter(row.id for row in rows).values()) == 1


def test_the_committed_corpus_has_enough_rows_of_every_label() -> None:
    counts = Counter((row.lang, row.label) for row in maum58.read())
    assert all(counts["ko", label] >= 20 and counts["en", label] >= 4 for label in label_set("maum"))


def test_the_committed_rows_carry_their_labels_own_group() -> None:
    assert all(row.group == entries()[row.label].group for row in maum58.read())


def _row(dialogue: str, text: str, label: str) -> Row:
    return Row(f"{dialogue}-1", dialogue, 1, "ko", text, label, entries()[label].group, "train")


def test_what_echoes_a_held_back_row_is_not_learnt() -> None:
    train = [_row("plain1-ko-0001", "오늘 하루 종일 아무것도 못 먹었어", "슬픔"), _row("joy-ko-0001", "좋다", "기쁨")]
    held = [_row("test1-ko-0001", "오늘 하루종일 아무것도 못먹었어ㅠ", "우울한")]
    assert [row.id for row in corpus_check.without_echoes(train, held)] == ["joy-ko-0001-1"]
