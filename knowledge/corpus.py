"""The guides as files: front matter, body, and one hash over all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Origin = Literal["shipped", "own"]

SHIPPED = Path(__file__).resolve().parent / "guides"
MAX_FILE_BYTES = 20_000_000
_FENCE = "---"


@dataclass(frozen=True, slots=True)
class Guide:
    """One guide file."""

    file: str
    """Path below the folder it came from, with forward slashes."""
    title: str
    scope: str
    as_of: str | None
    """ISO date of the facts in it; None where the guide does not say."""
    sources: tuple[str, ...]
    lines: tuple[str, ...]
    """All lines of the file without their ends, front matter included: indices are line numbers - 1."""
    body_start: int
    """Index of the first line after the front matter."""
    origin: Origin = "shipped"
    """`own` for a guide that the person added: its words are theirs, not the project's."""
    provenance: str | None = None
    """Where an own guide came from and when it was added, for a person."""


def load_guides(folders: Sequence[Path] = (SHIPPED,)) -> tuple[Guide, ...]:
    """Reads every `*.md` below the folders, sorted by name; the first folder wins where a name repeats.

    A file that cannot be read, or is larger than 20 MB, is left out: one bad file must not hide the others.
    """
    found: dict[str, Guide] = {}
    for folder in folders:
        for path in sorted(_markdown_files(folder)):
            name = path.relative_to(folder).as_posix()
            text = _read(path)
            if name not in found and text is not None:
                found[name] = parse_guide(name, text)
    return tuple(found[name] for name in sorted(found))


def corpus_hash(guides: Iterable[Guide]) -> str:
    """Content hash of the guides; a changed letter or name changes it, and where an own guide came from."""
    digest = hashlib.sha256()
    for guide in guides:
        # What is known of an own guide does not stand in its lines.
        known = (guide.title, guide.as_of or "", guide.provenance or "") if guide.origin == "own" else ()
        for part in (guide.file, "\n".join(guide.lines), *known):
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
    return digest.hexdigest()


def parse_guide(file: str, text: str) -> Guide:
    """Splits front matter (flat `key: value` pairs and `- item` lists) from the body."""
    # Only \n, \r\n and \r end a line, as in an editor: str.splitlines would also break at form feeds.
    lines = tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    if lines and lines[-1] == "":
        lines = lines[:-1]
    fields, start = _front_matter(lines)
    title = _joined(fields.get("title")) or _first_heading(lines[start:]) or Path(file).stem
    return Guide(
        file=file,
        title=title,
        scope=_joined(fields.get("scope")),
        as_of=_joined(fields.get("as_of")) or None,
        sources=tuple(fields.get("sources", ())),
        lines=lines,
        body_start=start,
    )


def _markdown_files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.rglob("*.md") if path.is_file()]
    except OSError:
        return []


def _read(path: Path) -> str | None:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return None
        return path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError:
        return None


def _front_matter(lines: Sequence[str]) -> tuple[dict[str, list[str]], int]:
    if not lines or lines[0].strip() != _FENCE:
        return {}, 0
    end = next((i for i, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
    if end is None:
        return {}, 0
    fields: dict[str, list[str]] = {}
    key = ""
    for line in lines[1:end]:
        item = line.strip()
        if item.startswith("- ") and key:
            fields[key].append(_unquoted(item[2:]))
        elif line[:1].isspace() and key and item:
            # A folded value goes on in the next line.
            fields[key] = [" ".join([*fields[key], _unquoted(item)])]
        elif ":" in item and not item.startswith("#"):
            key, _, value = item.partition(":")
            key = key.strip().lower()
            value = value.strip()
            if value.startswith("[") and value.endswith("]"):
                fields[key] = [_unquoted(part) for part in value[1:-1].split(",") if part.strip()]
            else:
                fields[key] = [_unquoted(value)] if value and value not in {">", "|", ">-", "|-"} else []
    return fields, end + 1


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _joined(values: Sequence[str] | None) -> str:
    return " ".join(values).strip() if values else ""


def _first_heading(lines: Sequence[str]) -> str:
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "")
