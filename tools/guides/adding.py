"""`guides add`: a person's own documents among the guides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from knowledge.errors import AdvisorError, UsageError
from knowledge.guide_set import all_guides
from knowledge.home import home
from knowledge.index import IndexUnusableError, current_generation, read_manifest
from knowledge.own.adding import InterruptedAddError, Report, Watch, add_files
from knowledge.own.store import OwnGuide, shown_path
from knowledge.progress_line import ProgressLine
from knowledge.retrieval import INDEX, open_retriever
from knowledge.search_models import models_of
from knowledge.settings import load_settings
from knowledge.words import passages_key
from tools.claims.store import checked_guides, contradicts
from tools.commands.requests import Request

Document = dict[str, Any]
Index = Callable[[bool], int]
"""Brings the index up to date, offline or not; gives the passages in it, or raises AdvisorError."""
MAX_PATHS = 1_000
MAX_PATH = 4_096


class AddQuery(Request):
    """Request of `guides add`."""

    paths: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=MAX_PATH)], ...], Field(max_length=MAX_PATHS)
    ] = Field((), description="files or folders: Markdown, text, HTML, PDF")
    no_index: bool = Field(
        False, description="leave the index as it is; the next search brings it up to date"
    )


def add_guides(
    query: AddQuery, watch: Watch | None = None, index: Index | None = None, *, offline: bool = False
) -> Document:
    """Adds files and folders to the guides, and brings the index up to date.

    Args:
        query: the request.
        watch: told before each file and page.
        index: what brings the index up to date; None for the search's own way.
        offline: forbids a Chroma server and an embedder behind an API; the latter never gets guides from here
            anyway, but from `guides index`, which asks.

    Raises:
        UsageError: no path, or one that leads nowhere.
        AdvisorError: the store cannot be read or written.
        InterruptedAddError: Ctrl+C; what was read is stored, and the next call or search builds the index.
    """
    if not query.paths:
        raise UsageError("Name a file or folder to add.", hint="For example: llm-advisor guides add ~/notes")
    report = add_files(query.paths, home(), watch)
    document = _document(report)
    document["index"] = _indexed(query, report, index or _build, offline)
    document["disagreements"] = _contradicted(report)
    if not report.changed and not report.unchanged:
        document["error"] = _nothing(report)
    return document


def guide_document(guide: OwnGuide) -> Document:
    """One own guide as the commands print it."""
    return {
        "file": guide.file,
        "title": guide.title,
        "kind": guide.kind,
        "as_of": guide.as_of,
        "source": guide.source,
        "provenance": guide.provenance,
        "sha256": guide.sha256,
        "added": guide.added,
        "pages": guide.pages,
        "characters": guide.characters,
        "passages": guide.passages,
        "notices": notices_of(guide),
    }


def notices_of(guide: OwnGuide) -> list[str]:
    """What is to be said of an own guide."""
    near = [f"nearly the same as {_near(guide.near)}"] if guide.near is not None else []
    return [*guide.notices, *near]


def _near(name: str) -> str:
    return shown_path(name) if Path(name).is_absolute() else f"the shipped guide {name}"


def _document(report: Report) -> Document:
    return {
        "files": report.files,
        "added": [guide_document(guide) for guide in report.added],
        "replaced": [guide_document(guide) for guide in report.replaced],
        "moved": [guide_document(guide) for guide in report.moved],
        "unchanged": report.unchanged,
        "refused": [
            {"path": str(path), "code": refused.code, "reason": refused.message}
            for path, refused in report.refused
        ],
        "passed_over": {"hidden": report.hidden, "unknown_kinds": dict(sorted(report.unknown.items()))},
        "vanished": [{"file": guide.file, "source": guide.source} for guide in report.vanished],
    }


def _indexed(query: AddQuery, report: Report, index: Index, offline: bool) -> Document:
    if query.no_index:
        return {"updated": False, "reason": "--no-index was given; the next search brings it up to date"}
    if not report.changed and _is_indexed():
        return {"updated": False, "reason": "nothing has changed"}
    try:
        return {"updated": True, "passages": index(offline)}
    except KeyboardInterrupt:
        raise InterruptedAddError(report) from None
    except AdvisorError as error:
        # The guides are there; until the index is, they are found by their words.
        return {"updated": False, "reason": error.message}


def _contradicted(report: Report) -> dict[str, int]:
    """How many statements of each new guide the tools contradict; one that is not checked yet is left out."""
    new = {guide.file for guide in (*report.added, *report.replaced)}
    if not new:
        return {}
    guides = checked_guides([guide for guide in all_guides(home()) if guide.file in new], home())
    counts = {guide.file: sum(map(contradicts, documents)) for guide, documents in guides}
    return {file: count for file, count in counts.items() if count}


def _is_indexed() -> bool:
    """Whether the index is of the guides as they are: a call that was interrupted may have left it behind."""
    generation = current_generation(home() / INDEX / models_of(load_settings()).folder)
    try:
        return generation is not None and read_manifest(generation).corpus == passages_key(all_guides(home()))
    except IndexUnusableError:
        return False


def _build(offline: bool) -> int:
    retriever = open_retriever(home(), progress=ProgressLine(), offline=offline)
    try:
        if retriever.trouble is not None:
            raise AdvisorError(retriever.trouble)
        return len(retriever.chunks)
    finally:
        retriever.close()


def _nothing(report: Report) -> dict[str, str]:
    if len(report.refused) == 1 and report.files <= 1:
        path, refused = report.refused[0]
        return {"code": refused.code, "message": f"{shown_path(path)} {refused.message}.", "hint": ""}
    if report.refused:
        count = f"{len(report.refused):,}"
        return {"code": "nothing_added", "message": f"None of {count} files was added.", "hint": ""}
    return {
        "code": "nothing_added",
        "message": "There is no file to add.",
        "hint": "Markdown, text, HTML and PDF files are read: .md, .txt, .html, .pdf.",
    }
