"""The reading process: takes documents on stdin, gives their text on stdout.

A document that somebody else wrote may hang its parser, eat the memory or crash it; here it takes nothing
else with it. The process opens no network socket and writes no file, its memory is limited where the
platform can, and it ends when its parent does.

    -> {"name": "x.pdf", "size": 1234}\\n and so many bytes
    <- {"page": 3, "pages": 120}, any number of times
    <- {"document": {...}} or {"refused": ["code", "message"]}

usage: python -P -m knowledge.own.reading_worker
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import BinaryIO

from knowledge.own.document import RefusedError
from knowledge.own.limits import MEMORY_BYTES, megabytes
from knowledge.own.reading import read_document

_FORBIDDEN = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"}
_FRAMES = 8_000
"""Python calls within each other; deep HTML takes several a level."""


def main() -> None:
    """Serves until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    _limit()
    sys.addaudithook(_forbid)
    sys.setrecursionlimit(_FRAMES)
    requests = sys.stdin.buffer
    while line := requests.readline():
        request = json.loads(line)
        data = requests.read(request["size"])
        if len(data) < request["size"]:
            return
        _write(answers, _answer(request["name"], data, answers))


def _answer(name: str, data: bytes, answers: BinaryIO) -> dict[str, object]:
    try:
        document = read_document(
            name, data, lambda page, pages: _write(answers, {"page": page, "pages": pages})
        )
        return {"document": asdict(document)}
    except RefusedError as refused:
        return {"refused": [refused.code, refused.message]}
    except MemoryError:
        return {
            "refused": [
                "memory",
                f"takes more than the {megabytes(MEMORY_BYTES)} of memory allowed to read it",
            ]
        }
    except RecursionError:
        return {"refused": ["damaged", "is nested too deeply to be read"]}
    except Exception as error:
        return {"refused": ["damaged", f"cannot be read; it seems damaged ({type(error).__name__})"]}


def _write(answers: BinaryIO, message: dict[str, object]) -> None:
    try:
        answers.write(json.dumps(message).encode("ascii") + b"\n")
        answers.flush()
    except BrokenPipeError:
        os._exit(0)


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))
        except (OSError, ValueError):  # macOS knows the limit and does not keep it
            continue


def _forbid(event: str, arguments: tuple[object, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"reading a document does not need this ({event})")


if __name__ == "__main__":
    main()
