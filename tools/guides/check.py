"""`guides check`: the statements of the guides held against what the tools compute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from knowledge.corpus import MAX_FILE_BYTES, Guide, parse_guide
from knowledge.errors import NoAnswerError, UsageError
from knowledge.guide_set import all_guides
from knowledge.home import expanded, home
from tools.claims.check import tolerances
from tools.claims.store import contradicts, findings_of
from tools.commands.requests import Request

Document = dict[str, Any]


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class CheckQuery(Request):
    """Request of `guides check`."""

    names: Annotated[tuple[Annotated[str, Field(max_length=4096)], ...], BeforeValidator(_listed)] = Field(
        (),
        description="guides by file or title, or Markdown files that are not added; all where none is named",
    )
    own: bool = Field(False, description="only the guides that you added")
    shipped: bool = Field(False, description="only the guides that the advisor ships with")


def check_guides(query: CheckQuery) -> Document:
    """Every statement of the guides that a tool can check, with its verdict.

    Raises:
        UsageError: Both origins are asked for alone, or a file cannot be read.
        NoAnswerError: No guide has this name.
    """
    if query.own and query.shipped:
        raise UsageError(
            "`--own` and `--shipped` exclude each other.", hint="Give neither to check all guides."
        )
    known = all_guides(home())
    wanted = [guide for guide in known if _asked(guide, query)]
    guides = tuple(_named(name, known, wanted) for name in query.names) if query.names else tuple(wanted)
    kept = findings_of([guide for guide in guides if guide in known])
    kept |= findings_of_files([guide for guide in guides if guide not in known])
    rows = [_guide_document(guide, kept[guide.file]) for guide in dict.fromkeys(guides)]
    claims = [claim for guide in dict.fromkeys(guides) for claim in kept[guide.file]]
    return {
        "guides": rows,
        "checked": sum(row["checked"] for row in rows),
        "agreeing": sum(row["agreeing"] for row in rows),
        "disagreeing": sum(row["disagreeing"] for row in rows),
        "corrected": sum(row["corrected"] for row in rows),
        "unchecked": sum(row["unchecked"] for row in rows),
        "disagreements": [claim for claim in claims if contradicts(claim)],
        "claims": claims,
        "tolerances": {name: row for name, row in tolerances().items() if name != "note"},
    }


def findings_of_files(guides: list[Guide]) -> dict[str, list[Document]]:
    """Findings of files that are no guides yet: computed, not kept."""
    from tools.claims.store import check_guide

    return {guide.file: check_guide(guide) for guide in guides}


def _asked(guide: Guide, query: CheckQuery) -> bool:
    return not (query.own and guide.origin != "own") and not (query.shipped and guide.origin != "shipped")


def _named(name: str, known: tuple[Guide, ...], wanted: list[Guide]) -> Guide:
    """The guide of a name: its file with or without the ending, its title, or a file on disk."""
    plain = name.strip().lower()
    for guide in wanted:
        if plain in (guide.file.lower(), guide.file.lower().removesuffix(".md"), guide.title.lower()):
            return guide
    path = expanded(name)
    if path.is_file():
        return _read(path)
    near = _nearest(plain, known)
    hint = f"Nearest: {', '.join(near)}." if near else "`llm-advisor guides list` shows every guide."
    raise NoAnswerError(f"No guide is called {name.strip()[:80]!r}.", hint=hint, code="unknown_name")


def _nearest(name: str, known: tuple[Guide, ...]) -> list[str]:
    from rapidfuzz import fuzz, process

    found = process.extract(
        name[:100], [guide.file for guide in known], scorer=fuzz.WRatio, limit=3, score_cutoff=60
    )
    return [file for file, _, _ in found]


def _read(path: Path) -> Guide:
    """A Markdown file that is no guide yet, as one of the person's own.

    Raises:
        UsageError: It cannot be read, or is too large.
    """
    from dataclasses import replace

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(
                f"{path.name} is larger than {MAX_FILE_BYTES // 1_000_000} MB.", hint="Split the file."
            )
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise UsageError(
            f"{path.name} cannot be read ({error.strerror}).", hint="Check its permissions."
        ) from None
    return replace(parse_guide(path.name, text), origin="own")


def _guide_document(guide: Guide, claims: list[Document]) -> Document:
    disagreeing = sum(contradicts(claim) for claim in claims)
    unchecked = sum(claim["verdict"] == "cannot be checked" for claim in claims)
    corrected = sum(claim["corrected"] for claim in claims)
    return {
        "file": guide.file,
        "title": guide.title,
        "origin": guide.origin,
        "claims": len(claims),
        "checked": len(claims) - unchecked,
        "agreeing": len(claims) - unchecked - disagreeing - corrected,
        "disagreeing": disagreeing,
        "corrected": corrected,
        "unchecked": unchecked,
    }
