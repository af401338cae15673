"""A sighting from the header of a GGUF file, wherever the header came from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from knowledge.catalog.records import Kind
from tools.introspect.gguf_facts import text_of
from tools.introspect.gguf_file import read_gguf_file
from tools.introspect.gguf_header import GgufHeader
from tools.introspect.gguf_shape import GgufShape, gguf_shape, no_layers
from tools.introspect.quant_names import label_in, own_label
from tools.introspect.shards import shard_stem
from tools.introspect.sighting import Sighting

_HUB_URL = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([\w.-]+/[\w.-]+)/?")
MAX_BASES = 8


def sight_file(path: Path) -> Sighting:
    """What a GGUF file of this machine is.

    Raises:
        NoAnswerError: no such file.
        UsageError: no GGUF file, a damaged one, or no language model.
    """
    seen = sight_header(read_gguf_file(path), path.name)
    seen.location = str(path.absolute())
    return seen


def sight_header(header: GgufHeader, file_name: str) -> Sighting:
    """What a header says; the caller fills in where it comes from.

    Args:
        header: a checked header.
        file_name: the name of the file, which may tell the quantization.

    Raises:
        UsageError: no language model, or one whose facts contradict each other.
    """
    meta = header.metadata
    shape = gguf_shape(meta, header.tensors, header.lengths)
    if not header.tensors:
        raise no_layers()
    quant, quant_source = own_label(file_name, meta.get("general.file_type"), header.tensors)
    title, stem = text_of(meta, "general.name"), shard_stem(file_name)
    seen = Sighting(
        source="file",
        location=file_name,
        name=stem,
        names=tuple(name for name in (title, _full_name(meta), _plain(stem)) if name),
        bases=base_ids(meta),
        architecture=shape.architecture,
        tensors=shape.tensors,
        params_total=shape.params_total or None,
        params_active=shape.params_active,
        context_length=shape.context_length,
        quant=quant,
        file_bytes=header.file_bytes,
        kind=kind_of(meta, shape),
        family=text_of(meta, "general.basename"),
        license=(text_of(meta, "general.license") or "").lower() or None,
        languages=_languages(meta),
        tool_calling=_calls_tools(meta),
        gguf_available=True,
        sources={"*": "metadata and tensor table of the GGUF file"},
    )
    if quant is not None:
        seen.sources["quant"] = quant_source
    if seen.tool_calling is not None:
        seen.sources["tool_calling"] = "chat template of the file"
    return seen


def _plain(stem: str) -> str:
    """A file's name without its quantization."""
    label = label_in(stem)
    return re.sub(rf"[-._]{re.escape(label)}$", "", stem, flags=re.IGNORECASE) if label else stem


def _full_name(meta: dict[str, Any]) -> str | None:
    """Basename, fine-tune and size as the naming convention of GGUF joins them."""
    parts = [text_of(meta, f"general.{key}") for key in ("basename", "size_label", "finetune")]
    return "-".join(part for part in parts if part) if parts[0] and parts[1] else None


def base_ids(meta: dict[str, Any]) -> tuple[str, ...]:
    """Hub ids of the base models that the metadata names."""
    count = meta.get("general.base_model.count")
    found = []
    for number in range(min(count, MAX_BASES) if isinstance(count, int) else 0):
        url = _HUB_URL.fullmatch(text_of(meta, f"general.base_model.{number}.repo_url") or "")
        if url is not None:
            found.append(url[1])
    return tuple(found)


def kind_of(meta: dict[str, Any], shape: GgufShape) -> Kind:
    """Embedders keep no cache or pool; a chat template makes a chat model."""
    if shape.embeds:
        return "reranker" if meta.get(f"{shape.arch}.pooling_type") == 4 else "embedding"
    return "chat" if isinstance(meta.get("tokenizer.chat_template"), str) else "base"


def _calls_tools(meta: dict[str, Any]) -> bool | None:
    """A template that writes tools tells that they can be called; one that does not tells nothing."""
    template = meta.get("tokenizer.chat_template")
    return True if isinstance(template, str) and re.search(r"\btools\b", template) else None


def _languages(meta: dict[str, Any]) -> tuple[str, ...]:
    stated = meta.get("general.languages")
    if not isinstance(stated, list):
        return ()
    return tuple(code for code in stated if isinstance(code, str) and re.fullmatch(r"[a-z]{2}", code))
