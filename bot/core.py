"""Reading a text and answering it: pure orchestration. No lock, no SQL, no platform, no history of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from bot import emotions, empathy, metrics
from bot.care import Care, Finding
from bot.contracts import Classifier
from bot.errors import ClassifierError, ReplyError
from bot.fallback import FallbackReplier
from bot.locale import say, words
from bot.swap import Swappable
from bot.types import CARE, Aim, Chunk, Language, Prompt, Reading, Reply, Strategy, Text, Tone, Turn

log = logging.getLogger(__name__)

READ_S, READ_EACH_S = 10.0, 0.5  # how long a reading may take, and for each text; then it is done without
REROLL_MIN_LEFT = 0.5  # a second try needs at least this share of the deadline
CONTEXT_TURNS = 3  # earlier messages of the person that are looked at
CONTEXT_MS = 30 * 60_000  # by a reading only when they are not older than this
CHECKED_CHARS = 400  # the end of a growing answer that is looked at for what must never be said
GENTLE_TURNS = 12  # how long answers stay gentle after a life was in danger
UNASKED = Finding("none", "self", 0.0)  # stands for a finding that was not asked for yet


@dataclass(frozen=True, slots=True)
class Voice:
    """How an answer should sound: what an operator configures and a person may change."""

    language: Language = "ko"
    persona: str = ""
    strategy: Strategy = "empathise"
    tone: Tone = "usual"

    @property
    def persona_text(self) -> str:
        """One of the locale's personas or a place's own words; the rules hold for all of them."""
        own = words(self.language)["persona"].get(self.persona or "friend", self.persona)
        return f"{own}\n{say(self.language, 'persona.rules')}"


class Core:
    """`closed_loop`: check the opening of each draft against the aim and ask once more on a miss."""

    def __init__(self, classifier: Classifier, replier: FallbackReplier, care: Care, closed_loop: bool = True) -> None:
        self._classifier = Swappable(classifier)
        self._replier = Swappable(replier)
        self.care = care
        self.closed_loop = closed_loop

    @property
    def classifier(self) -> Classifier:
        return self._classifier.value

    @property
    def replier(self) -> FallbackReplier:
        return self._replier.value

    async def swap_classifier(self, classifier: Classifier) -> Classifier:
        """Read with another one from now on; returns the old one when nothing of it is in flight."""
        return await self._classifier.swap(classifier)

    async def swap_replier(self, replier: FallbackReplier) -> FallbackReplier:
        """Answer with another one from now on; returns the old one when its last answer is written."""
        return await self._replier.swap(replier)

    async def read(self, texts: Sequence[Text]) -> list[Reading | None]:
        """A Reading per text; None where the classifier failed, which never stops an answer."""
        start = time.perf_counter()
        try:
            async with asyncio.timeout(READ_S + READ_EACH_S * len(texts)):
                with self._classifier.use() as classifier:
                    scores = await classifier.classify(texts)
            readings = [emotions.read(one, classifier.model, classifier.sure_at) for one in scores]
            if len(readings) != len(texts):
                raise ClassifierError(f"{len(readings)} scores for {len(texts)} texts")
        except Exception as error:  # a plugin's own mistake must not cost the person an answer either
            metrics.classify_errors.inc(len(texts))
            known = isinstance(error, ClassifierError)
            log.warning("answering without an emotion: %s", error if known else type(error).__name__)
            return [None] * len(texts)
        metrics.classify_s.observe(time.perf_counter() - start)
        return [*readings]

    def concern(self, turns: Sequence[Turn]) -> Finding | None:
        """Is a life in danger in the person's last thought? Needs neither classifier nor language model.

        What was answered with help lines already is no context any more: the talk goes on, gently, until they say more.
        """
        answered = [at for at, turn in enumerate(turns) if turn.role == "assistant" and self.care.said(turn.text)]
        thought = thought_of(turns[answered[-1] + 1 :] if answered else turns)
        finding = self.care.find([*thought.before, thought.text])
        return None if finding.level == "none" else finding

    def comfort(self, finding: Finding, language: Language, times: int = 0) -> str:
        """The fixed text for a finding, counted without saying whose it is; `times`: how often one was said before."""
        metrics.care.labels(finding.level, finding.about).inc()
        return self.care.reply(finding.level, language, finding.about, times)

    async def answer(
        self,
        turns: Sequence[Turn],
        voice: Voice,
        *,
        rejected: Sequence[str] = (),
        payer: str = "",
        finding: Finding | None = UNASKED,
    ) -> AsyncGenerator[Reply, None]:
        """Answer the last turn, whose reading decides the aim; where a life is in danger, with a fixed text.

        Yields the answer as far as it is written; the last one has `finish` set.

        Args:
            finding: what `concern` said of these turns, where it was asked already.

        Raises:
            ReplyError: no replier could begin.
        """
        if finding is UNASKED:
            finding = self.concern(turns)
        if finding:
            yield self._fixed(turns, voice.language, finding)
            return
        aim = empathy.aim_for(turns[-1].reading, voice.strategy, voice.tone)
        gentle = self._comforted(turns[-GENTLE_TURNS:]) > 0
        prompt = Prompt(voice.persona_text, voice.language, tuple(turns), aim, tuple(rejected), payer, gentle)
        with self._replier.use() as replier:
            async with aclosing(self._written(replier, prompt)) as growing:
                async for reply in growing:
                    if self.care.unsafe_output(reply.text[-CHECKED_CHARS:]):
                        metrics.care_output.inc()
                        yield self._fixed(turns, voice.language, Finding("veiled", "self", 0.0))
                        return
                    yield reply

    async def _written(self, replier: FallbackReplier, prompt: Prompt) -> AsyncGenerator[Reply, None]:
        """What the repliers say, as far as it is written; a draft whose opening misses the aim is asked for again."""
        aim, start = prompt.aim, time.monotonic()
        until = start + replier.deadline_s
        dropped: Reply | None = None
        while True:
            async with aclosing(replier.reply(prompt, until)) as chunks:
                try:
                    opening = await anext(chunks)
                except ReplyError:
                    if dropped is None:
                        raise
                    metrics.first_word_s.observe(time.monotonic() - start)
                    _count(dropped, start)
                    yield dropped  # a draft that missed is better than none
                    return
                judged, hit = await self._judge(opening.text, aim)
                enough_left = until - time.monotonic() >= replier.deadline_s * REROLL_MIN_LEFT
                if hit is False and self.closed_loop and dropped is None and enough_left:
                    metrics.rerolled.inc()
                    dropped = Reply(opening.text, judged, hit, opening.model, opening.usage, opening.finish or "cut")
                    prompt = replace(prompt, rejected=(*prompt.rejected, opening.text))
                    continue
                metrics.first_word_s.observe(time.monotonic() - start)
                reply = _grown(Reply("", judged, hit), opening)
                while not reply.finish:
                    yield reply
                    reply = _grown(reply, await anext(chunks))
                _count(reply, start)
                yield reply
                return

    def _fixed(self, turns: Sequence[Turn], language: Language, finding: Finding) -> Reply:
        return Reply(self.comfort(finding, language, self._comforted(turns)), model=CARE, finish="stop")

    def _comforted(self, turns: Sequence[Turn]) -> int:
        return sum(turn.role == "assistant" and self.care.said(turn.text) for turn in turns)

    async def _judge(self, opening: str, aim: Aim) -> tuple[Reading | None, bool | None]:
        (reading,) = await self.read([Text(opening)])
        return reading, empathy.hits(reading, aim)


def thought_of(turns: Sequence[Turn], newest_ms: int | None = None) -> Text:
    """The last thought, which may be several lines that were not answered one by one, and what was said before it.

    With `newest_ms`, what was said longer before the thought than that is left out: a mood does not last for ever.
    """
    start = len(turns) - 1
    while start > 0 and turns[start - 1].role == "user":
        start -= 1
    lines = [turn.text for turn in turns[start:]]
    before = [turn.text for turn in turns[:start] if turn.role == "user" and not _is_old(turn, turns[start], newest_ms)]
    return Text("\n".join(lines), tuple(before[-CONTEXT_TURNS:]))


def _is_old(turn: Turn, thought: Turn, newest_ms: int | None) -> bool:
    if newest_ms is None or turn.at is None or thought.at is None:
        return False
    return thought.at - turn.at > newest_ms


def _grown(reply: Reply, chunk: Chunk) -> Reply:
    return replace(
        reply,
        text=reply.text + chunk.text,
        model=chunk.model or reply.model,
        usage=chunk.usage or reply.usage,
        finish=chunk.finish or reply.finish,
    )


def _count(reply: Reply, start: float) -> None:
    metrics.aim.labels({True: "yes", False: "no", None: "unknown"}[reply.hit]).inc()
    metrics.answered.labels(reply.model, reply.finish).inc()
    metrics.answer_s.observe(time.monotonic() - start)
