"""What a free answer may rest on, and its citations."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.claims import in_another_script
from agent.grounding import Evidence, cited_sentences, miscited, unfounded
from agent.llm_tools import ToolDesk
from agent.reply import named_guide, passage_citation
from agent.voice import Spoken
from knowledge.retrieval import Passage
from tools.claims.beside import disagreements

MARKS = re.compile(r"\s?\[(\d+(?:\s*,\s*\d+)*)\]")
_REQUEST = re.compile(
    r"^\W*(?:Draft|Facts|The person (?:wrote|asks)|What is known of the person):", re.MULTILINE
)
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+(?!\[\d)|\n+")
"""A mark after the full stop belongs to the sentence before it."""


class Ground:
    """Everything that the answer to a question may rest on."""

    def __init__(self, desk: ToolDesk, known: list[str], draft: str) -> None:
        """
        Args:
            desk: what the tools gave.
            known: the question first, then the needs and the decision.
            draft: what guided mode would say.
        """
        self._question = known[0]
        computed = [*known, _unquoted(draft)]
        self._all = evidence_of([*computed, *desk.computed], desk.passages, _quotes(draft))
        self._other = evidence_of([*computed, *desk.computed])
        self._vouched = evidence_of([*computed, *desk.vouched])
        self._cited = [evidence_of([_whole(passage)]) for passage in desk.passages]
        self._own = desk.own

    def problems(self, text: str) -> list[str]:
        """What of a text rests on nothing; what only an own guide says must be marked as its words."""
        if missed := misses_the_point(text, self._question):
            return missed
        silent = unfounded(_without_marked(text, self._own), self._vouched)
        return list(
            dict.fromkeys(unfounded(text, self._all) + silent + miscited(text, self._cited, self._other))
        )


class Basis:
    """The ground of an answer that is still being made: what the tools have given by now."""

    def __init__(self, desk: ToolDesk, known: list[str], draft: str) -> None:
        """As `Ground`."""
        self._desk, self._known, self._draft = desk, known, draft
        self._ground: tuple[int, Ground] | None = None

    def problems(self, text: str) -> list[str]:
        """What of a text rests on nothing. It takes a while: call it in a thread."""
        given = len(self._desk.given)
        if self._ground is None or self._ground[0] != given:
            self._ground = given, Ground(self._desk, self._known, self._draft)
        return self._ground[1].problems(text)


def misses_the_point(text: str, said: str) -> list[str]:
    """Whether a text repeats our request, or is in letters that the person did not write in."""
    echoed = _REQUEST.search(text)
    found = [f"the repetition of {echoed[0].strip()!r}"] if echoed is not None else []
    return found + (["another language than the person's"] if in_another_script(text, said) else [])


def evidence_of(texts: list[str], passages: Sequence[Passage] = (), foreign: str = "") -> Evidence:
    """What texts and passages prove; an added guide, or what quotes one, proves no command and no link."""
    evidence = Evidence()
    evidence.add_foreign(foreign)
    for text in texts:
        evidence.add(text)
    for passage in passages:
        take = evidence.add if passage.origin == "shipped" else evidence.add_foreign
        take(f"{passage.guide}\n{_whole(passage)}")
    return evidence


def with_citations(text: str, desk: ToolDesk) -> Spoken:
    """The answer with its marks numbered by first use, and the passages they stand for; unknown marks go."""
    order: list[int] = []

    def renumber(match: re.Match[str]) -> str:
        numbers = [int(n) for n in match[1].split(",")]
        known = [n for n in numbers if 0 < n <= len(desk.passages)]
        order.extend(n for n in known if n not in order)
        marks = ", ".join(str(order.index(n) + 1) for n in known)
        return f" [{marks}]" if marks else ""

    said: dict[int, str] = {}
    for sentence, numbers in cited_sentences(text):
        for number in numbers:
            said[number] = f"{said.get(number, '')} {sentence}".strip()
    text = MARKS.sub(renumber, text).strip()
    passages = [desk.passages[n - 1] for n in order]
    citations = [passage_citation(p, said.get(n, "")) for n, p in zip(order, passages, strict=True)]
    return Spoken(text + _own_words(passages), citations)


def _whole(passage: Passage) -> str:
    """What a citation of a passage may rest on: its headings, its words, what the tools say to them."""
    return "\n".join((*passage.heading, passage.text, *(str(one["text"]) for one in disagreements(passage))))


def _own_words(passages: list[Passage]) -> str:
    """That what is marked so is the person's own document speaking."""
    own = [f"[{n}] is {named_guide(p)}." for n, p in enumerate(passages, 1) if p.origin == "own"]
    return "\n\n" + " ".join(own) if own else ""


def _unquoted(draft: str) -> str:
    """A draft without what it quotes of own guides."""
    return "\n".join(line for line in draft.split("\n") if not line.startswith(">"))


def _quotes(draft: str) -> str:
    """What a draft quotes of own guides."""
    return "\n".join(line for line in draft.split("\n") if line.startswith(">"))


def _without_marked(text: str, numbers: tuple[int, ...]) -> str:
    """A text without the sentences that are marked with one of the numbers."""
    marked = frozenset(map(str, numbers))

    def is_marked(sentence: str) -> bool:
        return any(marked.intersection(re.findall(r"\d+", found[1])) for found in MARKS.finditer(sentence))

    return "\n".join(s for s in _SENTENCE_ENDS.split(text) if not is_marked(s))
