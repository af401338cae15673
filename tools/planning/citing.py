"""What a plan rests on: sections of our guides by heading, as evidence and as citations of a document."""

from __future__ import annotations

from typing import Any

from knowledge.references import find_section
from tools.candidates import evidence_json
from tools.memory.types import Evidence


def guide(file: str, heading: str) -> Evidence:
    """A section of a shipped guide as evidence, with its place; the file alone where the heading is gone."""
    section = find_section(file, heading)
    return Evidence("guide", section.guide if section else file, section.locator if section else file)


def citation(text: str, file: str, heading: str) -> dict[str, Any]:
    """A claim of the plan and the section that it comes from.

    Args:
        text: what the section is cited for, in a few words.
        file: file name of the guide.
        heading: the section's heading.
    """
    return {"text": text, **evidence_json(guide(file, heading))}
