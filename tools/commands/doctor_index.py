"""What `doctor` says of the guide index: where it is, of what, how large, and whether it can be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from knowledge.embedding import Embedder
from knowledge.errors import AdvisorError
from knowledge.guide_set import all_guides
from knowledge.home import home
from knowledge.index import IndexUnusableError, Manifest
from knowledge.index_place import FolderIndex, index_place
from knowledge.settings import load_settings
from knowledge.words import passages_key

State = Literal["ok", "warning", "skipped"]
BUILD = "llm-advisor search quantization"


def look(folder: Path, embedder: Embedder, *, offline: bool = False) -> tuple[State, str, str]:
    """State, what was found, and the next step; no model is loaded and nothing is built.

    Args:
        folder: the index folder, for an index on this machine.
        embedder: whose vectors the index must hold.
        offline: does not ask a Chroma server.

    Raises:
        UsageError: the settings cannot be read.
    """
    place = index_place(load_settings(), folder, offline=offline)
    try:
        place.check()
    except AdvisorError:
        return "skipped", f"on the Chroma server at {place.label}, not asked because of --offline", ""
    guides = all_guides(home())
    key = passages_key(guides)
    try:
        index = place.open(key, embedder)
    except IndexUnusableError as error:
        stale = " (out of date)" if error.code == "index_old" else ""
        return "warning", f"{error.message.rstrip('.')}{stale}; it is built at the first use", BUILD
    except AdvisorError as error:
        return "warning", f"{error.message.rstrip('.')}; words alone answer", error.hint
    manifest = index.manifest
    index.close()
    where = f"on the Chroma server at {place.label}"
    if isinstance(place, FolderIndex):
        where = f"{_size(folder):.1f} MB in {place.label}"
    return "ok", f"up to date: {_contents(manifest, len(guides))}, {where}", ""


def health(folder: Path, embedder: Embedder, *, offline: bool = False) -> dict[str, Any]:
    """The same in figures and words of ours, without a path or an address; arguments as `look`.

    Returns:
        `place`, `state`, `code` of what is wrong (or None), `passages` and `vectors` (None where the index
        cannot be used), `guides` and `own_guides`.

    Raises:
        UsageError: the settings cannot be read.
    """
    place = index_place(load_settings(), folder, offline=offline)
    guides = all_guides(home())
    found: dict[str, Any] = {
        "place": "folder" if isinstance(place, FolderIndex) else "server",
        "state": "ok",
        "code": None,
        "passages": None,
        "vectors": None,
        "guides": len(guides),
        "own_guides": sum(guide.origin == "own" for guide in guides),
    }
    try:
        place.check()
        index = place.open(passages_key(guides), embedder)
    except AdvisorError as error:
        return {**found, "state": "warning", "code": error.code}
    manifest = index.manifest
    index.close()
    return {**found, "passages": manifest.passages, "vectors": manifest.vectors}


def _contents(manifest: Manifest, guides: int) -> str:
    return (
        f"{manifest.passages:,} passages of {guides:,} guides, {manifest.vectors:,} vectors of "
        f"{manifest.embedder}, corpus {manifest.corpus[:12]}"
    )


def _size(folder: Path) -> float:
    """Megabytes of the folder, old generations and the word index included."""
    sizes = []
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except OSError:
            continue  # removed meanwhile
    return sum(sizes) / 1e6
