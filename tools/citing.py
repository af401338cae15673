"""Guides as evidence: the lines of a section that carry a claim.

The lines of the claims that the program itself makes are found once, by `scripts/cite_guides.py`, and kept in
`tools/data/citations.json`: a recommendation then reads no guide. The tests find them anew and compare.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from tools.candidates import evidence_json
from tools.memory.types import Evidence


def guide(file: str, heading: str, claim: str) -> Evidence:
    """A claim's lines in a shipped guide as evidence; the file alone where the heading is gone.

    Args:
        file: file name of the guide.
        heading: the section's heading.
        claim: what the section is cited for; it decides which lines are.
    """
    known = kept_citations().get((file, heading, claim))
    return known if known is not None else find_guide(file, heading, claim)


def citation(claim: str, file: str, heading: str) -> dict[str, Any]:
    """A claim of a document with the lines that carry it: an evidence object with the claim as `text`."""
    return {"text": claim, **evidence_json(guide(file, heading, claim))}


def plan_guides(plan: str) -> tuple[Evidence, ...]:
    """What a plan (`finetune`, `migration`, `tokens`) says from the guides, in the order of its claims."""
    return tuple(guide(row["file"], row["heading"], row["claim"]) for row in _plan_claims()[plan])


def plan_citations(plan: str) -> list[dict[str, Any]]:
    """The same as citations of the plan's document."""
    return [citation(row["claim"], row["file"], row["heading"]) for row in _plan_claims()[plan]]


@cache
def _plan_claims() -> dict[str, list[dict[str, str]]]:
    data: dict[str, list[dict[str, str]]] = json.loads(
        resources.files("tools").joinpath("data/plan_claims.json").read_bytes()
    )
    return data


def find_guide(file: str, heading: str, claim: str) -> Evidence:
    """The same from the guide itself; without a quote where the section does not support the claim."""
    from knowledge.references import find_section, supported

    locator, found = supported(file, heading, claim)
    section = find_section(file, heading)
    source = section.guide if section is not None else file
    return Evidence("guide", source, locator or file, found.quote if found is not None else "")


@cache
def kept_citations() -> dict[tuple[str, str, str], Evidence]:
    """The citations of `tools/data/citations.json`, by file, heading and claim."""
    rows = json.loads(resources.files("tools").joinpath("data/citations.json").read_bytes())["citations"]
    return {
        (row["file"], row["heading"], row["claim"]): Evidence(
            "guide", row["guide"], f"{row['file']}#{row['heading']}:{row['lines']}", row["quote"]
        )
        for row in rows
    }
