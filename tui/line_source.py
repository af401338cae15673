"""Lines of standard input for an event loop, without a reader that could hold up the end of the program."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import BinaryIO

BLOCK = 1 << 16
AHEAD = 64
"""Lines read before the first is answered; a writer that is faster has to wait."""


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    """What comes in, as it comes; read from the descriptor where there is one.

    A thread that waits inside a buffered stream holds its lock, and the interpreter would abort at exit.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):
        while block := stream.read(BLOCK):
            yield block
        return
    while block := os.read(descriptor, BLOCK):
        yield block


def line_batches(blocks: Iterable[bytes], limit: int) -> Iterator[list[bytes]]:
    """For each block the lines that it ends, without their ends; a last line without one comes alone.

    Of a line longer than `limit` bytes, only the first `limit + 1` are kept.
    """
    rest = b""
    for block in blocks:
        ended = []
        first, *later = block.split(b"\n")
        rest = (rest + first)[: limit + 1]
        for part in later:
            ended.append(rest.removesuffix(b"\r"))
            rest = part[: limit + 1]
        yield ended
    if rest:
        yield [rest]


def split_lines(blocks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Lines without their ends, one by one; see `line_batches`."""
    for lines in line_batches(blocks, limit):
        yield from lines


async def read_lines(stream: BinaryIO, limit: int) -> AsyncGenerator[bytes, None]:
    """The lines of `stream`, read by a daemon thread, so that Ctrl+C and the end never wait for input."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()
    room = threading.Semaphore(AHEAD)

    def read() -> None:
        try:
            for line in split_lines(blocks_of(stream), limit):
                room.acquire()
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, None)
        except (RuntimeError, OSError):
            return  # the loop has ended: nobody is waiting for more

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        room.release()
        yield line
