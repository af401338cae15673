"""Lines of standard input for an event loop, without a reader that could hold up the end of the program."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import BinaryIO

BLOCK = 1 << 16
AHEAD = 64
"""Lines read before the first is answered; a writer that is faster has to wait."""


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
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


def split_lines(blocks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Lines without their ends; of a line longer than `limit` bytes, only the first `limit + 1` are kept."""
    rest = b""
    for block in blocks:
        first, *later = block.split(b"\n")
        rest = (rest + first)[: limit + 1]
        for part in later:
            yield rest.removesuffix(b"\r")
            rest = part[: limit + 1]
    if rest:
        yield rest


async def read_lines(stream: BinaryIO, limit: int) -> AsyncGenerator[bytes, None]:
    """The lines of `stream`, read by a daemon thread, so that Ctrl+C and the end never wait for input."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()
    room = threading.Semaphore(AHEAD)

    def read() -> None:
        try:
            for line in split_lines(_blocks(stream), limit):
                room.acquire()
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, None)
        except (RuntimeError, OSError):
            return  # the loop has ended: nobody is waiting for more

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        room.release()
        yield line
