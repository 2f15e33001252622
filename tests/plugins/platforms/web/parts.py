"""A classifier and a replier for the browser tests: small, real plugins, configured as module:Class."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from bot import emotions
from bot.contracts import Classifier, Replier
from bot.types import Chunk, Prompt, Scores, Text

#: a word in a text → what is read in it, best first
FEELINGS: Mapping[str, Mapping[str, float]] = {
    "웃": {"안도": 0.44, "기쁨": 0.27, "만족스러운": 0.12, "자신하는": 0.07, "흥분": 0.04},
    "발표": {"초조한": 0.46, "스트레스 받는": 0.19, "걱정스러운": 0.12, "두려운": 0.08, "당황": 0.05},
    "떠났": {"슬픔": 0.52, "눈물이 나는": 0.21, "외로운": 0.11, "상처": 0.05, "비통한": 0.04},
    "텅 빈": {"우울한": 0.41, "외로운": 0.24, "슬픔": 0.13, "눈물이 나는": 0.06, "고립된": 0.05},
    "화가": {"분노": 0.58, "짜증내는": 0.17, "성가신": 0.09, "노여워하는": 0.06, "억울한": 0.03},
}
#: a word in a text → answers in the order in which they are asked for
ANSWERS: Mapping[str, Sequence[str]] = {
    "웃": ("다들 웃어 줬다니 나까지 기분 좋다! 어제 그렇게 떨더니, 제일 잘 먹힌 대목이 어디였어?",),
    "발표": (
        "내일 발표라니 벌써 손에 땀이 나겠다. 준비한 만큼은 네 안에 다 있을 거야. 어느 부분이 제일 걱정돼?",
        "떨리는 게 당연해. 그만큼 잘하고 싶다는 뜻이잖아. 오늘 밤엔 첫 문장만 소리 내서 읽어 보고 자자.",
        "첫 문장만 넘기면 괜찮아질 거야.",
    ),
    "텅 빈": ("북적이다가 혼자 남으면 더 그렇지. 저녁은 먹었어?",),
}
HOSTILE = (
    "<script>alert(3)</script><img src=x onerror=alert(4)> [눌러 봐](https://evil.example) <https://evil.example> "
    "@everyone ![](https://evil.example/x.png) {{ 7 * 7 }} ${alert(5)} `alert(6)` javascript:alert(7) &lt;b&gt;"
)
DEFAULT = ("그랬구나. 조금 더 들려줄래?", "응, 듣고 있어. 그때 어떤 기분이었어?", "네 얘기 더 듣고 싶어.")
WORD_S = 0.01
SLOW_WORD_S = 0.05


class FeelingClassifier(Classifier):
    """Reads what FEELINGS says; a text without any of its words is spread so thin that the reading is unsure."""

    @property
    def model(self) -> str:
        return "feelings"

    @property
    def labels(self) -> tuple[str, ...]:
        return emotions.label_set("maum")

    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        return [self._scores(text.text) for text in texts]

    def _scores(self, text: str) -> Scores:
        found = next((scores for word, scores in FEELINGS.items() if word in text), {})
        rest = (1 - sum(found.values())) / (len(self.labels) - len(found))
        return Scores(self.labels, tuple(found.get(label, rest) for label in self.labels))


class HostileClassifier(FeelingClassifier):
    """A foreign model whose labels are markup, as nobody should ship one."""

    @property
    def labels(self) -> tuple[str, ...]:
        return ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "{{ constructor }}")

    def _scores(self, text: str) -> Scores:
        return Scores(self.labels, (0.7, 0.2, 0.1))


class TalkReplier(Replier):
    """Says the answer for the last line, the next one for each that was turned down; 천천히 makes it slow and long."""

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        said = prompt.turns[-1].text
        slow = "천천히" in said
        answers = next((lines for word, lines in ANSWERS.items() if word in said), DEFAULT)
        answer = answers[len(prompt.rejected) % len(answers)]
        words = (answer + " 그리고" * 200 if slow else answer).split(" ")
        for number, word in enumerate(words):
            await asyncio.sleep(SLOW_WORD_S if slow else WORD_S)
            yield Chunk(word if number == len(words) - 1 else f"{word} ")
        yield Chunk("", finish="stop", model="talk")


class QuickReplier(Replier):
    """Answers at once."""

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        yield Chunk(DEFAULT[0])
        yield Chunk("", finish="stop", model="quick")


class HostileReplier(Replier):
    """Answers with all that a surface could take for something else than text."""

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        yield Chunk(HOSTILE)
        yield Chunk("", finish="stop", model="hostile")
