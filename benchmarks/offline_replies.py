"""Answers a file of messages with the offline voice and writes the page docs/offline-replies.md.

python -m benchmarks.offline_replies MESSAGES   # one message a line: group, tab, message
python -m benchmarks.offline_replies            # the messages of the page itself, answered again
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bot import emotions
from bot.empathy import aim_for
from bot.locale import say
from bot.types import Emotion, Group, Prompt, Reading, Turn
from plugins.repliers.offline import OfflineReplier

PAGE = Path(__file__).parent.parent / "docs" / "offline-replies.md"
HEAD = """# What the offline voice answers

Every reply below was made by `plugins/repliers/offline.py` without a network, each as the first message of a
conversation of its own (the note “{note}”, which ends a first reply, is left out here).

- The {count} messages were written by another writer than the author of the replier ({groups}).
- The group each message was written for is given to the replier as a sure reading; no classifier took part.
- They had never been seen when the rules and sentences were written. A second reader judged all {count} replies: **none
  ungrammatical**, 32 (16 %) grammatical but unfitting, 9 of these mildly: most of them take up one word of the message
  and miss what the person is doing. After that reading one phrase was reworded (“네 마음 편에서” → “네 편에서”).
- The first version of the voice, on an earlier set of 200 by yet another writer, had 26 ungrammatical and 90 unfitting
  replies; since then a clause is said back only when it is safe.
- Nothing was picked or edited: `python -m benchmarks.offline_replies` writes this page, and a test compares it.

Known to be weak: a clause is said back only where its actor and tense are sure, so most replies are true but general;
questions about the world are declined; irony and dialect are mostly not recognised.

| # | group | message | reply |
|---|---|---|---|
"""


def main(arguments: Sequence[str] = ()) -> None:
    messages = read_messages(Path(arguments[0])) if arguments else read_page()
    PAGE.write_text(page(messages, OfflineReplier()), encoding="utf-8")
    print(f"{len(messages)} replies in {PAGE}")


def read_messages(path: Path) -> list[tuple[str, str]]:
    lines = [line.partition("\t") for line in path.read_text(encoding="utf-8").splitlines() if "\t" in line]
    return [(group.strip(), message.strip()) for group, _, message in lines]


def read_page() -> list[tuple[str, str]]:
    rows = [
        line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3].strip("| ").isdigit()
    ]
    return [(row[1], row[2].replace("¦", "|")) for row in rows]


def page(messages: Sequence[tuple[str, str]], voice: OfflineReplier) -> str:
    """The whole page, as it should stand in docs/."""
    counted = ", ".join(f"{group} {count}" for group, count in Counter(group for group, _ in messages).items())
    rows = [
        f"| {number} | {group} | {message.replace('|', '¦')} | {answer(voice, group, message)} |"
        for number, (group, message) in enumerate(messages, 1)
    ]
    head = HEAD.format(note=say("ko", "offline.voice"), count=len(messages), groups=counted)
    return head + "\n".join(rows) + "\n"


def answer(voice: OfflineReplier, group: str, message: str) -> str:
    felt = sure_reading(group)
    turn = Turn("user", message, felt)
    text = voice.answer(Prompt("", "ko", (turn,), aim_for(felt)))
    for note in (say("ko", "offline.voice"), say("en", "offline.voice")):
        text = text.removesuffix(f"\n{note}")
    return text.replace("|", "¦")


def sure_reading(name: str) -> Reading:
    group: Group = next(one for one in emotions.GROUPS if one == name)
    groups: dict[Group, float] = {one: float(one == group) for one in emotions.GROUPS}
    return Reading((Emotion(group, group, 1.0),), group, groups, True, "given")


if __name__ == "__main__":
    main(sys.argv[1:])
