"""From a prompt to a reply: which sentences suit it, and in what order they come.

Everything follows from the prompt: choices are made by a hash of the turns, and what was said in the last ten replies
of the conversation is not said again. Nothing is remembered between calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.types import Language, Prompt
from plugins.repliers._acts import URGENT, act_of, line_of
from plugins.repliers._bank import Act, Bank, bank, sentences
from plugins.repliers._situation import Hear, Situation, situate, topic_of

Frame = tuple[str, ...]

SAID_BACK = ("kuna", "dani", "myeon", "worthy", "guess")
CLAUSE_FRAMES: tuple[Frame, ...] = (
    ("kuna", "feel"),
    ("kuna", "stay"),
    ("dani",),
    ("dani", "stay"),
    ("myeon", "stay"),
    ("worthy", "stay"),
    ("guess", "stay"),
)
CLAUSE_TOPIC_FRAMES: tuple[Frame, ...] = (("kuna", "topic"), ("dani", "topic"))
TOPIC_FRAMES: tuple[Frame, ...] = (("topic", "stay"),)
MIRROR_FRAMES: tuple[Frame, ...] = (("kuna", "feel"), ("kuna", "feel", "stay"), ("feel", "stay"), ("feel",), ("stay",))
LATER_FRAMES: tuple[Frame, ...] = (("later", "stay"), ("later", "feel"))
PLAIN_FRAMES: tuple[Frame, ...] = (
    ("feel", "stay"),
    ("feel", "ask"),
)
QUIET_FRAMES: tuple[Frame, ...] = (("feel", "stay"), ("feel", "ask"))
LAST_FRAMES: tuple[Frame, ...] = (("feel",), ("stay",), ("ask",))


def compose(prompt: Prompt, language: Language, hear: Hear) -> str:
    """One reply of one to three sentences."""
    situation = situate(prompt, bank(language), hear)
    if prompt.gentle:
        return " ".join(_quietly(situation))
    act = act_of(situation)
    return " ".join((act and _acted(situation, act)) or _felt(situation))


def _quietly(situation: Situation) -> list[str]:
    """After a life was in danger: no joke, no topic, nothing said back; somebody listens and stays."""
    frames = sorted(situation.order(QUIET_FRAMES), key=lambda frame: _too_many_questions(situation, frame))
    pieces = next(filter(None, (_fill(situation, frame) for frame in (*frames, *LAST_FRAMES))), [])
    return pieces or [situation.pick(situation.bank.feelings["afterwards"]["stay"], "last")]


def _acted(situation: Situation, act: Act) -> list[str]:
    line = line_of(situation, act)
    if not line or act.name in URGENT:
        return [line] if line else []
    if situation.prompt.aim.tone == "shorter":
        return sentences(line)[:1]
    more = ""
    if act.feels and situation.group != "neutral" and situation.keys != ("gentle",):
        more = _one(situation, "feel", (line,))
        return [more, line] if more else [line]
    if situation.prompt.rejected and not line.endswith("?"):
        more = _one(situation, "stay", (line,))
    return [line, more] if more else [line]


def _felt(situation: Situation) -> list[str]:
    """The first frame, by preference, that can be filled with sentences not used lately."""
    turned_down = [_slots_of(text, situation.bank) for text in situation.prompt.rejected]
    for strict in (True, False):
        for frame in _frames(situation, turned_down if strict else []):
            pieces = _fill(situation, frame)
            if pieces:
                return _toned(situation, pieces)
    return [situation.pick(situation.bank.feelings["neutral"]["feel"], "last")]


def _frames(situation: Situation, turned_down: Sequence[frozenset[str]]) -> Iterator[Frame]:
    """Frames in order of preference; a frame like one that was turned down is left out."""
    groups = [PLAIN_FRAMES, LAST_FRAMES]
    if situation.topic:
        groups.insert(0, TOPIC_FRAMES)
    if _goes_on(situation) and situation.heard.clause is None:
        groups.insert(0, (*LATER_FRAMES, *PLAIN_FRAMES))
    plainly = situation.keys[0] == "grieving"  # a loss is not repeated to the bereaved
    if situation.heard.clause and not plainly and not any("clause" in slots for slots in turned_down):
        groups[:0] = [CLAUSE_TOPIC_FRAMES, CLAUSE_FRAMES] if situation.topic else [CLAUSE_FRAMES]
    if situation.mirror:
        groups.insert(0, MIRROR_FRAMES)
    if situation.prompt.aim.tone == "shorter":
        groups.insert(0, (("kuna",), *LAST_FRAMES[:2]))
    for group in groups:
        ordered = situation.order(group)
        for frame in sorted(ordered, key=lambda frame: _too_many_questions(situation, frame)):
            if _kinds(frame) not in turned_down:
                yield frame


def _too_many_questions(situation: Situation, frame: Frame) -> bool:
    """No question on question; and none to the grieving unless nothing else is left."""
    before = next((turn.text for turn in reversed(situation.prompt.turns) if turn.role == "assistant"), "")
    asked = any(sentence.endswith("?") for sentence in sentences(before))
    quiet = situation.keys[0] == "grieving" or situation.prompt.aim.tone == "softer"
    return "ask" in frame and (asked or quiet)


def _goes_on(situation: Situation) -> bool:
    """Did the person's last turns carry the same kind of feeling?"""
    earlier = [turn.reading for turn in situation.prompt.turns[:-1] if turn.role == "user"][-3:]
    light = {"joy": True, "neutral": None}.get(situation.group, False)
    return light is not None and any(
        r and r.sure and (r.group == "joy") == light and r.group != "neutral" for r in earlier
    )


def _fill(situation: Situation, frame: Frame) -> list[str]:
    """One sentence per slot; empty if a slot has none left."""
    pieces: list[str] = []
    for slot in frame:
        piece = _one(situation, slot, pieces)
        if not piece:
            return []
        pieces.append(piece)
    return pieces


def _one(situation: Situation, slot: str, before: Sequence[str]) -> str:
    """An unused sentence for a slot that goes well after what is already there; empty if there is none."""
    for options in _options(situation, slot):
        fresh = [one for one in options if not situation.used.intersection(sentences(one))]
        fresh = [one for one in fresh if not _clashes(one, before)]
        if fresh:
            return situation.pick(fresh, slot)
    return ""


def _clashes(sentence: str, before: Sequence[str]) -> bool:
    echo = any("구나" in one for one in before) and "구나" in sentence
    return echo or (sentence.endswith("?") and any(one.endswith("?") for one in before))


def _options(situation: Situation, slot: str) -> Iterator[Sequence[str]]:
    """Lists of sentences for a slot, the closest first."""
    words = situation.bank
    if slot in SAID_BACK:
        yield from _said_back(situation, slot)
    elif slot == "topic":
        if situation.topic and situation.keys[0] not in ("grieving", "gentle"):
            yield situation.topic.lines(situation.group)
    elif slot == "later":
        yield from _later(situation)
    else:
        if situation.mirror and slot in words.mirror[situation.group]:
            yield words.mirror[situation.group][slot]
        for key in situation.keys:
            yield words.feelings[key].get(slot, ())


def _said_back(situation: Situation, slot: str) -> Iterator[Sequence[str]]:
    clause = situation.heard.clause
    form = getattr(clause, slot) if clause else ""
    if not form:
        return
    bright = situation.group == "joy" and situation.keys[0] != "gentle"
    if slot in ("dani", "myeon"):
        tables = [situation.bank.feelings[key] for key in situation.keys if situation.group != "neutral"]
        tails = next((lines for table in tables if (lines := table.get("tail" if slot == "dani" else slot))), ())
        yield [f"{form}{',' if slot == 'dani' else ''} {tail}{'' if tail[-1] in '.!?' else '.'}" for tail in tails]
    else:
        yield [f"{form}{'!' if bright else '.'}"]


def _later(situation: Situation) -> Iterator[Sequence[str]]:
    lines = situation.bank.later["good" if situation.group == "joy" else "bad"]
    earlier = "".join(turn.text for turn in situation.prompt.turns[:-1] if turn.role == "user")
    topic = topic_of(earlier, situation.bank, situation.group)
    if topic and situation.topic is None:
        yield [line.format(noun=topic.noun) for line in lines.get("topic", ())]
    yield lines["say"]


def _toned(situation: Situation, pieces: list[str]) -> list[str]:
    tone = situation.prompt.aim.tone
    if tone == "shorter":
        return pieces[:1]
    grieving = situation.keys[0] == "grieving"
    if tone == "usual" or (tone == "brighter" and (grieving or situation.group == "joy")):
        return pieces
    fresh = [line for line in situation.bank.tone[tone]["say"] if line not in situation.used]
    return [*pieces[:2], situation.pick(fresh, tone)] if fresh else pieces


def _kinds(frame: Frame) -> frozenset[str]:
    return frozenset("clause" if slot in SAID_BACK else slot for slot in frame)


def _slots_of(text: str, words: Bank) -> frozenset[str]:
    """Which slots a reply was made of; a sentence of no bank was said back, or is somebody else's."""
    return frozenset(
        {"say": "tone"}.get(slot, slot) for s in sentences(text) for slot in (words.slots.get(s, "clause"),)
    )
