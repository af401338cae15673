"""The guides that the advisor answers from: those that it ships with, and those that a person added."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from knowledge.corpus import SHIPPED, Guide, load_guides, parse_guide
from knowledge.own.store import own_guide, own_guides


def all_guides(home: Path) -> tuple[Guide, ...]:
    """Every guide, the shipped ones first.

    Args:
        home: the state folder, which holds the person's own guides.
    """
    return (*load_guides((SHIPPED,)), *own_guides(home))


def guide_named(home: Path, file: str) -> Guide | None:
    """One guide by its file name, as `Guide.file` has it; None where there is none.

    Its text alone is read. A name that is no guide's leads nowhere, whatever path it spells.
    """
    return shipped_guide(file) or own_guide(home, file)


@cache
def shipped_guide(file: str) -> Guide | None:
    """A shipped guide by its file name."""
    if file not in shipped_files():
        return None
    return parse_guide(file, (SHIPPED / file).read_text(encoding="utf-8"))


@cache
def shipped_files() -> tuple[str, ...]:
    """The file names of the shipped guides, in order."""
    return tuple(sorted(path.name for path in SHIPPED.glob("*.md")))
