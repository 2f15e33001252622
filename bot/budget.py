"""Spending: what a call may cost at most is reserved before it, and what it did cost is settled after it.

The caps hold under concurrency because the ledger reserves in one transaction, so spend never exceeds a cap by more
than the one call whose estimate was too low.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from bot.contracts import Replier
from bot.prompt import render
from bot.types import Prompt, Usage

MICRO = 1_000_000


class Ledger(ABC):
    """Where reservations are kept; amounts are millionths of the budget's currency."""

    @abstractmethod
    async def reserve(self, payer: str, amount: int, person_cap: int, total_cap: int) -> int | None:
        """Reserve for today (UTC). None when a cap would be passed, else the reservation's id."""

    @abstractmethod
    async def settle(self, reservation: int, amount: int) -> None:
        """Replace the reserved amount by the real one."""


class Budget:
    """The caps per person and in total, per day, over a ledger."""

    def __init__(self, ledger: Ledger, per_person_day: float, total_day: float) -> None:
        self._ledger = ledger
        self.adopt(per_person_day, total_day)

    def adopt(self, per_person_day: float, total_day: float) -> None:
        """Let other caps hold from the next call on."""
        self._person_cap = round(per_person_day * MICRO)
        self._total_cap = round(total_day * MICRO)

    async def reserve(self, replier: Replier, prompt: Prompt) -> int | None:
        """A reservation's id (0 for a free replier), or None when the call could pass a cap."""
        if not any(replier.prices):
            return 0
        return await self._ledger.reserve(prompt.payer, worst_case(replier, prompt), self._person_cap, self._total_cap)

    async def settle(self, reservation: int, replier: Replier, usage: Usage | None) -> float:
        """Settle and return the cost; without a usage report the reserved amount stands: the call may be billed."""
        if not reservation or usage is None:
            return 0.0
        amount = cost(replier, usage.prompt, usage.completion)
        await self._ledger.settle(reservation, amount)
        return amount / MICRO


def worst_case(replier: Replier, prompt: Prompt) -> int:
    """The most this call can cost: a token is at least one byte of UTF-8."""
    prompt_tokens = sum(len(message["content"].encode()) + 8 for message in render(prompt))
    return cost(replier, prompt_tokens, replier.max_tokens)


def cost(replier: Replier, prompt_tokens: int, completion_tokens: int) -> int:
    """Prices are per million tokens, so price × tokens is already in millionths."""
    price_in, price_out = replier.prices
    return round(price_in * prompt_tokens + price_out * completion_tokens)
