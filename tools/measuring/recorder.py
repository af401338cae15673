"""HTTP answers as moments and bytes: a request is written, and what comes is noted where it arrives.

With 64 answers at once the client must not be what is measured. Here a piece takes 40 microseconds, most of
it the event loop's, and its moment is taken before anything else is done with it; a client that reads every
piece takes 60 (aiohttp) to 200 (httpx), and the heads of 64 answers that begin together put off one another.
So head and chunks are read afterwards (`read_answer`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

Record = tuple[float, bytes]
"""A moment in seconds, and the bytes that came then."""
LAST_CHUNK = b"0\r\n\r\n"
MOST_BYTES, MOST_BYTES_A_TOKEN = 1 << 20, 4 << 10
"""Of one answer; a server that does not come to an end is cut off."""
_HEAD_END = b"\r\n\r\n"


class NoHttpError(Exception):
    """What came is no answer of HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, and the body as it came, without the frames of its chunks."""

    status: int
    records: Sequence[Record]

    @property
    def text(self) -> str:
        """The whole body."""
        return b"".join(data for _, data in self.records).decode("utf-8", "replace")


class Recorder(asyncio.Protocol):
    """One connection for one request.

    Attributes:
        sent: when the request was written.
        records: what came, head and frames included.
        heard: when something came last, or the request was written.
        done: is set when all came; holds the error where the connection broke.
        endless: whether far more came than was asked for, and the rest was cut off.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, tokens: int) -> None:
        """
        Args:
            loop: where it runs.
            tokens: that were asked for.
        """
        self.sent = self.heard = time.perf_counter()
        self.records: list[Record] = []
        self.done: asyncio.Future[None] = loop.create_future()
        self.endless = False
        self._most = MOST_BYTES + tokens * MOST_BYTES_A_TOKEN
        self._transport: asyncio.Transport | None = None
        self._size = 0
        self._tail = b""
        self._head: bytes | None = b""
        """As far as it came; None when it is whole."""
        self._whole: int | None = None
        """Bytes of head and body, where the head tells."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def write(self, request: bytes) -> None:
        """Hands the request to the network; its moment is `sent`."""
        assert self._transport is not None
        self._transport.write(request)
        self.sent = self.heard = time.perf_counter()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self.heard = now
        if self._head is not None:
            self._read_head(data)
        self.records.append((now, data))
        self._size += len(data)
        self._tail = (data if len(data) >= len(LAST_CHUNK) else self._tail + data)[-len(LAST_CHUNK) :]
        if self._whole is not None:
            ends = self._size >= self._whole
        else:
            ends = self._tail == LAST_CHUNK and _is_whole(self.records)
        self.endless = not ends and self._size > self._most
        if ends or self.endless:
            self._end(None)

    def _read_head(self, data: bytes) -> None:
        self._head = (self._head or b"") + data
        if _HEAD_END in self._head:
            self._whole, self._head = _whole_size(self._head), None

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def close(self) -> None:
        """Ends the connection, whatever was to come."""
        if self._transport is not None:
            self._transport.abort()

    def _end(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is not None and not self.records:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)


def _is_whole(records: Sequence[Record]) -> bool:
    """Whether the last chunk came: a text may end with the same bytes (`: ping 12:00\\r\\n\\r\\n`)."""
    try:
        lines, rest = _head(records)
        return _is_chunked(lines) and _unframed(rest)[1]
    except NoHttpError:
        return True  # there is nothing to wait for


def _whole_size(data: bytes) -> int | None:
    head, _, _ = data.partition(_HEAD_END)
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return len(head) + len(_HEAD_END) + int(value)
    return None


def request_bytes(url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST of JSON, as it is written."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path or '/'} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
        "Accept: */*",
        "Accept-Encoding: identity",
        "User-Agent: llm-advisor",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + _HEAD_END + body


async def connected(url: str, seconds: float, tokens: int) -> Recorder:
    """A connection to the server of an address, for an answer of so many tokens.

    Raises:
        OSError: there is none (TimeoutError: not in time).
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(seconds):
        _, recorder = await loop.create_connection(
            lambda: Recorder(loop, tokens),
            parts.hostname or "",
            parts.port or (443 if secure else 80),
            ssl=secure or None,
        )
    return recorder


def read_answer(records: Sequence[Record]) -> Answer:
    """Head and body of a recorded answer; a body that was cut is handed out as far as it came.

    Raises:
        NoHttpError: it is none.
    """
    lines, rest = _head(records)
    return Answer(_status(lines), _unframed(rest)[0] if _is_chunked(lines) else rest)


def _status(lines: Sequence[str]) -> int:
    words = lines[0].split(" ")
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        raise NoHttpError
    return int(words[1])


def _is_chunked(lines: Sequence[str]) -> bool:
    fields = (line.lower().partition(":") for line in lines)
    return any(name.strip() == "transfer-encoding" and "chunked" in value for name, _, value in fields)


def _head(records: Sequence[Record]) -> tuple[list[str], list[Record]]:
    """The lines of the head, and what came after it."""
    seen = b""
    for place, (at, data) in enumerate(records):
        seen += data
        head, end, rest = seen.partition(_HEAD_END)
        if end:
            lines = head.decode("latin-1").split("\r\n")
            after = [*([(at, rest)] if rest else []), *records[place + 1 :]]
            # `100 Continue` comes before the answer
            return _head(after) if _status(lines) < 200 else (lines, after)
    raise NoHttpError


def _unframed(records: Sequence[Record]) -> tuple[list[Record], bool]:
    """The data of the chunks, each piece with the moment when it came; and whether the last chunk did."""
    found: list[Record] = []
    buffer, left = b"", 0
    """Bytes that are not read yet, and those that the chunk still has, its line end included."""
    for at, data in records:
        buffer += data
        while buffer:
            if left:
                part, buffer = buffer[:left], buffer[left:]
                payload = part[: max(0, left - 2)]
                left -= len(part)
                if payload:
                    found.append((at, payload))
                continue
            line, end, after = buffer.partition(b"\r\n")
            if not end:
                break
            size = _chunk_size(line)
            if size == 0:
                return found, True
            buffer, left = after, size + 2
    return found, False


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.split(b";")[0], 16)
    except ValueError:
        raise NoHttpError from None
