"""A message with all that decides its answer: what was heard, which tables suit it, what was said lately."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

from bot.emotions import entries
from bot.types import Group, Language, Prompt
from plugins.repliers._bank import Bank, Topic, bare, sentences
from plugins.repliers._korean import Heard

Hear = Callable[[str, Group], Heard]
Choice = TypeVar("Choice")

REMEMBERED = 10  # replies within which no sentence comes again
TOPIC_CHARS = 60  # a longer story is about more than the word that stands in it
GRIEF = re.compile(
    r"(영감|남편|아내|집사람|엄마|아빠|어머니|아버지)(을|를)?먼저보내|(영감|남편|아내|할멈|바깥양반|집사람)(이|가|도)?(떠나|가고나|보내)|유산했|유산됐|안움직여|돌아가셨|돌아가신|돌아가시|장례|발인|무지개다리|하늘나라|별이되|떠나보냈|떠나보내|영정|납골|49재|"
    r"(강아지|고양이|아이|우리개|할머니|할아버지|엄마|아빠|친구|동생|형|언니|누나|오빠|햄스터)(가|이|도)?(어제|오늘|결국|갑자기|죽)?(죽었|세상을)|"
    r"세상을?떠|passedaway|funeral|(dog|cat|mom|mum|dad|grandma|grandpa|friend|mother|father|grandmother|grandfather|wife|husband)(just)?died"
)


@dataclass(frozen=True, slots=True)
class Situation:
    """A message with all that decides the answer."""

    prompt: Prompt
    bank: Bank
    heard: Heard
    text: str
    group: Group
    keys: tuple[str, ...]  # tables of the bank to draw from, the closest first
    topic: Topic | None
    used: frozenset[str]
    seed: str

    @property
    def mirror(self) -> bool:
        return self.prompt.aim.strategy == "mirror" and self.group in self.bank.mirror

    def pick(self, options: Sequence[str], salt: str) -> str:
        return options[int.from_bytes(self._hash(salt)) % len(options)]

    def order(self, options: Iterable[Choice]) -> list[Choice]:
        return sorted(options, key=lambda one: self._hash(str(one)))

    def _hash(self, salt: str) -> bytes:
        return blake2b(f"{self.seed}\x1f{salt}".encode(errors="replace"), digest_size=8).digest()


def spoken_language(prompt: Prompt) -> Language:
    """The language of the last message by its script; the prompt's own where the script says nothing."""
    text = prompt.turns[-1].text if prompt.turns else ""
    if re.search(r"[가-힣ㄱ-ㅎㅏ-ㅣ]", text):
        return "ko"
    return "en" if len(re.findall(r"[A-Za-z]", text)) > 3 else prompt.language


def situate(prompt: Prompt, words: Bank, hear: Hear) -> Situation:
    turns = prompt.turns
    text = turns[-1].text if turns else ""
    reading = turns[-1].reading if turns else None
    group: Group = prompt.aim.groups[0] if prompt.aim.groups else "neutral"
    heard = hear(text, group)
    if group == "joy" and heard.clause is None and (reading is None or reading.model != "person"):
        heard = hear(text, "neutral")  # a hard story read as joy is met gently
    label = reading.top.label if reading and reading.sure and reading.group == group else ""
    said = [turn.text for turn in turns if turn.role == "assistant"][-REMEMBERED:]
    return Situation(
        prompt=prompt,
        bank=words,
        heard=heard,
        text=text,
        group=group,
        keys=("afterwards",) if prompt.gentle else _keys(text, group, label, heard, words),
        topic=topic_of(text, words, group) if len(bare(text)) <= TOPIC_CHARS else None,
        used=frozenset(sentence for one in (*said, *prompt.rejected) for sentence in sentences(one)),
        seed="\x1e".join((*(f"{turn.role}:{turn.text}" for turn in turns), str(len(prompt.rejected)))),
    )


def _keys(text: str, group: Group, label: str, heard: Heard, words: Bank) -> tuple[str, ...]:
    if GRIEF.search(bare(text)) and group != "joy":
        return ("grieving",)
    mood = heard.clause.mood if heard.clause else 0
    if mood < 0 and group in ("joy", "neutral"):
        return ("gentle",)
    entry = entries().get(label)
    code = entry.code if entry else label
    if code not in words.feelings or code in (group, "gentle"):
        return (group,)
    return (code, *words.feelings[code].get("like", (group,)))


def topic_of(text: str, words: Bank, group: str) -> Topic | None:
    """The first topic of the message that has something to say in this mood."""
    matched = text.lower() if text.isascii() else "".join(text.split())
    return next((topic for topic in words.topics if topic.lines(group) and topic.cues.search(matched)), None)
