"""From a Reading to an Aim, and whether a text hits it.

`empathise` answers as a friend would: it may share a feeling or soothe it, but never laughs at sorrow. `mirror` is the
original system's way: the reply carries the person's own emotion (an angry person gets an angry friend).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.types import Aim, Group, Reading, Strategy, Tone

#: what a friend's reply may carry, by what the person feels
COMPANY: Mapping[Group, tuple[Group, ...]] = MappingProxyType(
    {
        "joy": ("joy", "neutral"),
        "sadness": ("sadness", "hurt", "anxiety", "neutral"),
        "anger": ("anger", "hurt", "sadness", "anxiety", "neutral"),
        "anxiety": ("anxiety", "sadness", "neutral", "joy"),  # joy: reassurance (“you will be fine”) reads as relief
        "hurt": ("hurt", "sadness", "anger", "anxiety", "neutral"),  # anger: taking their side
        "embarrassment": ("embarrassment", "anxiety", "sadness", "neutral", "joy"),  # joy: laughing it off together
        "neutral": ("neutral", "joy"),
    }
)
UNSURE: tuple[Group, ...] = COMPANY["neutral"]
HIT_AT = 0.5


def aim_for(reading: Reading | None, strategy: Strategy = "empathise", tone: Tone = "usual") -> Aim:
    """What the reply should carry. No reading, or an unsure one, gives the neutral aim."""
    if reading is None or not reading.sure:
        return Aim(UNSURE, strategy, tone)
    if strategy == "mirror":
        return Aim((reading.group,), strategy, tone)
    return Aim(COMPANY[reading.group], strategy, tone)


def hits(reading: Reading | None, aim: Aim) -> bool | None:
    """Does a text with this reading hit the aim? It does when the aim's groups hold half of the probability.

    None when nobody can tell: there is no reading, or an unsure one elsewhere, which is no proof of a miss.
    """
    if reading is None:
        return None
    if sum(reading.groups[group] for group in aim.groups) >= HIT_AT:
        return True
    return False if reading.sure else None
