"""`models add` and `models remove`: any model, not only the catalog's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from knowledge.catalog.added import PREFIX, remove_added, write_added
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import forget_added, load_catalog
from knowledge.errors import UsageError
from knowledge.home import expanded
from tools.commands.requests import Name, Request
from tools.introspect.sighting import Sighting, record_of, unknown_fields

Document = dict[str, Any]
OLLAMA = "ollama:"
_HUB = re.compile(
    r"(?:https?://(?:www\.)?(?:huggingface\.co|hf\.co)/|hf\.co/|hf:)?"
    r"(?P<id>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?::(?P<quant>[\w.-]{1,96}))?"
)


class AddQuery(Request):
    """Request of `models add`."""

    source: Name = Field(description="a GGUF file, `ollama:TAG`, or a hub id `org/name` or `org/name:QUANT`")
    name: Name | None = Field(None, description="name to add it under (default: that of the source)")
    quant: Name | None = Field(None, description="which file of a GGUF repository, such as Q4_K_M")


class RemoveQuery(Request):
    """Request of `models remove`."""

    model: Name = Field(description="name of an added model")


def add_model(query: AddQuery, *, offline: bool = False) -> Document:
    """Looks at a model where it lies and stores what it is.

    Args:
        query: the request.
        offline: forbids the network, and with it everything but files.

    Raises:
        NoAnswerError: there is no such file, tag or repository.
        UsageError: the source is no language model, is damaged, or needs the network that is forbidden.
        ServiceError: the server cannot be reached.
    """
    seen = _look(query, offline)
    record = record_of(seen, load_catalog(), query.name, datetime.now(UTC).date())
    replaced = write_added(record)
    forget_added()
    return _document(record, replaced)


def _look(query: AddQuery, offline: bool) -> Sighting:
    source = query.source
    if source.lower().startswith(OLLAMA):
        _no_quant(query, "An Ollama tag names its quantization")
        _online(offline, "An Ollama tag is looked up on the server")
        from tools.introspect.ollama import sight_ollama

        return sight_ollama(source[len(OLLAMA) :].strip())
    path = expanded(source)
    hub = _HUB.fullmatch(source)
    if source.lower().endswith(".gguf") or hub is None or _exists(path):
        _check_path(source, path)
        _no_quant(query, "A file has one quantization")
        from tools.introspect.from_gguf import sight_file

        return sight_file(path)
    _online(offline, "A hub id is looked up on the hub")
    from tools.introspect.hub import sight_hub

    if hub["quant"] and query.quant and hub["quant"].lower() != query.quant.lower():
        raise UsageError(f"`{source[:80]}` and `--quant {query.quant[:40]}` name two quantizations.")
    return sight_hub(hub["id"], hub["quant"] or query.quant)


def _no_quant(query: AddQuery, why: str) -> None:
    if query.quant is not None:
        raise UsageError(
            f"{why}, so `--quant {query.quant[:40]}` has no use.",
            hint="Leave it away; it picks a file of a GGUF repository of the hub.",
        )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _check_path(source: str, path: Path) -> None:
    """Words that are neither a file nor anything else get a better answer than "no such file"."""
    if _exists(path) or source.lower().endswith(".gguf") or "/" in source or "\\" in source:
        return
    raise UsageError(
        f"`{source[:80]}` is no file, no Ollama tag and no hub id.",
        hint="Give FILE.gguf, ollama:TAG (`ollama list` shows them) or org/name of the hub.",
    )


def _online(offline: bool, what: str) -> None:
    if offline:
        raise UsageError(
            f"{what}, and --offline forbids the network.", hint="Leave --offline away, or add a GGUF file."
        )


def _document(record: ModelRecord, replaced: bool) -> Document:
    added = record.added
    assert added is not None
    tensors = added.tensors
    shape = record.architecture
    return {
        "model": record.name,
        "model_id": record.id,
        "replaced": replaced,
        "source": {"kind": added.source, "location": added.location, "revision": added.revision},
        "record": shown(record),
        "quant": added.quant,
        "file_bytes": added.file_bytes,
        "tensors": None if tensors is None else _count(tensors.outside, tensors.kinds, tensors.layers),
        "base_model": added.base_model,
        "same_weights": added.same_weights,
        "exact": shape is not None and tensors is not None and not shape.approximations,
        "approximations": list(shape.approximations) if shape is not None else [],
        "unknown": unknown_fields(record),
        "sources": added.sources,
        "commands": [
            f"llm-advisor memory {record.id} --context 8192",
            f"llm-advisor fit {record.id} --hardware HARDWARE",
            f"llm-advisor models remove {record.id}",
        ],
    }


def _count(outside: tuple[str, ...], kinds: tuple[tuple[str, ...], ...], layers: tuple[int, ...]) -> int:
    return len(outside) + sum(len(kinds[kind]) for kind in layers)


def shown(record: ModelRecord) -> Document:
    """A record as a document, without the tensor table."""
    document: Document = record.model_dump(mode="json")
    if record.added is None:
        del document["added"]
    else:
        del document["added"]["tensors"], document["added"]["sources"]
    return document


def remove_model(query: RemoveQuery) -> Document:
    """Forgets an added model; the weights themselves are left alone.

    Raises:
        UnknownNameError: no model of this name was added.
    """
    removed = remove_added(query.model)
    forget_added()
    return {"model": removed.removeprefix(PREFIX), "model_id": removed, "removed": True}
