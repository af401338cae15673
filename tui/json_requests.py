"""`--stdin`: one JSON request a line in, one JSON answer a line out, in order."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from knowledge.errors import AdvisorError, UsageError
from tools.commands.requests import as_mapping
from tui.error_log import note_error
from tui.line_source import blocks_of, line_batches
from tui.output import write_json

MAX_LINE = 4 << 20
"""Bytes of a line that is read; a longer one is answered with an error."""


def binary_stdin() -> BinaryIO:
    """Standard input as bytes, so that a bad byte spoils one line only."""
    return sys.stdin.buffer


def json_object(line: bytes) -> Mapping[str, object]:
    """Reads one line.

    Raises:
        UsageError: It is too long, no JSON, or no object.
    """
    if len(line) > MAX_LINE:
        raise UsageError(f"The line is longer than {MAX_LINE:,} bytes.", hint="Send a shorter one.")
    try:
        # Bytes that are no UTF-8 become replacement characters; a byte-order mark is no part of the request.
        value: Any = json.loads(line.decode("utf-8", "replace").lstrip("\ufeff"))
    except (ValueError, RecursionError):
        raise UsageError(
            "The line is not JSON.",
            hint='Send one JSON object a line, such as {"text": "..."}.',
            code="bad_json",
        ) from None
    return as_mapping(value)


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """The lines that hold something, without their ends; what is beyond `MAX_LINE` of one is dropped."""
    for lines in _batches(stream):
        yield from lines


def _batches(stream: BinaryIO) -> Iterator[list[bytes]]:
    """The lines that hold something, all together that are there at a time.

    Whoever writes one line and waits gets a batch of one at once.
    """
    for lines in line_batches(blocks_of(stream), MAX_LINE):
        yield [line for line in lines if line.strip()]


def answer_lines(
    answer: Callable[[Mapping[str, object]], Mapping[str, Any]],
    expect: Callable[[Sequence[Mapping[str, object]]], None] | None = None,
) -> int:
    """Answers every request line of standard input; a bad one gets an error line and the rest go on.

    Args:
        answer: gives the document of one request.
        expect: told the requests that are already there before the first of them is answered.
    """
    for lines in _batches(binary_stdin()):
        if expect is not None and len(lines) > 1:
            expect(list(_readable(lines)))
        for line in lines:
            write_json(_answered(line, answer), line=True)
    return 0


def _readable(lines: Iterable[bytes]) -> Iterator[Mapping[str, object]]:
    for line in lines:
        # The bad ones are answered, with their error, when their turn comes.
        with contextlib.suppress(AdvisorError):
            yield json_object(line)


def _answered(line: bytes, answer: Callable[[Mapping[str, object]], Mapping[str, Any]]) -> Mapping[str, Any]:
    try:
        return answer(json_object(line))
    except AdvisorError as error:
        return {"error": error.as_json()}
    except Exception as error:
        note_error(error)
        return {
            "error": {
                "code": "internal",
                "message": f"Something went wrong inside the advisor ({type(error).__name__}).",
                "hint": "The log in the state folder has the details.",
            }
        }
