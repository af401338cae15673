"""A model of an Ollama server, from its `/api/show` and `/api/tags`.

The verbose answer of `/api/show` holds the metadata of the model's GGUF file and, on current servers, its
tensor table with types. Source: ollama `docs/api.md` and `api/types.go` (ShowResponse, Tensor).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from knowledge.catalog.records import Kind
from knowledge.errors import NoAnswerError, ServiceError, UsageError
from knowledge.ollama import ollama_url
from tools.introspect.from_gguf import base_ids, kind_of
from tools.introspect.gguf_facts import text_of
from tools.introspect.gguf_header import (
    MAX_TENSORS,
    TensorInfo,
    broken,
    checked_name,
    checked_shape,
    tensor_types,
)
from tools.introspect.gguf_shape import GgufShape, gguf_shape
from tools.introspect.quant_names import label_in, label_of_tensors
from tools.introspect.sighting import Sighting
from tools.memory.quantization import known_quants

if TYPE_CHECKING:
    from http.client import HTTPResponse

MAX_ANSWER = 64 << 20
SECONDS = 20.0
WHOLE_SECONDS = 60.0
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,199}")
_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")
_LICENSES = (
    ("apache-2.0", re.compile(r"Apache License\s+Version 2\.0", re.IGNORECASE)),
    ("mit", re.compile(r"MIT License.{0,200}Permission is hereby granted", re.IGNORECASE | re.DOTALL)),
)
"""Texts that leave no doubt; other licenses stay unknown."""


def sight_ollama(tag: str) -> Sighting:
    """What the server shows of a tag.

    Raises:
        ServiceError: the server cannot be reached, or does not answer as Ollama does.
        NoAnswerError: it has no such model.
        UsageError: the tag is none, or the model runs elsewhere or is no language model.
    """
    if not _TAG.fullmatch(tag):
        raise UsageError(
            f"`{tag[:60]}` is no Ollama tag.",
            hint="For example ollama:llama3.1:8b; `ollama list` shows them.",
        )
    shown = _asked("/api/show", {"model": tag, "verbose": True}, tag)
    if shown.get("remote_model") or shown.get("remote_host"):
        raise UsageError(
            f"`{tag}` runs on a remote server, not on this one.", hint="Add a model whose weights are here."
        )
    listed = _listed(tag)
    info = shown.get("model_info")
    if not isinstance(info, dict) or not info:
        raise UsageError(
            f"The server shows no facts of `{tag}`.", hint="Update Ollama, or add the GGUF file."
        )
    return _sighting(tag, shown, info, listed)


def _sighting(
    tag: str, shown: Mapping[str, Any], info: dict[str, Any], listed: Mapping[str, Any]
) -> Sighting:
    tensors = _tensors(shown.get("tensors"))
    # Arrays come whole, or as null where the server leaves them out.
    lengths = {key: len(value) for key, value in info.items() if isinstance(value, list)}
    metadata = {key: value for key, value in info.items() if value is not None}
    shape = gguf_shape(metadata, tensors, lengths)
    details = shown.get("details") if isinstance(shown.get("details"), dict) else {}
    assert isinstance(details, dict)
    abilities = shown.get("capabilities")
    can = {item for item in abilities if isinstance(item, str)} if isinstance(abilities, list) else None
    count = info.get("general.parameter_count")
    total = shape.params_total or (count if isinstance(count, int) and 0 < count < 1 << 48 else None)
    size, digest = listed.get("size"), text_of(listed, "digest")
    seen = Sighting(
        source="ollama",
        location=tag,
        name=tag.removesuffix(":latest").replace("/", "-").replace(":", "-"),
        names=(tag.removesuffix(":latest"), text_of(info, "general.name") or tag),
        bases=base_ids(info),
        revision=digest if digest and _DIGEST.fullmatch(digest) else None,
        architecture=shape.architecture,
        tensors=shape.tensors,
        params_total=total,
        params_active=shape.params_active,
        context_length=shape.context_length,
        quant=_quant(details, tensors),
        file_bytes=size if isinstance(size, int) and 0 < size < 1 << 50 else None,
        kind=_kind(can, shown, info, shape),
        family=text_of(info, "general.basename") or text_of(details, "family"),
        license=_license(shown.get("license"), info),
        tool_calling=None if can is None else "tools" in can,
        thinking=None if can is None else "hybrid" if "thinking" in can else "no",
        vision=None if can is None else "vision" in can,
        ollama_tag=tag,
        gguf_available=True,
        sources={"*": "the Ollama server's /api/show", "file_bytes": "the Ollama server's /api/tags"},
    )
    for key in ("tool_calling", "thinking", "vision"):
        if getattr(seen, key) is not None:
            seen.sources[key] = "capabilities that the Ollama server lists"
    return seen


def _asked(path: str, body: Mapping[str, object] | None, tag: str) -> dict[str, Any]:
    """One answer of the server.

    Raises:
        ServiceError: it cannot be reached or answers something else.
        NoAnswerError: it has no such model.
    """
    import http.client
    import urllib.error
    import urllib.request

    address = ollama_url()
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(
            address + path, data=data, headers={"Content-Type": "application/json"}
        )
        # A proxy for the outer world has no business between this program and a local server.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=SECONDS) as answer:
            content = _content(answer)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (400, 404):
            raise NoAnswerError(
                f"The Ollama server has no model `{tag}`.",
                hint=f"`ollama list` shows what it has; `ollama pull {tag}` downloads it.",
                code="no_tag",
            ) from None
        raise ServiceError(
            f"The Ollama server at {address} refuses to answer (status {error.code}).",
            hint="Its own log tells why.",
        ) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ServiceError(
            f"No Ollama server answers at {address} ({type(error).__name__}).",
            hint="Start it with `ollama serve`, or set OLLAMA_HOST.",
        ) from None
    try:
        document = json.loads(content) if len(content) <= MAX_ANSWER else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ServiceError(
            f"What answers at {address} is not an Ollama server.",
            hint="Set OLLAMA_HOST to the right address.",
        )
    return document


def _content(answer: HTTPResponse) -> bytes:
    """The body of an answer, up to a byte more than is read; a server that drips does not hold us for ever.

    Raises:
        TimeoutError: it took longer than all answers do.
    """
    end, parts, size = time.monotonic() + WHOLE_SECONDS, list[bytes](), 0
    while size <= MAX_ANSWER and (part := answer.read1(1 << 16)):
        parts.append(part)
        size += len(part)
        if time.monotonic() > end:
            raise TimeoutError
    return b"".join(parts)


def _listed(tag: str) -> Mapping[str, Any]:
    """The entry of a tag in the server's list; empty where it has none."""
    models = _asked("/api/tags", None, tag).get("models")
    wanted = {tag.lower(), f"{tag}:latest".lower()}
    for model in models if isinstance(models, list) else ():
        if isinstance(model, dict) and str(model.get("name", "")).lower() in wanted:
            return model
    return {}


def _tensors(listed: object) -> list[TensorInfo]:
    """The tensor table, checked as that of a file is; empty where the server shows none.

    Raises:
        UsageError: entries that cannot be.
    """
    if not isinstance(listed, list) or not listed:
        return []
    if len(listed) > MAX_TENSORS:
        raise broken(f"{len(listed):,} tensors")
    blocks = {name: block for name, block, _ in tensor_types().values()}
    found, names = [], set[str]()
    for entry in listed:
        row = entry if isinstance(entry, dict) else {}
        name, kind, shape = row.get("name"), row.get("type"), row.get("shape")
        whole = isinstance(shape, list) and all(type(size) is int for size in shape)
        if not isinstance(name, str) or not isinstance(kind, str) or not whole:
            raise broken("an entry of its tensor table is incomplete")
        if kind not in blocks:
            raise UsageError(f"A tensor has the type `{kind[:20]}`, which is not known here.")
        assert isinstance(shape, list)
        dims = checked_shape(tuple(shape), blocks[kind], kind)
        found.append(TensorInfo(checked_name(name, names), kind, dims))
    return found


def _quant(details: Mapping[str, Any], tensors: list[TensorInfo]) -> str | None:
    """The server's name of the quantization; without the tensors only one whose mix is known."""
    label = label_in(text_of(details, "quantization_level") or "") or label_of_tensors(tensors)
    return label if tensors or label in known_quants() else None


def _kind(can: set[str] | None, shown: Mapping[str, Any], info: dict[str, Any], shape: GgufShape) -> Kind:
    if can is None:
        found = kind_of(info, shape)
        return "chat" if found == "base" and shown.get("template") else found
    if "embedding" in can:
        return "embedding"
    return "vision" if "vision" in can else "chat"


def _license(shown: object, info: dict[str, Any]) -> str | None:
    stated = text_of(info, "general.license")
    if stated is not None and stated.lower() != "other":
        return stated.lower()
    texts = [text for text in (shown if isinstance(shown, list) else [shown]) if isinstance(text, str)]
    for license_id, pattern in _LICENSES:
        if len(texts) == 1 and pattern.search(texts[0][:20_000]):
            return license_id
    return None
