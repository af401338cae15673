"""Going through a turn's events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from agent.events import Event


async def each(events: AsyncIterator[Event], show: Callable[[Event], None]) -> None:
    """Hands every event to `show`, and closes the stream however that ends."""
    try:
        async for event in events:
            show(event)
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
