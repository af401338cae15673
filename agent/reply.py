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
GOOD = 0.5
"""Share from which a shipped passage is shown beside an own one that was found before it."""


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


def from_guides(question: str, retriever: Retriever, *, own_only: bool = False) -> Reply:
    """The passages that answer a question, or that the guides do not cover it.

    Args:
        question: what is asked.
        retriever: the guides.
        own_only: answer only where the person's own guides hold the best passage.
    """
    try:
        result = retriever.search(question, k=3)
    except AdvisorError:
        return Reply(UNCOVERED, found=False)
    if not result.covered or not result.passages:
        return Reply(UNCOVERED, found=False)
    if own_only and result.passages[0].origin != "own":
        return Reply(UNCOVERED, found=False)
    first, *rest = result.passages
    text = f"From {named_guide(first)} [1]:\n\n{_excerpt(first)}{_beside(first)}"
    contradicted = disagreements(first)
    second = _second(first, rest)
    if second is not None:
        number = result.passages.index(second) + 1
        text += f"\n\nAnd from {named_guide(second)} [{number}]:\n\n{_excerpt(second)}{_beside(second)}"
        contradicted = [*contradicted, *disagreements(second)]
    citations = [passage_citation(p, question) for p in result.passages]
    citations += [one for wrong in contradicted for one in wrong["evidence"]]
    notice = f"\n\n{result.notice}" if result.notice else ""
    return Reply(f"{text}{notice}", citations)


def named_guide(passage: Passage) -> str:
    """The guide that a passage is from, in a sentence; an own one with where it came from and when."""
    if passage.origin == "own":
        return f"your own guide \u201c{passage.guide}\u201d ({passage.provenance}; quoted, not computed)"
    return f"the guide \u201c{passage.guide}\u201d"


def source_of(passage: Passage) -> str:
    """What a citation of a passage names."""
    if passage.origin == "own":
        return f"{passage.guide} (your own guide: {passage.provenance})"
    return passage.guide


def _second(first: Passage, rest: list[Passage]) -> Passage | None:
    """The passage that is shown with the first: one nearly as good, or what a shipped guide has beside an
    own one."""
    if rest and rest[0].score >= NEARLY_AS_GOOD * first.score:
        return rest[0]
    if first.origin == "own":
        return next((p for p in rest if p.origin == "shipped" and p.score >= GOOD * first.score), None)
    return None


def passage_citation(passage: Passage, said: str) -> dict[str, str]:
    """A citation of a passage, with the words in it that answer a question or carry a sentence."""
    row = {"kind": "guide", "source": source_of(passage), "locator": locator(passage)}
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
    text = passage.text
    if len(text) > EXCERPT_CHARACTERS:
        text = text[:EXCERPT_CHARACTERS].rsplit(" ", 1)[0] + " \u2026"
    if passage.origin == "own":
        # A quotation, so that none of its lines reads as one of ours.
        return "\n".join(f"> {line}" if line.strip() else ">" for line in text.split("\n"))
    return text
