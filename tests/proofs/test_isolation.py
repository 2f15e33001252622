"""Nobody's words reach another person's prompt, answer or reading, however many talk at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from pathlib import Path

from bot.types import Chat, Chunk, Outgoing, Person, Prompt, Scores, Text
from tests.house import House, Players, ScriptedReplier, WordClassifier, open_house
from tests.proofs.parts import FAST, Ear
from tests.proofs.size import size, write_down

PEOPLE, TURNS = size(40, 1_000), size(5, 20)
CANARY = re.compile(r"카나(\d+)-(\d+)")


def _owners(texts: Iterable[str]) -> set[str]:
    return {found[1] for text in texts for found in CANARY.finditer(text)}


class Watchful(ScriptedReplier):
    """Looks for two people's canaries in one prompt, and says the last one again."""

    def __init__(self) -> None:
        super().__init__()
        self.leaks: list[Prompt] = []
        self.count = self.turns = 0

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
        self.count += 1
        self.turns += len(prompt.turns)
        if len(_owners([turn.text for turn in prompt.turns] + [*prompt.rejected, prompt.persona])) != 1:
            self.leaks.append(prompt)
        said = CANARY.search(prompt.turns[-1].text)
        yield Chunk(f"그랬구나, {said[0] if said else ''}. 더 이야기해 줘.", finish="stop", model="watchful")


class WatchfulReader(WordClassifier):
    def __init__(self) -> None:
        super().__init__()
        self.leaks = 0

    async def classify(self, texts: Sequence[Text]) -> list[Scores]:
        self.leaks += sum(len(_owners([text.text, *text.before])) > 1 for text in texts)
        return [self._score(text.text) for text in texts]


class WatchfulEar(Ear):
    def __init__(self) -> None:
        super().__init__()
        self.leaks = 0

    async def show(self, outgoing: Outgoing, handle: str | None) -> str:
        self.leaks += bool(_owners([outgoing.text]) - {outgoing.conversation.person.id})
        return await super().show(outgoing, handle)


async def _talk(house: House, number: int) -> None:
    """Half of the people write in a chat of their own, half in one of ten rooms, where others write, too."""
    person = Person("test", str(number))
    chat = Chat("test", f"own {number}") if number % 2 else Chat("test", f"room {number % 20}", "server", "group")
    for turn in range(TURNS):
        shown = await house.say(f"오늘은 카나{number}-{turn} 이야기야", person, chat)
        assert f"카나{number}-{turn}." in shown.text


async def test_no_canary_of_one_person_is_in_the_prompt_reading_or_answer_of_another(tmp_path: Path) -> None:
    classifier, replier, platform = WatchfulReader(), Watchful(), WatchfulEar()
    async with open_house(tmp_path, players=Players(classifier, replier, platform), **FAST) as house:
        await asyncio.gather(*(_talk(house, number) for number in range(PEOPLE)))
    assert (len(replier.leaks), classifier.leaks, platform.leaks) == (0, 0, 0)
    assert replier.count == PEOPLE * TURNS
    assert replier.turns > replier.count * min(TURNS, 10) / 2, "the prompts had a history to leak"
    write_down(
        "isolation",
        f"{PEOPLE:,} people at once, {TURNS} turns each, half of them in shared rooms; a canary in each line",
        f"0 canaries of others in {replier.count:,} prompts, their readings and answers",
    )
