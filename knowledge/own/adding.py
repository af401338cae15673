"""Adds files to the store: what is new or changed is read, stored in small steps, and told."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from knowledge.corpus import SHIPPED, load_guides
from knowledge.own.child import ChildReader
from knowledge.own.document import Document, RefusedError
from knowledge.own.duplicates import Likenesses, signature
from knowledge.own.files import find_files, read_bytes
from knowledge.own.reading import READER, PageProgress
from knowledge.own.store import Entry, OwnGuide, change_store, read_store, read_text, shown_path, text_digest

COMMIT_SECONDS = 2.0
"""How much work a `kill -9` may cost at most; Ctrl+C costs none."""
COMMIT_FILES = 200


class Reader(Protocol):
    """Something that reads documents."""

    def read(self, name: str, data: bytes, progress: PageProgress | None = None) -> Document:
        """Raises RefusedError where it cannot be read."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Step:
    """How far the reading is."""

    done: int
    total: int
    """Files."""
    file: str = ""
    page: int = 0
    pages: int = 0
    """Of the file that is being read, where it has pages."""


Watch = Callable[[Step], None]


@dataclass(slots=True)
class Report:
    """What became of every file."""

    added: list[OwnGuide] = field(default_factory=list)
    replaced: list[OwnGuide] = field(default_factory=list)
    moved: list[OwnGuide] = field(default_factory=list)
    """The same content under another path than before."""
    unchanged: int = 0
    refused: list[tuple[Path, RefusedError]] = field(default_factory=list)
    vanished: list[OwnGuide] = field(default_factory=list)
    """Guides whose files are no longer in the folders; they stay."""
    hidden: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    files: int = 0

    @property
    def changed(self) -> int:
        """Guides that the store holds now and did not hold so before."""
        return len(self.added) + len(self.replaced) + len(self.moved)


class InterruptedAddError(KeyboardInterrupt):
    """Ctrl+C while files were read; what was read is stored."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


def add_files(
    paths: Sequence[str], home: Path, watch: Watch | None = None, reader: Reader | None = None
) -> Report:
    """Adds files and folders to the person's guides.

    Args:
        paths: files and folders.
        home: the state folder.
        watch: called before each file, and for each page of one that has pages.
        reader: None for the one in a child process.

    Raises:
        UsageError: a path leads nowhere, or to too many files.
        StoreFolderError: the store cannot be written.
        StoreDamagedError: its list cannot be read.
        ReaderError: the reading process cannot be started.
        InterruptedAddError: Ctrl+C.
    """
    found = find_files(paths, home)
    report = Report(refused=list(found.refused), hidden=found.hidden, unknown=dict(found.unknown))
    report.files = len(found.files) + len(found.refused)
    work = _Adding(home, report, reader or ChildReader(), watch)
    try:
        for number, path in enumerate(found.files):
            work.add(path, Step(number, len(found.files), path.name))
        if watch is not None and found.files:
            watch(Step(len(found.files), len(found.files)))
    except KeyboardInterrupt:
        work.commit()
        raise InterruptedAddError(report) from None
    finally:
        work.close()
    here = tuple(found.folders)
    report.vanished = [
        guide
        for guide in read_store(home)
        if any(Path(guide.source).is_relative_to(folder) for folder in here) and not _exists(guide.source)
    ]
    return report


class _Adding:
    """One call of `add_files`."""

    def __init__(self, home: Path, report: Report, reader: Reader, watch: Watch | None) -> None:
        self._home = home
        self._report = report
        self._reader = reader
        self._watch = watch
        held = read_store(home)
        self._by_source = {guide.source: guide for guide in held}
        self._by_content = {guide.sha256: guide for guide in held}
        self._shipped = {
            hashlib.sha256(path.read_bytes()).hexdigest(): path.name for path in sorted(SHIPPED.glob("*.md"))
        }
        self._alike: Likenesses | None = None
        self._waiting: list[tuple[Entry, list[OwnGuide]]] = []
        self._committed = time.monotonic()

    def add(self, path: Path, step: Step) -> None:
        """Reads a file, if it is new or has changed, and stores it soon."""
        if self._watch is not None:
            self._watch(step)
        try:
            self._take(path, step)
        except RefusedError as refused:
            self._report.refused.append((path, refused))
        if self._waiting and (
            time.monotonic() - self._committed > COMMIT_SECONDS or len(self._waiting) >= COMMIT_FILES
        ):
            self.commit()

    def commit(self) -> None:
        """Stores what was read."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            stored = change_store(self._home, [entry for entry, _ in waiting])
            for guide, (_, told) in zip(stored, waiting, strict=True):
                told.append(guide)
        self._committed = time.monotonic()

    def close(self) -> None:
        """Stores the rest and ends the reading process."""
        try:
            self.commit()
        finally:
            self._reader.close()

    def _take(self, path: Path, step: Step) -> None:
        data = read_bytes(path)
        digest = hashlib.sha256(data).hexdigest()
        before = self._by_source.get(str(path))
        if before is not None and before.sha256 == digest and self._is_current(before):
            self._report.unchanged += 1
            return
        twin = self._by_content.get(digest)
        if twin is not None and twin.source != str(path):
            if _exists(twin.source) or not twin.name:
                raise RefusedError(
                    "duplicate", f"is the same as {shown_path(twin.source)}, which is added already"
                )
            self._move(twin, path)
            return
        if digest in self._shipped:
            raise RefusedError("duplicate", f"is the shipped guide {self._shipped[digest]}, word for word")
        document = self._reader.read(path.name, data, self._pages(step))
        self._put(path, data, digest, document, before)

    def _put(self, path: Path, data: bytes, digest: str, document: Document, before: OwnGuide | None) -> None:
        guide = OwnGuide(
            name=before.name if before is not None else "",
            source=str(path),
            sha256=digest,
            size=len(data),
            added=datetime.now(UTC).date().isoformat(),
            kind=document.kind,
            title=document.title,
            as_of=document.as_of,
            body_start=document.body_start,
            pages=document.pages,
            characters=len(document.text),
            passages=document.passages,
            notices=document.notices,
            near=self._nearest(path, document.signature),
            signature=document.signature,
            reader=READER,
            text_sha256=text_digest(document.text),
        )
        self._remember(guide, before)
        told = self._report.added if before is None else self._report.replaced
        self._waiting.append((Entry(guide, document.text), told))

    def _move(self, twin: OwnGuide, path: Path) -> None:
        """The file has another path now: its guide stays what it is, and says where it lies."""
        text = read_text(self._home, twin)
        if text is None:
            raise RefusedError(
                "unreadable", "was added before, but its text is gone; remove it and add it again"
            )
        self.commit()
        # Under one lock: the guide is there at any time, under the one path or the other.
        entry = Entry(twin.model_copy(update={"source": str(path)}), text)
        (guide,) = change_store(self._home, [entry], drop=[twin.name])
        self._remember(guide, twin)
        self._report.moved.append(guide)

    def _remember(self, guide: OwnGuide, before: OwnGuide | None) -> None:
        if before is not None:
            self._by_source.pop(before.source, None)
            self._by_content.pop(before.sha256, None)
        self._by_source[guide.source] = guide
        self._by_content[guide.sha256] = guide

    def _is_current(self, guide: OwnGuide) -> bool:
        return guide.reader == READER and (guide.name == "" or read_text(self._home, guide) is not None)

    def _nearest(self, path: Path, made: str) -> str | None:
        """What a document nearly repeats: a shipped guide's name, or the path of a file added before."""
        if self._alike is None:
            shipped = ((guide.file, signature("\n".join(guide.lines))) for guide in load_guides((SHIPPED,)))
            own = ((guide.source, guide.signature) for guide in self._by_source.values())
            self._alike = Likenesses([*shipped, *own])
        found = self._alike.nearest(made, but=str(path))
        self._alike.add(str(path), made)
        return found[0] if found is not None else None

    def _pages(self, step: Step) -> PageProgress | None:
        watch = self._watch
        if watch is None:
            return None
        return lambda page, pages: watch(Step(step.done, step.total, step.file, page, pages))


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False
