"""The loop of a model's own process: requests from stdin, answers on stdout, one JSON object a line.

Loading a model's libraries takes seconds and holds the interpreter lock, which would freeze a terminal
interface; in a process of its own it freezes nothing. The process writes nothing but answers to stdout and
ends when its parent does: the end of stdin is the signal, also after a `kill -9`. Unless its model is behind
an API it opens no network socket: an audit hook forbids it.

    <- {"ready": true, ...}                 what `load` says of the model
    -> {"id": 1, ...}                       what the model's answering function reads
    <- {"id": 1, ...} or {"id": 1, "error": "..."} or {"fatal": "..."}
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

Document = dict[str, Any]
Answer = Callable[[Mapping[str, Any]], Document]
_FORBIDDEN = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"}


class WorkerError(Exception):
    """The model cannot be loaded or used; the message is for a person, the end of a sentence."""


def serve(load: Callable[[], tuple[Document, Answer]], *, network: bool = False) -> None:
    """Serves until stdin ends.

    Args:
        load: loads the model; gives what the first answer says of it, and the function that answers requests.
        network: lets it use the network.
    """
    answers = _private_stdout()
    if not network:
        sys.addaudithook(_no_network)
    requests: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    try:
        told, answer = load()
    except Exception as error:
        _write(answers, {"fatal": explained(error)})
        return
    _write(answers, {"ready": True, **told})
    while True:
        _write(answers, _answered(answer, requests.get()))


def explained(error: Exception) -> str:
    """The end of a sentence: a WorkerError's words, of any other error its kind and first line."""
    if isinstance(error, WorkerError):
        return str(error)
    words = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _answered(answer: Answer, line: bytes) -> Document:
    number: object = None
    try:
        request = json.loads(line)
        number = request["id"]
        return {"id": number, **answer(request)}
    except Exception as error:
        return {"id": number, "error": explained(error)}


def _read_requests(requests: queue.Queue[bytes]) -> None:
    # Raw reads: a daemon thread that holds a buffered reader's lock would abort the interpreter's end.
    held = b""
    while True:
        data = os.read(0, 1 << 16)
        if not data:
            os._exit(0)
        *lines, held = (held + data).split(b"\n")
        for line in lines:
            requests.put(line)


def _private_stdout() -> BinaryIO:
    """Keeps the answers' pipe to ourselves; what a library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _write(answers: BinaryIO, message: Document) -> None:
    try:
        answers.write(json.dumps(message).encode("ascii") + b"\n")
        answers.flush()
    except BrokenPipeError:
        os._exit(0)


def _no_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"the model may not use the network ({event})")
