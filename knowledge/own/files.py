"""Which files a call adds: those named, and those of a kind that can be read in the folders named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from knowledge.errors import UsageError
from knowledge.home import expanded
from knowledge.own.document import RefusedError
from knowledge.own.limits import MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, megabytes
from knowledge.own.reading import KNOWN


@dataclass(slots=True)
class Found:
    """What the paths of a call lead to."""

    files: list[Path] = field(default_factory=list)
    """In order, each once."""
    folders: list[Path] = field(default_factory=list)
    refused: list[tuple[Path, RefusedError]] = field(default_factory=list)
    hidden: int = 0
    """Hidden files and folders that were passed over."""
    unknown: dict[str, int] = field(default_factory=dict)
    """Files of kinds that are not read, by the end of their names."""


def find_files(paths: Sequence[str], state: Path) -> Found:
    """The files that the paths lead to.

    Args:
        paths: files and folders as a person names them.
        state: the advisor's own folder, which is never read from.

    Raises:
        UsageError: a path leads nowhere, or there are more files than one call takes.
    """
    found = Found()
    seen: set[Path] = set()
    for text in paths:
        path = _existing(text)
        if path.is_dir():
            found.folders.append(path)
            names: Iterator[Path] = _walk(path, path, state.resolve(), found, 0)
        else:
            names = iter((path,))
        for name in names:
            if name not in seen:
                seen.add(name)
                found.files.append(name)
            if len(found.files) > MAX_FILES:
                raise UsageError(
                    f"There are more than {MAX_FILES:,} files to add, the limit for one call.",
                    hint="Add them folder by folder.",
                )
    return found


def _existing(text: str) -> Path:
    try:
        return expanded(text).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        raise UsageError(
            f"There is no file or folder `{text[:200]}`.",
            hint="Give the path of a Markdown, text, HTML or PDF file, or of a folder with such files.",
            code="no_such_file",
        ) from None


def _walk(folder: Path, root: Path, state: Path, found: Found, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        found.refused.append((folder, _unreadable(error)))
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            found.hidden += 1
        elif entry.is_symlink():
            yield from _linked(path, root, found)
        elif entry.is_dir(follow_symlinks=False):
            if path == state:
                continue
            if depth >= MAX_DEPTH:
                reason = f"lies deeper than {MAX_DEPTH} folders below the one named; add it by itself"
                found.refused.append((path, RefusedError("too_deep", reason)))
                continue
            yield from _walk(path, root, state, found, depth + 1)
        elif entry.name.lower().endswith(KNOWN):
            yield path
        else:
            kind = path.suffix.lower()[:12] or "no ending"
            found.unknown[kind] = found.unknown.get(kind, 0) + 1


def _linked(path: Path, root: Path, found: Found) -> Iterator[Path]:
    """A link inside the folder is the file itself, which is met anyway; one leads out is not followed."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        found.refused.append((path, RefusedError("link", "is a link that leads nowhere")))
        return
    if not target.is_relative_to(root):
        reason = "is a link that leads out of the folder, and was not followed"
        found.refused.append((path, RefusedError("link", reason)))
    elif target.is_file() and target.name.lower().endswith(KNOWN) and not target.name.startswith("."):
        yield target


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        RefusedError: it is too large, no regular file, or cannot be read, or its name is no text.
    """
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        raise RefusedError("name", "has a name that is not valid UTF-8; rename it") from None
    try:
        # A pipe or device must not be waited for.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise RefusedError("no_file", "is no regular file")
            if status.st_size <= MAX_FILE_BYTES:
                data = file.read(MAX_FILE_BYTES + 1)
                if len(data) <= MAX_FILE_BYTES:
                    return data
            size = max(status.st_size, MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _unreadable(error) from error
    raise RefusedError(
        "too_large", f"is {megabytes(size)}; the limit for one file is {megabytes(MAX_FILE_BYTES)}: split it"
    )


def _unreadable(error: OSError) -> RefusedError:
    return RefusedError("unreadable", f"cannot be read: {error.strerror or 'unknown reason'}")
