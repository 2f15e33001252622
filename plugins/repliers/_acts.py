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


ASKED = re.compile(
    r"(몇|뭐|뭘|뭔|무슨|무엇|어디|언제|누구|누가|얼마|어떻게|어째|어느|우예|우째|어데|머가).*"
    r"(더라|당가|는가|돼|되|노|꼬|소|(?<![던든는을])지|죠|나|니|냐|야|까|감|겨|제)$|(는가|당가|나요|까요|는교|능교|습니까)$"
)
CHOICE = re.compile(
    r"^(?:(?:오늘|점심|저녁|야식|너는|넌|너라면|나)은?\s)*(?P<a>[가-힣]{2,6}?)(?:이랑|랑|하고|와|과)?\s+(?P<or>아니면\s|vs\s)?"
    r"(?P<b>[가-힣]{2,6}?)(?:\s?중에?서?)?(?:\s(?:뭐|뭘|하나|어떤|어느).{0,10}|\s?(?:골라|정해).{0,3})?$"
)


def act_of(situation: Situation) -> Act | None:
    """An act of the bank, one of the [say] table, or None: then the message is answered by its feeling."""
    plain = CRY.sub("", LAUGH.sub("", ODD.sub(" ", situation.text)))
    text = bare(plain)
    if not text.strip("?"):
        return _wordless(situation)
    calm = situation.group in ("neutral", "joy") and situation.keys[0] != "grieving"
    acts = [act for act in situation.bank.acts if situation.group not in act.not_for and (calm or not act.small)]
    asked = situation.heard.asks or "?" in text or bool(ASKED.search(text))
    fitting = next((act for act in acts if (asked or not act.asks) and act.fits(text)), None)
    chosen = _chosen(situation, plain) if calm else None
    if chosen and (fitting is None or fitting.small):
        return chosen
    if fitting and fitting.feels and situation.topic:  # what happened says more than “what shall I do”
        return None
    if fitting or situation.keys[0] in ("grieving", "gentle"):
        return fitting
    heard = situation.heard
    if heard.requests and calm:
        return _said(situation, "request")
    if asked and situation.group == "neutral":
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


def _chosen(situation: Situation, plain: str) -> Act | None:
    """One of two things named, picked for fun; None where no choice was asked for."""
    found = CHOICE.search(plain.rstrip("? ").rpartition("?")[2].strip())
    if (
        found is None
        or not (found["or"] or re.search(r"골라|정해|중에|하나", found[0]))
        or "choose" not in situation.bank.say
    ):
        return None
    one = situation.pick((found["a"], found["b"]), "choice")
    return Act("choose", tuple(line.format(one=one) for line in situation.bank.say["choose"]))


def _said(situation: Situation, name: str) -> Act:
    return Act(name, situation.bank.say[name])


def line_of(situation: Situation, act: Act) -> str:
    """A line not used lately; empty if there is none left (an urgent one is rather said twice)."""
    lines = [line for line in act.say if not situation.used.intersection(sentences(line))]
    if not lines and act.name not in URGENT:
        return ""
    return situation.pick(lines or act.say, act.name)
