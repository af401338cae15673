"""What a fake model server does in one reply, independent of the wire format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Say:
    """A piece of the answer, sent as one chunk."""

    text: str


@dataclass(frozen=True, slots=True)
class Think:
    """A piece of reasoning, sent in the field that the wire format has for it."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Calls:
    """Several tool calls in one chunk."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence; noticed by the server if the client leaves meanwhile."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are, for malformed streams."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """The server dies: the connection is closed in mid-answer."""


@dataclass(frozen=True, slots=True)
class End:
    """The connection is closed as if all was said, but the answer has no end."""


@dataclass(frozen=True, slots=True)
class Full:
    """The answer has as many tokens as it may have; it ends here."""


@dataclass(frozen=True, slots=True)
class Fail:
    """An HTTP error instead of an answer."""

    status: int
    text: str
    retry_after: str = ""
    """Seconds or a date, for the header of that name."""


Step = Say | Think | Call | Calls | Pause | Raw | Cut | End | Full | Fail
Reply = Sequence[Step]
Answer = Reply | Callable[[dict[str, Any]], Reply]
"""A reply, or what makes one from the body of the request."""


def words(text: str) -> list[Say]:
    """A text in chunks of one word."""
    return [Say(part) for part in text.replace(" ", " \0").split("\0")]
