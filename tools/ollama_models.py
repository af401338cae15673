"""What an Ollama server has and what its models can, from `/api/tags` and `/api/show`.

Everything has short time limits: it is asked while somebody waits for the conversation to begin. Source of
the fields: ollama `docs/api.md` and `api/types.go`.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

from knowledge.errors import AdvisorError, ServiceError
from knowledge.ollama import ollama_url

TAGS_SECONDS = 1.5
SHOW_SECONDS = 1.5
"""For all models together; one that has not answered by then is taken without its capabilities."""
MOST_SHOWN = 40
MAX_BYTES = 16 << 20
MOST_DIGEST = 200
_EMBEDDERS = ("bert", "nomic-bert", "gemma-embedding", "jina-bert-v2")
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ServerModel:
    """One model of a server."""

    name: str
    size_bytes: int
    """Of its files, which is about what its weights take in memory."""
    remote: bool = False
    """It runs on somebody else's machine; the server only passes on what is said."""
    digest: str | None = None
    """Of what the name stands for now; another one after a newer pull. None where the server does not say."""
    capabilities: frozenset[str] | None = None
    """None where the server does not say, as before 0.6.4."""
    context: int | None = None
    """Tokens that the model supports."""
    cache_bytes_per_token: int | None = None
    """Of an f16 cache over all layers: layers that see a window only take less."""
    embedder: bool = False

    @property
    def chats(self) -> bool:
        """Whether it can hold a conversation, as far as is known."""
        return not self.embedder and (self.capabilities is None or "completion" in self.capabilities)

    @property
    def tools(self) -> bool:
        """Whether it is known to call tools."""
        return self.capabilities is not None and "tools" in self.capabilities


def ask_ollama(path: str, body: Document | None, seconds: float) -> dict[str, Any]:
    """One answer of the server.

    Args:
        path: such as `/api/tags`.
        body: sent as JSON with POST; None asks with GET.
        seconds: limit for the connection and for each read.

    Raises:
        ServiceError: it does not answer, or something else does.
        UsageError: the address that is set is none.
    """
    address = ollama_url()
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("OLLAMA_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(address + path, data=data, headers=headers)
        # A proxy for the outer world has no business between this program and a local server.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=seconds) as answer:
            document = json.loads(answer.read(MAX_BYTES))
    except urllib.error.HTTPError as error:
        error.close()
        raise _unusable(address, f"status {error.code}") from None
    except (OSError, http.client.HTTPException):
        raise ServiceError(
            f"Ollama does not answer at {address}.",
            hint="Start it with `ollama serve`, or set OLLAMA_HOST to where it runs.",
        ) from None
    except (ValueError, RecursionError):
        raise _unusable(address, "no JSON") from None
    if not isinstance(document, dict):
        raise _unusable(address, "no JSON object")
    return document


def _unusable(address: str, what: str) -> ServiceError:
    return ServiceError(
        f"What answers at {address} is no usable Ollama server ({what}).",
        hint="Set OLLAMA_HOST to the right address, or look into the server's log.",
    )


def list_models(*, details: bool = True) -> tuple[ServerModel, ...]:
    """The models of the server, by name.

    Args:
        details: also ask what each can.

    Raises:
        ServiceError: no Ollama answers.
        UsageError: the address that is set is none.
    """
    rows = ask_ollama("/api/tags", None, TAGS_SECONDS).get("models")
    found = [_listed(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    models = sorted((model for model in found if model.name), key=lambda model: model.name)
    return tuple(_shown(models) if details else models)


def digest_of(name: str) -> str | None:
    """What a model's name stands for on the server now; None where it does not say."""
    try:
        models = list_models(details=False)
    except AdvisorError:
        return None
    return next((one.digest for one in models if one.name == name.removesuffix(":latest")), None)


def loaded_bytes() -> int:
    """What the server holds on the accelerators now, in bytes; 0 where it does not say."""
    try:
        rows = ask_ollama("/api/ps", None, TAGS_SECONDS).get("models")
    except ServiceError:
        return 0
    sizes = [row.get("size_vram") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return sum(size for size in sizes if isinstance(size, int) and size > 0)


def _listed(row: Document) -> ServerModel:
    name, size = row.get("name") or row.get("model"), row.get("size")
    details, digest = row.get("details"), row.get("digest")
    families = (details.get("families") or [details.get("family")]) if isinstance(details, dict) else []
    return ServerModel(
        str(name or "").removesuffix(":latest"),
        size if isinstance(size, int) and size > 0 else 0,
        remote=bool(row.get("remote_host")),
        digest=digest if isinstance(digest, str) and 0 < len(digest) <= MOST_DIGEST else None,
        embedder=isinstance(families, list) and any(family in _EMBEDDERS for family in families),
    )


def _shown(models: list[ServerModel]) -> list[ServerModel]:
    """The models with what the server shows of each, as far as it answers in time."""
    if not models:
        return []
    end = time.monotonic() + SHOW_SECONDS
    pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="ollama-show")
    asked = {pool.submit(_detailed, model): place for place, model in enumerate(models[:MOST_SHOWN])}
    done, _ = wait(asked, timeout=max(0.0, end - time.monotonic()))
    pool.shutdown(wait=False, cancel_futures=True)
    shown = list(models)
    for future in done:
        shown[asked[future]] = future.result()
    return shown


def _detailed(model: ServerModel) -> ServerModel:
    try:
        return with_details(model, ask_ollama("/api/show", {"model": model.name}, SHOW_SECONDS))
    except ServiceError:
        return model


def with_details(model: ServerModel, shown: Document) -> ServerModel:
    """A model with what `/api/show` tells of it."""
    can, info = shown.get("capabilities"), shown.get("model_info")
    info = info if isinstance(info, dict) else {}
    return replace(
        model,
        remote=model.remote or bool(shown.get("remote_host")),
        capabilities=frozenset(map(str, can)) if isinstance(can, list) else None,
        context=_number(info, "context_length"),
        cache_bytes_per_token=_cache_bytes(info),
        embedder=model.embedder or (isinstance(can, list) and "completion" not in can),
    )


def _number(info: Document, key: str) -> int | None:
    """A count of the model's own architecture; of one that differs between layers, the sum."""
    architecture = info.get("general.architecture")
    value = info.get(f"{architecture}.{key}")
    if isinstance(value, list) and value and all(isinstance(one, int) for one in value):
        return sum(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _cache_bytes(info: Document) -> int | None:
    """Bytes that a token takes in an f16 cache; None where the shape is not told."""
    layers, heads = _number(info, "block_count"), _number(info, "attention.head_count")
    width = _number(info, "embedding_length")
    if layers is None or heads is None:
        return None
    architecture = info.get("general.architecture")
    kv_heads = _number(info, "attention.head_count_kv") or heads
    varies = isinstance(info.get(f"{architecture}.attention.head_count_kv"), list)
    key = _number(info, "attention.key_length") or (width // heads if width else None)
    value = _number(info, "attention.value_length") or key
    if key is None or value is None:
        return None
    return (kv_heads if varies else kv_heads * layers) * (key + value) * 2
