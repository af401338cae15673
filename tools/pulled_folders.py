"""Reads the folders in which Ollama, the Hugging Face libraries and llama.cpp keep models.

Names and small description files only, never a weight. A damaged or unreadable part is left out.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.catalog.store import load_catalog
from knowledge.home import expanded

_MOST = 500
"""Entries of one store that are read."""
_MOST_BYTES = 64 << 10
"""Manifests and descriptions are smaller."""
_MODEL_LAYER = "application/vnd.ollama.image.model"
_LIBRARY = ("registry.ollama.ai", "library")
_WEIGHTS = (".safetensors", ".bin")


@dataclass(frozen=True, slots=True)
class Found:
    """One model as its folder shows it; None is what the folder does not say."""

    kind: str
    """`Ollama`, `GGUF` or `safetensors`."""
    name: str
    """`name:tag` of Ollama's library, else `org/repository`."""
    folder: str
    library: bool = False
    quant: str | None = None
    params_b: float | None = None
    family: str | None = None
    size_bytes: int | None = None


def roots(environ: Mapping[str, str], home: Path) -> tuple[tuple[str, Path], ...]:
    """Kind and folder of every store that may be there."""
    found: list[tuple[str, Path]] = []
    own = environ.get("OLLAMA_MODELS")
    usual = (home / ".ollama/models", Path("/usr/share/ollama/.ollama/models"))
    found += [("ollama", expanded(own))] if own else [("ollama", folder) for folder in usual]
    cache = expanded(environ["XDG_CACHE_HOME"]) if environ.get("XDG_CACHE_HOME") else home / ".cache"
    hub, hub_home = environ.get("HF_HUB_CACHE"), environ.get("HF_HOME")
    if hub:
        found.append(("huggingface", expanded(hub)))
    else:
        found.append(("huggingface", (expanded(hub_home) if hub_home else cache / "huggingface") / "hub"))
    llama = environ.get("LLAMA_CACHE")
    mac = home / "Library/Caches/llama.cpp"
    usual_llama = mac if sys.platform == "darwin" else cache / "llama.cpp"
    found.append(("llama.cpp", expanded(llama) if llama else usual_llama))
    return tuple(found)


def stamp(kind: str, folder: Path) -> float:
    """When a store last changed, as its upper folders tell; 0 where there is none."""
    latest = 0.0
    depth = 4 if kind == "ollama" else 1
    start = folder / "manifests" if kind == "ollama" else folder
    for path in _walk(start, depth, folders=True):
        with suppress(OSError):
            latest = max(latest, path.stat().st_mtime)
    return latest


def _walk(folder: Path, depth: int, *, folders: bool) -> Iterator[Path]:
    """The folder and those below it, or the files at exactly a depth."""
    if folders:
        yield folder
    if depth <= 0:
        return
    try:
        with os.scandir(folder) as entries:
            names = sorted(entries, key=lambda entry: entry.name)[:_MOST]
    except (OSError, ValueError):
        return
    for entry in names:
        with suppress(OSError):
            if entry.is_dir():
                yield from _walk(Path(entry.path), depth - 1, folders=folders)
            elif not folders and depth == 1:
                yield Path(entry.path)


def _json(path: Path) -> Mapping[str, Any]:
    with suppress(OSError, ValueError, RecursionError), path.open("rb") as file:
        found = json.loads(file.read(_MOST_BYTES))
        if isinstance(found, dict):
            return found
    return {}


def ollama(folder: Path) -> Iterator[Found]:
    """Every tag of an Ollama store: `manifests/HOST/OWNER/NAME/TAG`, with the description beside it."""
    base = folder / "manifests"
    for path in list(_walk(base, 4, folders=False))[:_MOST]:
        host, owner, name, tag = path.relative_to(base).parts
        library = (host, owner) == _LIBRARY
        manifest = _json(path)
        layers = manifest.get("layers")
        models = [
            layer
            for layer in (layers if isinstance(layers, list) else [])
            if isinstance(layer, dict) and layer.get("mediaType") == _MODEL_LAYER
        ]
        if not models:  # only in a provider's cloud, or damaged
            continue
        about = _described(folder, manifest)
        size = models[0].get("size")
        yield Found(
            kind="Ollama",
            name=f"{name}:{tag}" if library else f"{owner}/{name}",
            folder=str(path),
            library=library,
            quant=quant_in(str(about.get("file_type") or "")) or quant_in(tag),
            params_b=_billions(about.get("model_type")),
            family=str(about["model_family"]) if isinstance(about.get("model_family"), str) else None,
            size_bytes=size if isinstance(size, int) and not isinstance(size, bool) else None,
        )


def _described(folder: Path, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    config = manifest.get("config")
    digest = config.get("digest") if isinstance(config, dict) else None
    if not isinstance(digest, str) or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return {}
    return _json(folder / "blobs" / digest.replace(":", "-"))


def _billions(text: object) -> float | None:
    """`8.0B`, `494.03M`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMBT])", text) if isinstance(text, str) else None
    return float(found[1]) * {"K": 1e-6, "M": 1e-3, "B": 1.0, "T": 1e3}[found[2]] if found else None


def quant_in(text: str) -> str | None:
    """The quantization that a file or tag name holds, by the catalog's ids; the longest one counts."""
    words = re.sub(r"[^A-Z0-9]", "_", text.upper())
    known = [
        quant.id
        for quant in load_catalog().quantizations.values()
        if quant.format == "gguf" and re.search(rf"(?<![A-Z0-9]){quant.id}(?![A-Z0-9])", words)
    ]
    return max(known, key=len, default=None)


def hugging_face(folder: Path) -> Iterator[Found]:
    """Every repository of a Hugging Face cache with whole weights: `models--ORG--NAME/snapshots/REVISION`."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.startswith("models--"))
    except (OSError, ValueError):
        return
    for name in names[:_MOST]:
        parts = name.split("--", 2)
        if len(parts) != 3 or _unfinished(folder / name / "blobs"):
            continue
        repository = f"{parts[1]}/{parts[2]}"
        for snapshot in _newest(folder / name / "snapshots"):
            yield from _files(repository, snapshot)


def _unfinished(blobs: Path) -> bool:
    """A download that was broken off leaves such a file."""
    with suppress(OSError, ValueError), os.scandir(blobs) as entries:
        return any(entry.name.endswith(".incomplete") for entry in entries)
    return False


def _newest(snapshots: Path) -> list[Path]:
    found: list[tuple[float, Path]] = []
    with suppress(OSError, ValueError), os.scandir(snapshots) as entries:
        found = [(entry.stat().st_mtime, Path(entry.path)) for entry in entries if entry.is_dir()]
    return [path for _, path in sorted(found, reverse=True)[:1]]


def _files(repository: str, snapshot: Path) -> Iterator[Found]:
    sizes: dict[str | None, int] = {}
    for depth in (1, 2):
        for path in _walk(snapshot, depth, folders=False):
            with suppress(OSError):  # a link to a blob that was removed
                size = path.stat().st_size
                low = path.name.lower()
                if low.endswith(".gguf") and not low.startswith("mmproj"):
                    quant = quant_in(path.stem)
                    if quant is not None:
                        sizes[quant] = sizes.get(quant, 0) + size
                elif depth == 1 and low.endswith(_WEIGHTS) and "training_args" not in low:
                    sizes[None] = sizes.get(None, 0) + size
    for quant, total in sizes.items():
        kind = "GGUF" if quant is not None else "safetensors"
        yield Found(kind, repository, str(snapshot), quant=quant, size_bytes=total)


def llama_cpp(folder: Path) -> Iterator[Found]:
    """Files that llama.cpp downloaded: `ORG_REPOSITORY_FILE.gguf`, matched by the known repositories."""
    files = [path for path in _walk(folder, 1, folders=False) if path.suffix.lower() == ".gguf"]
    if not files:
        return
    known = {
        record.gguf_repo.replace("/", "_").lower() + "_": record.gguf_repo
        for record in load_catalog().models
        if record.gguf_repo is not None
    }
    for path in files:
        repository = next(
            (repo for start, repo in known.items() if path.name.lower().startswith(start)), None
        )
        quant = quant_in(path.stem)
        if repository is not None and quant is not None:
            with suppress(OSError):
                yield Found("GGUF", repository, str(path), quant=quant, size_bytes=path.stat().st_size)
