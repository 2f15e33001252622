"""The emotion map: complete, consistent, and calm about labels it has never seen."""

from __future__ import annotations

import logging

import pytest

from bot import emotions
from bot.types import Scores

SIZES = {"maum": 59, "kote": 44, "goemotions": 28, "seven": 7, "binary": 2}


@pytest.mark.parametrize(("name", "size"), SIZES.items())
def test_each_label_set_is_whole_and_in_index_order(name: str, size: int) -> None:
    assert len(emotions.label_set(name)) == len(set(emotions.label_set(name))) == size


def test_the_58_stand_in_the_original_order() -> None:
    labels = emotions.label_set("maum")
    assert (labels[0], labels[6], labels[27], labels[57], labels[58]) == (
        "가난한, 불우한",
        "기쁨",
        "슬픔",
        "희생된",
        "중립",
    )
    assert emotions.label_set("kote")[24] == "없음"
    assert emotions.label_set("goemotions")[27] == "neutral"
    assert emotions.label_set("seven") == ("행복", "놀람", "분노", "공포", "혐오", "슬픔", "중립")


def test_every_entry_is_complete() -> None:
    entries = emotions.entries().values()
    for entry in entries:
        assert entry.ko, entry
        assert entry.en, entry
        assert entry.emoji, entry
        assert set(entry.groups) <= set(emotions.GROUPS), entry
        assert -1 <= entry.valence <= 1, entry
        assert 0 <= entry.arousal <= 1, entry
        assert entry.code.isascii(), entry
    assert len({entry.code for entry in entries}) == len(entries)


@pytest.mark.parametrize(
    ("group", "count"),
    [("anger", 10), ("sadness", 11), ("anxiety", 10), ("hurt", 10), ("embarrassment", 10), ("joy", 10), ("neutral", 1)],
)
def test_the_groups_have_the_members_of_the_published_tree(group: str, count: int) -> None:
    assert len(emotions.members(group)) == count  # type: ignore[arg-type]


def test_joy_is_pleasant_and_the_other_feelings_are_not() -> None:
    for label in emotions.label_set("maum")[:58]:
        entry = emotions.find(label)
        assert (entry.valence > 0) == (entry.group == "joy"), entry


def test_a_label_of_two_parents_shares_its_probability() -> None:
    masses = emotions.group_scores(Scores(("혼란스러운", "기쁨"), (0.6, 0.4)))
    assert masses["anxiety"] == masses["embarrassment"] == pytest.approx(0.3)
    assert masses["joy"] == pytest.approx(0.4)


def test_scores_of_a_multi_label_model_become_group_probabilities_that_sum_to_one() -> None:
    labels = emotions.label_set("kote")
    masses = emotions.group_scores(Scores(labels, tuple(0.5 for _ in labels)))
    assert sum(masses.values()) == pytest.approx(1.0)


def test_a_reading_keeps_the_best_and_is_sure_from_the_models_own_threshold() -> None:
    labels = emotions.label_set("maum")
    scores = Scores(labels, tuple(0.7 if label == "억울한" else 0.3 / 58 for label in labels))
    reading = emotions.read(scores, "m", sure_at=0.7)
    assert (reading.top.label, reading.group, reading.sure, len(reading.emotions)) == ("억울한", "hurt", True, 5)
    assert not emotions.read(scores, "m", sure_at=0.8).sure
    assert len(emotions.read(scores, "m", best=59).emotions) == 59


def test_an_unknown_label_keeps_its_name_counts_as_neutral_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            reading = emotions.read(Scores(("saudade",), (1.0,)), "m")
    assert (reading.top.label, reading.group) == ("saudade", "neutral")
    assert len([record for record in caplog.records if "saudade" in record.message]) == 1


def test_what_a_person_says_they_feel_is_certain() -> None:
    reading = emotions.corrected("외로운", None)
    assert (reading.top.label, reading.top.score, reading.group, reading.sure) == ("외로운", 1.0, "embarrassment", True)
    assert reading.groups["sadness"] == pytest.approx(0.5)


@pytest.mark.parametrize("values", [(0.5,), (0.5, 0.3, 0.2)])
def test_scores_that_do_not_fit_the_labels_are_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="scores for 2 labels"):
        emotions.read(Scores(("기쁨", "슬픔"), values), "some-model")
