"""The passages and their word index, stored so that a start neither cuts guides nor counts words.

    words-<key>/
      manifest.json    what it is of, and the SHA-256 of the other files
      passages.jsonl   one passage a line; `ends.npy` says where each line ends
      ids.npy          the passages' ids, sorted; `places.npy` has the number of each
      scores.npy, passages.npy, starts.npy, vocabulary.json    the word index (`lexical`)

The key is made of the guides and of the code that cuts and counts them, so that a store is never older than
either. A store is written aside and renamed; one that is damaged is written again, and where the folder
cannot be written everything stays in memory. Passages and scores are read where they lie: a hundred thousand
passages take little memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from knowledge.alike import without_repeats
from knowledge.chunking import Chunk, chunk_guides
from knowledge.corpus import Guide, corpus_hash
from knowledge.lexical import LexicalIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray

MANIFEST = "manifest.json"
PREFIX = "words-"
NEW = ".new"
KEPT = 3
"""Stores that stay: two advisors with guides of their own in one folder must not push each other out."""
_SOURCES = (
    "alike.py",
    "asked.json",
    "asked.py",
    "chunking.py",
    "corpus.py",
    "lexical.py",
    "markdown_blocks.py",
    "terms.json",
    "words.py",
)
_FIELDS = tuple(field.name for field in fields(Chunk))


class Passages(Sequence[Chunk]):
    """Passages in a file, read one by one when asked for."""

    def __init__(self, lines: mmap.mmap, ends: NDArray[Any]) -> None:
        self._lines = lines
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> Chunk: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Chunk]: ...
    def __getitem__(self, index: int | slice) -> Chunk | Sequence[Chunk]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        number = index % len(self)
        values: list[Any] = json.loads(self._lines[int(self._ends[number]) : int(self._ends[number + 1])])
        given: dict[str, Any] = dict(zip(_FIELDS, values, strict=True))
        return Chunk(**{**given, "heading": tuple(given["heading"])})


@dataclass(frozen=True, slots=True)
class Words:
    """The passages of a set of guides with their word index."""

    passages: Sequence[Chunk]
    lexical: LexicalIndex
    place: Callable[[str], int | None]
    """The number of the passage with an id; None where there is none."""


def open_words(folder: Path, corpus: str, guides: Iterable[Guide]) -> Words:
    """The words of `guides`, from their store in `folder`, or cut, counted and stored now.

    Args:
        folder: the index folder; it is created where needed.
        corpus: `passages_key` of the guides, which names the store.
        guides: read only where there is no sound store.
    """
    store = folder / f"{PREFIX}{corpus[:24]}"
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return _opened(store)
    chunks = tuple(without_repeats(chunk_guides(guides)))
    lexical = LexicalIndex(chunks)
    try:
        _write(store, chunks, lexical)
        return _opened(store)
    except (OSError, ValueError):
        places = {chunk.id: number for number, chunk in enumerate(chunks)}
        return Words(chunks, lexical, places.get)


def forget_words(folder: Path) -> None:
    """Removes all stores, and with them the text of guides that are gone; the next start writes its own.

    Whoever reads one goes on: its files are mapped.
    """
    for path in folder.glob(f"{PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


@cache
def _cutting() -> str:
    """Identifies the code that cuts guides into passages and counts their words."""
    digest = hashlib.sha256(repr(_FIELDS).encode())
    for name in _SOURCES:
        digest.update((Path(__file__).resolve().parent / name).read_bytes())
    return digest.hexdigest()[:16]


def passages_key(guides: Iterable[Guide]) -> str:
    """Identifies the passages of guides: their words, and the code that cuts and counts them."""
    return hashlib.sha256(f"{corpus_hash(guides)} {_cutting()}".encode()).hexdigest()


def _opened(store: Path) -> Words:
    """Verifies and opens a store.

    Raises:
        OSError, ValueError, TypeError, KeyError: there is none, or it is damaged.
    """
    import numpy as np

    wanted = json.loads((store / MANIFEST).read_text(encoding="utf-8"))["files"]
    if dict(_hashes(store)) != wanted:
        raise ValueError("the store is damaged")
    ends, ids, places = (
        np.load(store / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        for name in ("ends", "ids", "places")
    )
    with (store / "passages.jsonl").open("rb") as file:
        # Nothing can be mapped of an empty file.
        lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if len(ends) > 1 else mmap.mmap(-1, 1)

    def place(name: str) -> int | None:
        at = int(np.searchsorted(ids, name.encode("ascii", "replace")))
        return int(places[at]) if at < len(ids) and ids[at] == name.encode("ascii", "replace") else None

    return Words(Passages(lines, ends), LexicalIndex.load(store), place)


def _write(store: Path, chunks: Sequence[Chunk], lexical: LexicalIndex) -> None:
    """Writes a store beside its place and renames it; whoever was faster may stay."""
    store.parent.mkdir(parents=True, exist_ok=True)
    beside = store.with_name(f"{store.name}.{os.getpid()}-{secrets.token_hex(4)}{NEW}")
    beside.mkdir()
    try:
        _write_passages(beside, chunks)
        lexical.save(beside)
        manifest = {"passages": len(chunks), "files": dict(_hashes(beside))}
        (beside / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        if store.exists():  # It is there, but could not be opened.
            _discard(store)
        with contextlib.suppress(FileExistsError):
            beside.rename(store)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    _tidy(store)


def _write_passages(folder: Path, chunks: Sequence[Chunk]) -> None:
    import numpy as np

    ends = np.zeros(len(chunks) + 1, dtype=np.int64)
    with (folder / "passages.jsonl").open("wb") as file:
        for number, chunk in enumerate(chunks):
            line = json.dumps([getattr(chunk, name) for name in _FIELDS]).encode("ascii") + b"\n"
            ends[number + 1] = ends[number] + file.write(line)
    ids = np.array([chunk.id for chunk in chunks], dtype=np.bytes_)
    places = np.argsort(ids, kind="stable").astype(np.int32)
    np.save(folder / "ends.npy", ends)
    np.save(folder / "ids.npy", ids[places])
    np.save(folder / "places.npy", places)


def _hashes(store: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(store.iterdir()):
        if path.name != MANIFEST:
            with path.open("rb") as file:
                yield path.name, hashlib.file_digest(file, "sha256").hexdigest()


def _discard(store: Path) -> None:
    """Moves a folder away at once and removes it then, so that nobody opens half of it."""
    gone = store.with_name(f"{store.name}.{os.getpid()}-{secrets.token_hex(4)}{NEW}")
    store.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _tidy(store: Path) -> None:
    """Removes stores beyond the newest ones, and what killed writers left an hour ago.

    Whoever reads a removed store goes on: its files are mapped.
    """
    with contextlib.suppress(OSError):
        now = store.stat().st_mtime
        found = sorted(
            (path for path in store.parent.glob(f"{PREFIX}*") if path != store),
            key=lambda path: -path.stat().st_mtime,
        )
        whole = [path for path in found if path.suffix != NEW]
        left = [path for path in found if path.suffix == NEW and now - path.stat().st_mtime > 3600]
        for path in [*whole[KEPT - 1 :], *left]:
            shutil.rmtree(path, ignore_errors=True)
