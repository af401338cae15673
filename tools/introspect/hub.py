"""A model of a hub: a configuration with safetensors, or the GGUF files of a repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from knowledge.catalog.records import Kind
from knowledge.errors import NoAnswerError, UsageError
from tools.introspect.from_gguf import sight_header
from tools.introspect.gguf_facts import text_of
from tools.introspect.gguf_header import GgufHeader, read_header
from tools.introspect.hub_client import HubClient
from tools.introspect.hub_config import sight_config
from tools.introspect.quant_names import label_in
from tools.introspect.shards import joined, shard_names, shard_stem
from tools.introspect.sighting import Sighting
from tools.memory.quantization import canonical

MAX_FILES = 10_000
MAX_CONFIG = 4 << 20
SHOWN = 24
_NO_MODEL = re.compile(r"(?:^|[/._-])(?:mmproj|imatrix|vocab|lora|adapter)(?:[._-]|$)", re.IGNORECASE)
PIPELINES: dict[str, Kind] = {
    "feature-extraction": "embedding",
    "sentence-similarity": "embedding",
    "text-ranking": "reranker",
    "fill-mask": "encoder",
    "image-text-to-text": "vision",
}
"""Kinds by the task that the hub files a model under; the others are what a model is by default."""
_BASE = re.compile(r"base_model:(?:(quantized|finetune|merge|adapter):)?([\w.-]+/[\w.-]+)")


def sight_hub(repo: str, quant: str | None) -> Sighting:
    """What a repository holds.

    Args:
        repo: hub id.
        quant: which GGUF file; None takes the configuration, or the only file.

    Raises:
        NoAnswerError: no such repository or file, or it may not be read.
        ServiceError: the hub cannot be reached.
        UsageError: it holds no model that is read here, or several.
    """
    client = HubClient(repo)
    info = client.info()
    files = _files(info)
    models = gguf_models(files)
    if quant is None and "config.json" in files and any(name.endswith(".safetensors") for name in files):
        seen = sight_config(client, client.document("config.json", MAX_CONFIG), files)
    elif models:
        seen = _gguf(client, files, models, quant)
    elif quant is not None:
        raise NoAnswerError(
            f"{repo} holds no GGUF files, so no {quant[:40]}.",
            hint=f"Add {repo} without one; `memory --quant` then computes any.",
            code="no_quant",
        )
    elif "adapter_config.json" in files:
        raise UsageError(
            f"{repo} holds an adapter (LoRA), which changes another model.",
            hint="Add the model that it was made for, or a merged one.",
            code="not_a_model",
        )
    elif "config.json" in files:
        seen = sight_config(client, client.document("config.json", MAX_CONFIG), files)
    else:
        raise UsageError(
            f"{repo} holds neither a configuration (config.json) nor GGUF files.",
            hint="Models in other formats are not read.",
            code="not_a_model",
        )
    _from_card(seen, info, repo)
    return seen


def _files(info: Any) -> dict[str, int | None]:  # noqa: ANN401 - huggingface_hub's ModelInfo
    """Names and sizes of the repository's files; names that lead out of it are no files."""
    found: dict[str, int | None] = {}
    for sibling in (info.siblings or ())[:MAX_FILES]:
        name, size = sibling.rfilename, sibling.size
        if not isinstance(name, str) or not name.isprintable() or len(name) > 300:
            continue
        if name.startswith("/") or "\\" in name or {"", ".", ".."} & set(name.split("/")):
            continue
        found[name] = size if isinstance(size, int) and size >= 0 else None
    return found


def gguf_models(files: Mapping[str, int | None]) -> dict[str, list[str]]:
    """The GGUF models among files: label, and the names of all parts in order.

    The label is the quantization, or the file's stem where it names none or several files name the same.
    Models of which a part is missing are left out.
    """
    found: list[tuple[str | None, str, list[str]]] = []
    for name in sorted(files):
        if not name.lower().endswith(".gguf") or _NO_MODEL.search(name):
            continue
        folder, _, base = name.rpartition("/")
        try:
            parts = [f"{folder}/{part}" if folder else part for part in shard_names(base)]
        except UsageError:
            continue
        if parts[0] == name and all(part in files for part in parts):
            found.append((_quant_of(name), shard_stem(base), parts))
    quants = [quant for quant, _, _ in found]
    return {quant if quant and quants.count(quant) == 1 else stem: parts for quant, stem, parts in found}


def _quant_of(name: str) -> str | None:
    folder, _, base = name.rpartition("/")
    return label_in(shard_stem(base)) or label_in(folder)


def _gguf(
    client: HubClient, files: Mapping[str, int | None], models: Mapping[str, list[str]], quant: str | None
) -> Sighting:
    listed = ", ".join(list(models)[:SHOWN])
    example = f"For example `llm-advisor models add {client.repo}:{next(iter(models))}`."
    if quant is None and len(models) > 1:
        raise UsageError(
            f"{client.repo} holds {len(models)} quantizations: {listed}.", hint=example, code="which_quant"
        )
    label = next(iter(models)) if quant is None else canonical(quant)
    by_name = {name.upper(): name for name in models}
    if label.upper() not in by_name:
        raise NoAnswerError(
            f"{client.repo} has no {label[:40]}; it has {listed}.", hint=example, code="no_quant"
        )
    label = by_name[label.upper()]
    parts = models[label]
    seen = sight_header(
        joined([_header(client, name, files[name]) for name in parts]), parts[0].split("/")[-1]
    )
    seen.location, seen.gguf_repo = f"{client.repo}:{label}", client.repo
    seen.sources |= {"*": f"header of {parts[0]}"}
    if quant_named := _quant_of(parts[0]):
        seen.quant, seen.sources["quant"] = quant_named, "file name"
    return seen


def _header(client: HubClient, name: str, size: int | None) -> GgufHeader:
    if not size:
        raise UsageError(
            f"The hub does not state the size of `{name}`.", hint="Download it and add the file."
        )
    return read_header(lambda start, end: client.read(name, start, end), size)


def _from_card(seen: Sighting, info: Any, repo: str) -> None:  # noqa: ANN401 - huggingface_hub's ModelInfo
    """What the model card's metadata adds: license, languages, base models, date."""
    seen.source, seen.revision = "hub", info.sha if isinstance(info.sha, str) else None
    seen.location = seen.location if seen.gguf_repo else repo
    label = f"-{seen.quant}" if seen.gguf_repo and seen.quant else ""
    seen.name = repo.split("/")[-1] + ("" if label.lower() in repo.lower() else label)
    seen.names = (repo, *seen.names)
    card = info.card_data.to_dict() if info.card_data is not None else {}
    stated = text_of(card, "license")
    if seen.license is None and stated is not None:
        named = text_of(card, "license_name") if stated == "other" else stated
        seen.license = (named or "").lower() or None
        seen.sources["license"] = "model card"
    languages = card.get("language")
    codes = [languages] if isinstance(languages, str) else languages if isinstance(languages, list) else []
    if not seen.languages:
        seen.languages = tuple(c for c in codes if isinstance(c, str) and re.fullmatch(r"[a-z]{2}", c))[:200]
        seen.sources["languages"] = "model card"
    if seen.kind is None and isinstance(info.pipeline_tag, str) and info.pipeline_tag in PIPELINES:
        seen.kind, seen.sources["kind"] = PIPELINES[info.pipeline_tag], "task that the hub states"
    for tag in (info.tags or ())[:500]:
        base = _BASE.fullmatch(tag) if isinstance(tag, str) else None
        if base is None or base[2] == repo:
            continue
        if base[1] == "quantized":
            seen.same_as = (*seen.same_as, base[2])
        else:
            seen.bases = (*seen.bases, base[2])
    if seen.same_as:
        seen.bases = tuple(base for base in seen.bases if base not in seen.same_as)
    if info.created_at is not None and not seen.gguf_repo:
        seen.release_date = info.created_at.date().isoformat()
        seen.sources["release_date"] = "creation of the repository"
