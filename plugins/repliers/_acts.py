"""What a message does besides feeling: greet, thank, ask, call for help; and the lines that answer it."""

from __future__ import annotations

import re

from plugins.repliers._bank import Act, bare, sentences
from plugins.repliers._situation import Situation

URGENT = ("crisis", "danger")
LAUGH, CRY = re.compile(r"[ㅋㅎ]{2,}|[ㅋㅎ]$|(?:\b(?:lol|lmao|haha\w*|hehe)\b)", re.I), re.compile(r"[ㅠㅜ]+|:'?\(")
ODD = re.compile(r"[^\w\s?'ㄱ-ㅎㅏ-ㅣ가-힣]")
ABOUT_BOT = re.compile(r"^(너|넌|너는|너도|네|니|마음아)|어떻게\s?생각|\byou\b", re.I)
DOUBT = re.compile(r"(나|내가).*(왜|이상|괜찮|맞)|\b(am|should|will|can) I\b", re.I)


def act_of(situation: Situation) -> Act | None:
    """An act of the bank, one of the [say] table, or None: then the message is answered by its feeling."""
    plain = CRY.sub("", LAUGH.sub("", ODD.sub(" ", situation.text)))
    text = bare(plain)
    if not text.strip("?"):
        return _wordless(situation)
    calm = situation.group in ("neutral", "joy") and situation.keys[0] != "grieving"
    acts = [act for act in situation.bank.acts if situation.group not in act.not_for and (calm or not act.small)]
    fitting = next((act for act in acts if act.fits(text)), None)
    if fitting or situation.keys[0] in ("grieving", "gentle"):
        return fitting
    heard = situation.heard
    if heard.requests and calm:
        return _said(situation, "request")
    if heard.asks and situation.group == "neutral":
        if DOUBT.search(plain):
            return _said(situation, "doubt")
        if ABOUT_BOT.search(plain.strip()):
            return _said(situation, "you")
        return _said(situation, "ponder" if heard.doubts else "fact")
    return None


def _wordless(situation: Situation) -> Act | None:
    if situation.group not in ("neutral", "joy"):
        return None if not CRY.search(situation.text) else _said(situation, "cry")
    if CRY.search(situation.text):
        return _said(situation, "cry")
    laughing = LAUGH.search(situation.text) or situation.group == "joy"
    return _said(situation, "laugh" if laughing else "sign")


def _said(situation: Situation, name: str) -> Act:
    return Act(name, situation.bank.say[name])


def line_of(situation: Situation, act: Act) -> str:
    """A line not used lately; empty if there is none left (an urgent one is rather said twice)."""
    lines = [line for line in act.say if not situation.used.intersection(sentences(line))]
    if not lines and act.name not in URGENT:
        return ""
    return situation.pick(lines or act.say, act.name)
