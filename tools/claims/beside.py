"""What contradicts a passage that is shown: from the store, or computed for this passage alone."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from knowledge.catalog.store import follows_models
from knowledge.chunking import passage_id
from knowledge.claims.extract import passage_claims
from knowledge.corpus import Guide, Origin
from knowledge.references import Section
from knowledge.retrieval import Passage
from tools.claims.check import check_all
from tools.claims.documents import finding_json
from tools.claims.store import contradicts, kept_disagreements

Document = dict[str, Any]
_log = logging.getLogger("llm_advisor.claims")


def disagreements(passage: Passage) -> list[Document]:
    """The statements of a passage that the tools contradict, each with what holds and how far it is off.

    Statements that the passage itself tells as wrong are none.
    """
    try:
        kept = kept_disagreements(passage_id(passage.file, passage.heading, passage.text))
        if kept is not None:
            return kept
        return list(
            _computed(
                passage.file, passage.guide, passage.origin, passage.heading, passage.lines, passage.text
            )
        )
    except Exception:
        # A passage is an answer without its check; the log has what went wrong.
        _log.exception("a passage of %s was not checked", passage.file)
        return []


def section_disagreements(section: Section) -> list[Document]:
    """The same for a section that a citation points at."""
    lines = (section.first, section.last)
    heading = section.path or (section.guide, section.heading)
    return disagreements(
        Passage(section.text, section.guide, heading, section.file, lines, 1.0, origin=section.origin)
    )


@follows_models
@lru_cache(maxsize=512)
def _computed(
    file: str, title: str, origin: Origin, heading: tuple[str, ...], lines: tuple[int, int], text: str
) -> tuple[Document, ...]:
    rows = tuple(text.split("\n"))
    guide = Guide(file, title, "", None, (), rows, 0, origin)
    claims = passage_claims(guide, heading, lines)
    return tuple(document for finding in check_all(claims) if contradicts(document := finding_json(finding)))
