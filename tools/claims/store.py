"""What the checks found, kept in the state folder, so that answers need not compute it again.

    claims/findings.json   every finding by guide, for `guides check`
    claims/passages.json   the disagreements by passage, for answers

Both carry the version of the facts that they rest on (catalog, price map, the checks themselves); a guide is
known by the hash of its words and a passage by its id, so that a changed one is simply not found.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import knowledge
import tools
from knowledge.catalog.overlay import overlay_path
from knowledge.chunking import Chunk, chunk_guide
from knowledge.claims.extract import guide_claims
from knowledge.corpus import Guide, corpus_hash
from knowledge.files import replace_text
from knowledge.home import home as default_home
from tools.claims.check import check_all
from tools.claims.documents import finding_json

Document = dict[str, Any]
FORMAT = 1
BUILD_SECONDS = 60.0
"""A build stops checking after so long: what is left is checked when it is shown."""
_SOURCES = (("catalog/data", "*.json"), ("claims", "*.py"))
_TOOL_SOURCES = (
    ("data", "*.json"),
    ("memory", "**/*.json"),
    ("memory", "*.py"),
    ("claims", "**/*.*"),
    (".", "speed*.py"),
)
_log = logging.getLogger("llm_advisor.claims")


def claims_folder(home: Path | None = None) -> Path:
    """Where the findings lie (not created)."""
    return (home or default_home()) / "claims"


@cache
def _bundled_facts() -> str:
    digest = hashlib.sha256(str(FORMAT).encode())
    for package, patterns in ((knowledge, _SOURCES), (tools, _TOOL_SOURCES)):
        folder = Path(str(package.__path__[0]))
        for under, pattern in patterns:
            for path in sorted((folder / under).glob(pattern)):
                if path.is_file() and "__pycache__" not in path.parts:
                    digest.update(path.name.encode())
                    digest.update(path.read_bytes())
    with contextlib.suppress(metadata.PackageNotFoundError):
        digest.update(metadata.version("litellm").encode())
    return digest.hexdigest()


def facts_version(home: Path | None = None) -> str:
    """Changes with the catalog, the price map, what a person added or refreshed, and the checks."""
    digest = hashlib.sha256(_bundled_facts().encode())
    own = (home or default_home()) / "models"
    for path in (*sorted(own.glob("*.json")), overlay_path(home)):
        with contextlib.suppress(OSError):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def check_guide(guide: Guide) -> list[Document]:
    """All findings of one guide as documents, in its order."""
    return [finding_json(finding) for finding in check_all(guide_claims(guide))]


def findings_of(guides: Iterable[Guide], home: Path | None = None) -> dict[str, list[Document]]:
    """The findings of each guide by its file, from the store where it has them; what is new is kept."""
    found = checked_guides(guides, home, None)
    return {guide.file: documents for guide, documents in found}


def build_claims(guides: Iterable[Guide], home: Path | None = None, seconds: float = BUILD_SECONDS) -> int:
    """Checks what is not checked yet, for at most so many seconds, and keeps it; how many guides are done."""
    return len(checked_guides(guides, home, seconds))


def forget_claims(guides: Iterable[Guide], home: Path | None = None) -> None:
    """Removes the findings of guides that are gone, which repeat their words."""
    folder, facts = claims_folder(home), facts_version(home)
    findings = dict(_read(folder / "findings.json", facts).get("guides", {}))
    passages = dict(_read(folder / "passages.json", facts).get("passages", {}))
    for guide in guides:
        findings.pop(f"{guide.origin}:{corpus_hash((guide,))}", None)
        for chunk in chunk_guide(guide):
            passages.pop(chunk.id, None)
    try:
        for name, key, rows in (
            ("findings.json", "guides", findings),
            ("passages.json", "passages", passages),
        ):
            if (folder / name).exists():
                _write(folder / name, {"facts": facts, key: rows})
    except OSError as error:
        _log.warning("the findings of removed guides were not removed: %s", error)


def checked_guides(
    guides: Iterable[Guide], home: Path | None = None, seconds: float | None = BUILD_SECONDS
) -> list[tuple[Guide, list[Document]]]:
    """The guides with their findings; what is new is checked, for at most so many seconds, and kept."""
    facts = facts_version(home)
    folder = claims_folder(home)
    known = _read(folder / "findings.json", facts).get("guides", {})
    begun, done, new = time.monotonic(), [], False
    for guide in guides:
        key = corpus_hash((guide,))
        documents = known.get(f"{guide.origin}:{key}")
        if documents is None:
            if seconds is not None and time.monotonic() - begun > seconds:
                continue
            documents, new = check_guide(guide), True
        done.append((guide, documents))
    if new:
        _keep(folder, facts, done, known)
    return done


def _keep(
    folder: Path, facts: str, done: list[tuple[Guide, list[Document]]], known: Mapping[str, list[Document]]
) -> None:
    """Writes both files; a state folder that cannot be written loses speed, nothing else."""
    findings = {
        **known,
        **{f"{guide.origin}:{corpus_hash((guide,))}": documents for guide, documents in done},
    }
    passages = dict(_read(folder / "passages.json", facts).get("passages", {}))
    for guide, documents in done:
        passages.update(_by_passage(guide, documents))
    try:
        _write(folder / "findings.json", {"facts": facts, "guides": findings})
        _write(folder / "passages.json", {"facts": facts, "passages": passages})
    except OSError as error:
        _log.warning("the findings of the guides were not kept: %s", error)


def _by_passage(guide: Guide, documents: list[Document]) -> dict[str, list[Document]]:
    wrong = [one for one in documents if contradicts(one)]
    return {chunk.id: [one for one in wrong if _inside(one, chunk)] for chunk in chunk_guide(guide)}


def _inside(document: Document, chunk: Chunk) -> bool:
    line = int(document["line"])
    return document["heading"] == list(chunk.heading) and chunk.first_line <= line <= chunk.last_line


def contradicts(document: Document) -> bool:
    """Whether a finding must be told beside its passage."""
    return bool(document["verdict"] == "disagrees" and not document["corrected"])


def kept_disagreements(passage_id: str, home: Path | None = None) -> list[Document] | None:
    """The disagreements of a passage; None where it was not checked with the present facts."""
    path = claims_folder(home) / "passages.json"
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return None
    found = _passages(path, stamp, facts_version(home)).get(passage_id)
    return found if isinstance(found, list) else None


@cache
def _passages(path: Path, stamp: int, facts: str) -> Mapping[str, list[Document]]:
    found = _read(path, facts).get("passages", {})
    return found if isinstance(found, dict) else {}


def _read(path: Path, facts: str) -> Document:
    """A kept file; empty where it is missing, damaged or of other facts."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) and document.get("facts") == facts else {}


def _write(path: Path, document: Document) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(document, ensure_ascii=False, separators=(",", ":")))
