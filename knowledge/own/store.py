"""The store of a person's own guides, in the state folder:

    guides/
      manifest.json            what each guide is and where it came from; replaced atomically
      lock                     held by whoever changes the store
      NAME.<digest>.md         the text of a guide, never changed once it is there

A text is written before the manifest names it and removed after it no longer does: whoever reads finds every
text that the manifest names, and what a killed process leaves behind goes with the next change.
"""

from __future__ import annotations

import hashlib
import logging
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from knowledge.corpus import Guide
from knowledge.errors import AdvisorError, ServiceError
from knowledge.files import replace_text
from knowledge.locking import locked
from knowledge.own.document import Kind

FOLDER = "guides"
MANIFEST = "manifest.json"
PREFIX = "own/"
LOCK_SECONDS = 60.0
_TEXT_FILE = re.compile(r".+\.[0-9a-f]{12}\.md")
_UNFIT = re.compile(r"[^\w.-]+")
_MAX_NAME_BYTES = 80
_log = logging.getLogger("llm_advisor.guides")


class StoreDamagedError(AdvisorError):
    """The manifest cannot be read."""

    code = "guides_damaged"


class StoreFolderError(ServiceError):
    """The store cannot be written."""

    code = "state_folder"


class OwnGuide(BaseModel):
    """One guide of the person, as the manifest has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Unique; its guide's file is `own/NAME.md`."""
    source: str
    """Absolute path of the file that was added."""
    sha256: str
    """Of that file's content."""
    size: int
    """Of that file, in bytes."""
    added: str
    """ISO date."""
    kind: Kind
    title: str
    as_of: str | None
    body_start: int
    pages: int | None
    characters: int
    passages: int
    notices: tuple[str, ...]
    near: str | None
    """File of the guide that it nearly repeats."""
    signature: str
    reader: int
    """Which reader read it, see `reading.READER`."""
    text_sha256: str

    @property
    def file(self) -> str:
        """Its path in citations."""
        return f"{PREFIX}{self.name}.md"

    @property
    def text_file(self) -> str:
        """Its text's name in the store."""
        return f"{self.name}.{self.text_sha256[:12]}.md"

    @property
    def provenance(self) -> str:
        """Where it came from and when it was added, for a person."""
        return f"{shown_path(self.source)}, added {self.added}"


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    guides: tuple[OwnGuide, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A guide to be stored; its name is found when it is."""

    guide: OwnGuide
    text: str


def shown_path(path: str | Path) -> str:
    """A path with the person's folder as `~`."""
    try:
        return f"~/{PurePath(path).relative_to(Path.home()).as_posix()}"
    except (ValueError, RuntimeError):
        return str(path)


def text_digest(text: str) -> str:
    """SHA-256 of a guide's text, in hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_store(home: Path) -> tuple[OwnGuide, ...]:
    """The guides of the store, sorted by name; none where there is no store.

    Raises:
        StoreDamagedError: the manifest cannot be read.
    """
    place = home / FOLDER / MANIFEST
    try:
        data = place.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreDamagedError(f"The list of your own guides cannot be read: {error.strerror}.") from error
    try:
        return _Manifest.model_validate_json(data).guides
    except ValidationError:
        raise StoreDamagedError(
            f"The list of your own guides is damaged ({shown_path(place)}).",
            hint="Move that file away and add your guides again; the files that you added are untouched.",
        ) from None


def own_guides(home: Path) -> tuple[Guide, ...]:
    """The person's guides with their text; a damaged store or text is left out, and the log says so."""
    for _ in range(2):
        try:
            held = read_store(home)
        except StoreDamagedError as error:
            _log.warning("%s", error.message)
            return ()
        texts = {guide.name: read_text(home, guide) for guide in held}
        if None not in texts.values():
            break  # else somebody changed the store between the two reads: once more
    for name in (name for name, text in texts.items() if text is None):
        _log.warning("The text of %s%s.md is missing or changed; add its file again.", PREFIX, name)
    return tuple(_guide(guide, text) for guide in held if (text := texts[guide.name]) is not None)


def own_guide(home: Path, file: str) -> Guide | None:
    """One of the person's guides by its file name, as `Guide.file` has it; None where there is none."""
    try:
        held = read_store(home) if file.startswith(PREFIX) else ()
    except StoreDamagedError as error:
        _log.warning("%s", error.message)
        return None
    guide = next((guide for guide in held if guide.file == file), None)
    text = None if guide is None else read_text(home, guide)
    return None if guide is None or text is None else _guide(guide, text)


def change_store(home: Path, put: Sequence[Entry] = (), drop: Collection[str] = ()) -> list[OwnGuide]:
    """Stores guides and forgets others, all or nothing; gives the stored ones with their names.

    A guide whose source is in the store already takes its place and name.

    Args:
        home: the state folder.
        put: guides to store; what stands in their `name` is not used.
        drop: names of guides to forget.

    Raises:
        StoreFolderError: the folder cannot be written, or somebody else holds it for a minute.
        StoreDamagedError: the manifest cannot be read.
    """
    folder = home / FOLDER
    try:
        with locked(folder, LOCK_SECONDS, "another process is changing them"):
            held = {guide.name: guide for guide in read_store(home) if guide.name not in drop}
            stored = [_named(entry.guide, held) for entry in put]
            for guide, entry in zip(stored, put, strict=True):
                replace_text(folder / guide.text_file, entry.text)
            after = _Manifest(guides=tuple(held[name] for name in sorted(held)))
            replace_text(folder / MANIFEST, after.model_dump_json(indent=1))
            _sweep(folder, {guide.text_file for guide in held.values()})
            return stored
    except OSError as error:
        raise StoreFolderError(
            f"Your own guides cannot be stored: {error.strerror or error}.",
            hint="Free some space, or set LLM_ADVISOR_HOME to a folder that can be written.",
        ) from error


def read_text(home: Path, guide: OwnGuide) -> str | None:
    """The stored text of a guide; None where it is gone or changed."""
    try:
        data = (home / FOLDER / guide.text_file).read_bytes()
    except (OSError, ValueError):
        return None
    sound = hashlib.sha256(data).hexdigest() == guide.text_sha256
    return data.decode("utf-8", "surrogatepass") if sound else None


def _guide(guide: OwnGuide, text: str) -> Guide:
    return Guide(
        file=guide.file,
        title=guide.title,
        scope="",
        as_of=guide.as_of,
        sources=(),
        lines=tuple(text.removesuffix("\n").split("\n")),
        body_start=guide.body_start,
        origin="own",
        provenance=guide.provenance,
    )


def _named(guide: OwnGuide, held: dict[str, OwnGuide]) -> OwnGuide:
    """The guide under the name of its source, or a new one; takes its place among the held ones."""
    before = next((name for name, other in held.items() if other.source == guide.source), None)
    name = before or _free_name(PurePath(guide.source).stem, held)
    named = guide.model_copy(update={"name": name})
    held[name] = named
    return named


def _free_name(stem: str, taken: Iterable[str]) -> str:
    text = unicodedata.normalize("NFC", stem.encode("utf-8", "ignore").decode("utf-8"))
    base = (
        _UNFIT.sub("-", text).strip("-.").encode("utf-8")[:_MAX_NAME_BYTES].decode("utf-8", "ignore")
        or "guide"
    )
    # Some file systems take `A` and `a` for one.
    known = {name.casefold() for name in taken}
    name, number = base, 1
    while name.casefold() in known:
        number += 1
        name = f"{base}-{number}"
    return name


def _sweep(folder: Path, named: Collection[str]) -> None:
    """Removes texts that the manifest no longer names, and what a killed process left; nothing else."""
    for path in folder.iterdir():
        ours = _TEXT_FILE.fullmatch(path.name) or path.name.endswith(".new")
        if ours and path.name not in named:
            path.unlink(missing_ok=True)
