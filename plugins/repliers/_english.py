"""Hearing an English message: its mood, and one first-person clause of it turned towards the person who said it.

Rules only (I failed my exam → you failed your exam). What the rules do not cover for certain is not reflected.
"""

from __future__ import annotations

import re

from bot.types import Group
from plugins.repliers._korean import Heard
from plugins.repliers._korean_endings import Clause

MAX_WORDS = 11
MAX_CHARS = 400
CUT = re.compile(r"(?<=[.!?…\n])\s*|\s*,\s*(?=(?:and|but|so)\b)|[;:]\s+|\s+[-–—]+\s+")
LEAD = re.compile(
    r"^(?:(?:so|and|but|well|honestly|ugh|omg|oh|also|then|because|just|lol|man|god|yeah|no|like)\b[\s,]*)+", re.I
)
OPENING = re.compile(r"^(?:I|I'm|I've|I'll|I'd|Im|Ive|My)\b", re.I)
QUESTION = re.compile(
    r"^(?:who|what|when|where|why|how|which|is|are|am|do|does|did|can|could|will|would|should)\b", re.I
)
REQUEST = re.compile(
    r"^(?:please\s+)?(?:tell|show|give|write|translate|find|calculate|recommend|explain|list|make|draw|search)\b", re.I
)
DOUBT = re.compile(r"\b(?:will I|can I|could I|am I|would I|did I)\b", re.I)
UNSAFE = re.compile(
    r"\b(?:you|your|yours|we|us|our|ours|fat|ugly|stupid|dumb|idiot|loser|worthless|useless|pathetic|failure|trash|fault|"
    r"blame|die|died|dead|dying|kill\w*|suicid\w*|hit|beat|rap\w+|abuse\w*|sex\w*|drunk|drugs?|pregnan\w*|abortion|cancer|"
    r"depress\w*|adhd|bipolar|autis\w*|cheat\w*|burden|bad person|hate myself|fuck\w*|shit\w*|bitch|damn|hell|if|think|"
    r"know|guess|mean|want you|should|must|let|nobody|no one|everyone hates|never)\b",
    re.I,
)
SHIFTS = (
    (r"\bI(?:'m| am|m)\b", "you're"),
    (r"\bI was(n't)?\b", r"you were\1"),
    (r"\bI(?:'ve|ve)\b", "you've"),
    (r"\bI'd\b", "you'd"),
    (r"\bI'll\b", "you'll"),
    (r"\bam\b", "are"),
    (r"\bmyself\b", "yourself"),
    (r"\bmine\b", "yours"),
    (r"\bmy\b", "your"),
    (r"\bme\b", "you"),
    (r"\bI\b", "you"),
)
HARD = re.compile(
    r"\b(?:fail\w*|lost|broke|sad|tired|alone|lonely|cry\w*|hurt|fired|rejected|scared|worried|sick|hate|angry|miss)\b",
    re.I,
)


def hear(text: str, group: Group) -> Heard:
    """What the rules make of a message."""
    parts = [LEAD.sub("", part.strip()) for part in CUT.split(text[:MAX_CHARS].replace("’", "'")) if part.strip()]
    if not parts:
        return Heard()
    asks = any(part.endswith("?") for part in parts) or bool(QUESTION.match(parts[-1]))
    quoted = any(sign in text for sign in '"“”«')
    clauses = [] if quoted else [clause for part in parts if (clause := _clause(part, group))]
    return Heard(
        asks, bool(REQUEST.match(parts[0])), bool(DOUBT.search(text)) and asks, clauses[-1] if clauses else None
    )


def _clause(part: str, group: Group) -> Clause | None:
    part = re.sub(r"[^\w\s'%-]+", " ", part.replace("?", " ?") if "?" in part else part)
    words = part.split()
    if "?" in part or not 3 <= len(words) <= MAX_WORDS or not OPENING.match(words[0]) or UNSAFE.search(part):
        return None
    if QUESTION.match(part) or not part.isascii():
        return None
    turned = " ".join(words)
    for pattern, right in SHIFTS:
        turned = re.sub(pattern, right, turned, flags=re.I if pattern != r"\bam\b" else 0)
    mood = -1 if HARD.search(part) else 0
    if group == "joy" and mood < 0:
        return None
    return Clause(f"So {turned}", mood=mood)
