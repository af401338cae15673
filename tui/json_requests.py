"""`--stdin`: one JSON request a line in, one JSON answer a line out, in order."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from knowledge.errors import AdvisorError, UsageError
from tools.commands.requests import as_mapping
from tui.error_log import note_error
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
    while line := stream.readline(MAX_LINE + 1):
        whole = line.endswith(b"\n")
        while not whole and (rest := stream.readline(MAX_LINE)):
            whole = rest.endswith(b"\n")
        if line.strip():
            yield line.rstrip(b"\r\n")


def answer_lines(answer: Callable[[Mapping[str, object]], Mapping[str, Any]]) -> int:
    """Answers every request line of standard input; a bad one gets an error line and the rest go on."""
    for line in lines_of(binary_stdin()):
        try:
            document = answer(json_object(line))
        except AdvisorError as error:
            document = {"error": error.as_json()}
        except Exception as error:
            note_error(error)
            document = {
                "error": {
                    "code": "internal",
                    "message": f"Something went wrong inside the advisor ({type(error).__name__}).",
                    "hint": "The log in the state folder has the details.",
                }
            }
        write_json(document, line=True)
    return 0
