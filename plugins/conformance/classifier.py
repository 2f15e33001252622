"""What every classifier must do. Subclass `ClassifierConformance` in a test file and give it a fixture `classifier`:

class TestMine(ClassifierConformance):
    @pytest.fixture
    async def classifier(self):
        async with MyClassifier() as classifier:
            yield classifier
"""

from __future__ import annotations

import asyncio

import pytest

from bot.contracts import Classifier
from bot.emotions import GROUPS, read
from bot.types import Person, Scores, Text

CANARY = "카나리아-7319"
AWKWARD = ("", " \n\t", "😭🤷‍♀️", "\x00", "a\x00b", "\ud800", "‮مرحبا", "ㅋㅋㅋㅠㅠ", "so 화나 ㅋㅋ :(", "가나 " * 20_000)


class ClassifierConformance:
    """Tests over a fixture `classifier`, entered."""

    async def test_it_names_its_model_and_its_labels(self, classifier: Classifier) -> None:
        assert classifier.model
        assert len(classifier.labels) >= 2
        assert len(set(classifier.labels)) == len(classifier.labels)
        assert 0 <= classifier.sure_at <= 1

    async def test_each_text_gets_one_probability_per_label_in_order(self, classifier: Classifier) -> None:
        found = await classifier.classify([Text("오늘 합격했어!!"), Text("개가 죽었어…")])
        assert len(found) == 2
        for scores in found:
            _check(scores, classifier)

    async def test_no_texts_give_no_scores(self, classifier: Classifier) -> None:
        assert await classifier.classify([]) == []

    @pytest.mark.parametrize("text", AWKWARD, ids=lambda text: repr(text[:8]))
    async def test_awkward_texts_get_scores(self, classifier: Classifier, text: str) -> None:
        (scores,) = await classifier.classify([Text(text)])
        _check(scores, classifier)

    async def test_earlier_turns_are_accepted(self, classifier: Classifier) -> None:
        (scores,) = await classifier.classify([Text("응 그래", before=("헤어졌어", "어제"))])
        _check(scores, classifier)

    async def test_the_same_text_gets_the_same_scores_in_any_company(self, classifier: Classifier) -> None:
        (alone,) = await classifier.classify([Text("잠이 안 와")])
        crowd = await classifier.classify([Text("왜 나만 이래 진짜 " * 9), Text("잠이 안 와"), Text("ㅎㅎ")])
        assert crowd[1].values == pytest.approx(alone.values, abs=0.02)

    async def test_many_callers_at_once_get_their_own_answers(self, classifier: Classifier) -> None:
        texts = [f"{n}번째 사람이 하는 말" for n in range(50)]
        together = await asyncio.gather(*(classifier.classify([Text(text)]) for text in texts))
        in_one_call = await classifier.classify([Text(text) for text in texts])
        for (one,), other in zip(together, in_one_call, strict=True):
            assert one.values == pytest.approx(other.values, abs=0.02)

    async def test_a_cancelled_caller_harms_nobody(self, classifier: Classifier) -> None:
        gone = asyncio.create_task(classifier.classify([Text("기다리다 간 사람")]))
        await asyncio.sleep(0)
        gone.cancel()
        (scores,) = await classifier.classify([Text("남은 사람")])
        _check(scores, classifier)

    async def test_nothing_about_a_person_is_kept(self, classifier: Classifier) -> None:
        person = Person("test", CANARY)
        await classifier.classify([Text(f"나는 {CANARY}")])
        assert CANARY not in repr(await classifier.export_person(person)) or await classifier.forget_person(person)
        await classifier.forget_person(person)
        assert CANARY not in repr(await classifier.export_person(person))


def _check(scores: Scores, classifier: Classifier) -> None:
    assert scores.labels == classifier.labels
    assert len(scores.values) == len(scores.labels)
    assert all(0 <= value <= 1 for value in scores.values)
    reading = read(scores, classifier.model, classifier.sure_at)
    assert reading.group in GROUPS
    assert sum(reading.groups.values()) == pytest.approx(1.0)
