"""A ceiling of cost over many requests at once: the worst case of each is set aside before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

TINY = 1e-12
"""Dollars that sums of floats may be off by."""


class CeilingError(Exception):
    """The next request could pass the ceiling; `message` says so in a sentence."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class Reservation:
    """What one request may cost; `actual` is set when that is known."""

    worst: float
    actual: float | None = None


class Purse:
    """The dollars of a run."""

    def __init__(self, max_usd: float | None, spent: float = 0.0) -> None:
        self.max_usd = max_usd
        self.spent = spent
        self._reserved = 0.0
        self._waiting: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def request(self, worst: float) -> AsyncIterator[Reservation]:
        """Sets a request's worst case aside; waits while others that are under way may leave room for it.

        Raises:
            CeilingError: nothing is under way any more, and it could pass the ceiling.
        """
        while not self._fits(worst):
            if self._reserved <= 0.0:
                raise CeilingError(
                    f"The ceiling of ${self.max_usd:.4f} is reached: ${self.spent:.4f} are spent, and the "
                    f"next request may cost up to ${worst:.4f}."
                )
            settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(settled)
            await settled
        self._reserved += worst
        kept = Reservation(worst)
        try:
            yield kept
        finally:
            self.spent += worst if kept.actual is None else kept.actual
            self._reserved -= worst
            if self._reserved < TINY:
                self._reserved = 0.0
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                if not each.done():
                    each.set_result(None)

    def _fits(self, worst: float) -> bool:
        return self.max_usd is None or worst <= 0.0 or self.spent + self._reserved + worst <= self.max_usd
