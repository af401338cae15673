"""A call that ends in time, whatever the server at its other end does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, Queue
from typing import TypeVar

from knowledge.errors import ServiceError

T = TypeVar("T")
BUSY = "busy"
"""Code of the error of a server that is asked too often."""


def within(seconds: float, work: Callable[[], T], late: str) -> T:
    """The result of `work`, which a server that sends a byte a second cannot stretch.

    A library's own limits hold between two bytes, and not for a head that never ends. What is late runs on
    in a thread that ends with the program.

    Args:
        seconds: for everything.
        work: what is to be done.
        late: the sentence if it is not done by then.

    Raises:
        ServiceError: it is late.
        Exception: whatever `work` raises.
    """
    done: Queue[tuple[T | None, BaseException | None]] = Queue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # raised again where it is waited for
            done.put((None, error))

    threading.Thread(target=run, daemon=True, name="bounded").start()
    try:
        result, error = done.get(timeout=max(0.0, seconds))
    except Empty:
        raise ServiceError(late, hint="Try again later.") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # only an error leaves it None


def asked_to_wait(server: str, header: str | None) -> ServiceError:
    """What a server means by status 429, with the seconds of its `Retry-After` where it tells them.

    Args:
        server: as it is told.
        header: of its answer; a date in it is not read.
    """
    told = (header or "").strip()
    wait = f"in {int(told):,} seconds" if told.isascii() and told.isdigit() and len(told) < 6 else "later"
    return ServiceError(f"{server} is asked too often (status 429).", hint=f"Try again {wait}.", code=BUSY)
