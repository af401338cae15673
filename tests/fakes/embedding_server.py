"""A fake server of embedding models on loopback: OpenAI's `/v1/embeddings` and Ollama's `/api/embed`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from tests.fakes.http_server import Asked, FakeServer, Reply

KEY = "sk-secret-of-the-test"
Vectors = Callable[[Sequence[str]], Sequence[Sequence[float]]]


class FakeEmbeddingServer:
    """Answers with what `vectors` makes of the texts; first with the replies of `first`, one a request."""

    def __init__(self, vectors: Vectors, first: Sequence[Reply | float] = ()) -> None:
        """A number in `first` is a pause in seconds before the request is answered as usual."""
        self._vectors = vectors
        self._first = list(first)
        self._server = FakeServer(self._answer)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def asked(self) -> list[Asked]:
        """The requests for vectors so far."""
        return [asked for asked in self._server.asked if asked.path != "/api/show"]

    @property
    def texts(self) -> list[str]:
        """All texts that came in."""
        return [text for asked in self.asked for text in json.loads(asked.body)["input"]]

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def _answer(self, asked: Asked) -> Reply:
        if asked.path == "/api/show":  # LiteLLM looks up what Ollama's model costs
            return _json({"model_info": {}})
        if self._first:
            first = self._first.pop(0)
            if isinstance(first, Reply):
                return first
            time.sleep(first)
        body: dict[str, Any] = json.loads(asked.body)
        rows = [list(map(float, row)) for row in self._vectors(body["input"])]
        if asked.path == "/api/embed":
            return _json({"model": body["model"], "embeddings": rows, "prompt_eval_count": 3})
        if asked.path == "/v1/embeddings":
            data = [{"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(rows)]
            usage = {"prompt_tokens": 3, "total_tokens": 3}
            # Order is not promised; the index counts.
            return _json({"object": "list", "data": data[::-1], "model": body["model"], "usage": usage})
        return _json({"error": "404 page not found"}, 404)


def refusal(status: int, **headers: str) -> Reply:
    """An error answer that repeats the key, as some servers do."""
    error = {"message": f"Something is wrong with {KEY}", "type": "invalid_request_error", "code": None}
    body = json.dumps({"error": error}).encode()
    return Reply(body, status, {"Content-Type": "application/json", **headers})


def _json(document: object, status: int = 200) -> Reply:
    return Reply(json.dumps(document).encode(), status, {"Content-Type": "application/json"})
