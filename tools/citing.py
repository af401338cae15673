"""Guides as evidence: the lines of a section that carry a claim."""

from __future__ import annotations

from typing import Any

from knowledge.references import find_section, supported
from tools.candidates import evidence_json
from tools.memory.types import Evidence


def guide(file: str, heading: str, claim: str) -> Evidence:
    """A claim's lines in a shipped guide as evidence; the file alone where the heading is gone.

    Args:
        file: file name of the guide.
        heading: the section's heading.
        claim: what the section is cited for; it decides which lines are.
    """
    locator, found = supported(file, heading, claim)
    section = find_section(file, heading)
    source = section.guide if section is not None else file
    return Evidence("guide", source, locator or file, found.quote if found is not None else "")


def citation(claim: str, file: str, heading: str) -> dict[str, Any]:
    """A claim of a document with the lines that carry it: an evidence object with the claim as `text`."""
    return {"text": claim, **evidence_json(guide(file, heading, claim))}
