"""Tests by the wall clock: whoever else works on the machine may spoil a try, but not four."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec

P = ParamSpec("P")
TRIES = 4


def in_a_quiet_moment(test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Tries a test again where it failed, three times at most."""

    @functools.wraps(test)
    async def tried(*args: P.args, **named: P.kwargs) -> None:
        for left in reversed(range(TRIES)):
            try:
                await test(*args, **named)
            except AssertionError:
                if not left:
                    raise
            else:
                return

    return tried
