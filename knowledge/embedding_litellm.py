"""The process of an embedder behind an API (see `model_worker`): any embedding model that LiteLLM reaches.

    -> {"id": 1, "texts": ["..."], "query": false, "seconds": 90}
    <- {"ready": true}
    <- {"id": 1, "vectors": "<base64 of little-endian float32, row by row>"}

usage: python -P -m knowledge.embedding_litellm MODEL

The key is read from the provider's environment variable by LiteLLM. What a server says is shown to nobody and
logged nowhere, because it may repeat a part of the key.
"""

from __future__ import annotations

import base64
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.embedding_prompts import Prompts, prompts_of
from knowledge.litellm_setup import import_quietly
from knowledge.model_worker import Answer, Document, WorkerError, serve
from knowledge.ollama import ollama_url

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try; a server's own Retry-After counts instead."""
RESERVE_SECONDS = 1.0
"""Of the time for an answer, kept to say why there is none."""
ATTEMPT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Failure:
    """One kind of failure of a provider."""

    kinds: tuple[str, ...]
    """Names of exception classes."""
    statuses: tuple[int, ...]
    message: str
    again: bool = False
    """Trying again may help."""


FAILURES = (
    Failure(
        ("AuthenticationError", "PermissionDeniedError"),
        (401, 403),
        "{provider} refused the key; set it in the environment (for example OPENAI_API_KEY)",
    ),
    Failure(("RateLimitError",), (429,), "{provider} takes no more requests for now", again=True),
    Failure(("NotFoundError",), (404,), "{provider} does not have the model {model}"),
    Failure(("Timeout", "ReadTimeout"), (408, 504), "{provider} took too long to answer", again=True),
    Failure(
        ("InternalServerError", "ServiceUnavailableError", "BadGatewayError"),
        (500, 502, 503, 529),
        "{provider} failed while it answered",
        again=True,
    ),
    Failure(
        ("BadRequestError", "UnprocessableEntityError"), (400, 413, 422), "{provider} refused the request"
    ),
)
UNREACHABLE = Failure((), (), "{provider} cannot be reached", again=True)
_NO_KEY = ("api_key client option must be set", "missing credentials")
_NO_CONNECTION = (
    "connection error",
    "connection refused",
    "cannot connect",
    "connect call failed",
    "name or service not known",
    "all connection attempts failed",
)


class Client:
    """Asks one model; keeps to the time that an answer may take."""

    def __init__(self, litellm: Any, model: str) -> None:  # noqa: ANN401 - LiteLLM has no types
        self._litellm = litellm
        # Its OpenAI client takes the 0 of a call for "not given" and would try again on its own.
        litellm.DEFAULT_MAX_RETRIES = 0
        self._model = model
        self._provider = model.partition("/")[0]
        self._prompts = prompts_of(model) or Prompts("", "")
        self._dimensions: int | None = None

    def answer(self, request: Mapping[str, Any]) -> Document:
        """Answers a request of the parent."""
        prompt = self._prompts.query if request.get("query") else self._prompts.passage
        until = time.monotonic() + float(request["seconds"]) - RESERVE_SECONDS
        vectors = self._unit(self._asked([prompt + text for text in request["texts"]], until))
        return {"vectors": base64.b64encode(vectors.astype("<f4").tobytes()).decode("ascii")}

    def _asked(self, texts: Sequence[str], until: float) -> list[list[float]]:
        for pause in (*PAUSES, None):
            left = until - time.monotonic()
            try:
                return self._once(texts, max(1.0, min(ATTEMPT_SECONDS, left)))
            except WorkerError:
                raise
            except Exception as error:
                failure = _kind(error)
                wait = _retry_after(error) if pause is not None else None
                wait = pause if wait is None else wait
                if not failure.again or wait is None or time.monotonic() + wait >= until:
                    message = failure.message.format(provider=self._provider, model=self._model)
                    # The cause would be logged with what the server said.
                    raise WorkerError(message) from None
            time.sleep(wait)
        raise AssertionError("the last pause is None")

    def _once(self, texts: Sequence[str], seconds: float) -> list[list[float]]:
        options: dict[str, Any] = {}
        if self._provider == "ollama":
            options["api_base"] = ollama_url()
            # Ollama's embeddings go through a client that knows no time limit of a call.
            self._litellm.module_level_client.client.timeout = seconds
        found = self._litellm.embedding(
            model=self._model,
            input=list(texts),
            encoding_format=None if self._provider == "ollama" else "float",
            timeout=seconds,
            max_retries=0,
            num_retries=0,
            **options,
        )
        rows = sorted(found.data, key=lambda row: row["index"])
        if len(rows) != len(texts):
            raise WorkerError(f"{self._provider} gave {len(rows)} vectors for {len(texts)} texts")
        return [row["embedding"] for row in rows]

    def _unit(self, rows: Sequence[Sequence[float]]) -> Vectors:
        import numpy as np

        lengths = {len(row) for row in rows}
        if len(lengths | {self._dimensions or len(rows[0])}) != 1 or 0 in lengths:
            raise WorkerError(f"{self._provider} gave vectors of several lengths")
        vectors = np.asarray(rows, dtype=np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(vectors).all() or not norms.all():
            raise WorkerError(f"{self._provider} gave vectors that cannot be right")
        self._dimensions = len(rows[0])
        unit: Vectors = vectors / norms
        return unit


def _kind(error: Exception) -> Failure:
    """What happened: by words where there was no answer at all, else by HTTP status or the exception's class.

    LiteLLM's class alone says too little: a refused connection becomes an InternalServerError, and a refused
    key may become a BadRequestError.
    """
    words = str(error).lower()
    if any(text in words for text in _NO_KEY):
        return FAILURES[0]
    if any(text in words for text in _NO_CONNECTION):
        return UNREACHABLE
    status = getattr(error, "status_code", None)
    names = {kind.__name__ for kind in type(error).__mro__}
    by_class = (failure for failure in FAILURES if not names.isdisjoint(failure.kinds))
    return next((failure for failure in FAILURES if status in failure.statuses), next(by_class, UNREACHABLE))


def _retry_after(error: Exception) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


def load(model: str) -> tuple[Document, Answer]:
    """LiteLLM, and the function that asks the model."""
    litellm = import_quietly()
    # A model that LiteLLM does not know is sent to nobody by guess.
    try:
        litellm.get_llm_provider(model)
    except Exception:
        raise WorkerError(
            f"LiteLLM knows no provider for {model}; write it first, as in openai/NAME"
        ) from None
    return {}, Client(litellm, model).answer


if __name__ == "__main__":
    os.environ.pop("LITELLM_LOG", None)
    serve(lambda: load(sys.argv[1]), network=True)
