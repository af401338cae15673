"""Lines from blocks of bytes of any size."""

from __future__ import annotations

import asyncio
import os

from hypothesis import given
from hypothesis import strategies as st

from tui.line_source import read_lines, split_lines


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_lines_do_not_depend_on_the_blocks(blocks: list[bytes]) -> None:
    blocks = [block.replace(b"\r", b"") for block in blocks]
    expected = b"".join(blocks).split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert list(split_lines(iter(blocks), 1000)) == expected


@given(st.binary(max_size=60), st.integers(1, 8))
def test_long_lines_are_cut_and_counted_once(data: bytes, limit: int) -> None:
    data = data.replace(b"\r", b"")
    blocks = [data[at : at + 3] for at in range(0, len(data), 3)]
    lines = list(split_lines(iter(blocks), limit))
    assert len(lines) == len([*data.splitlines()]) if b"\x0b" not in data and b"\x0c" not in data else True
    assert all(len(line) <= limit + 1 for line in lines)


def test_carriage_returns_belong_to_the_line_end() -> None:
    assert list(split_lines(iter([b"a\r\nb\r", b"\n"]), 10)) == [b"a", b"b"]


def test_reads_a_pipe_to_its_end() -> None:
    read, write = os.pipe()
    os.write(write, b"one\ntwo\nlast")
    os.close(write)

    async def collect() -> list[bytes]:
        with os.fdopen(read, "rb") as stream:
            return [line async for line in read_lines(stream, 100)]

    assert asyncio.run(collect()) == [b"one", b"two", b"last"]


def test_does_not_wait_for_input_when_the_reader_leaves() -> None:
    read, write = os.pipe()
    os.write(write, b"one\n")

    async def first() -> bytes:
        with os.fdopen(os.dup(read), "rb") as stream:
            async for line in read_lines(stream, 100):
                return line
        return b""

    assert asyncio.run(first()) == b"one"
    os.close(write)
    os.close(read)
