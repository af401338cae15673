"""What people ask that a section of the shipped guides answers, in words that it does not use itself.

`asked.json` is read beside the passages by both halves of the search, and never shown (Nogueira and others,
"Document Expansion by Query Prediction", 2019; here the questions are written, not predicted).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from knowledge.corpus import Guide
from knowledge.markdown_blocks import plain

FILE = Path(__file__).resolve().parent / "asked.json"


def asked_of(guide: Guide, heading: str) -> str:
    """The questions for the section of a guide, as one text; empty where there are none.

    Args:
        guide: the guide; only shipped ones have questions.
        heading: the section's own heading, without Markdown's marks.
    """
    if guide.origin != "shipped":
        return ""
    return _asked().get((guide.file, heading), "")


@cache
def _asked() -> dict[tuple[str, str], str]:
    data = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        (file, plain(heading).strip()): ". ".join(questions)
        for file, sections in data.items()
        if not file.startswith("_")
        for heading, questions in sections.items()
    }
