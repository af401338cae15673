"""Words of the field that people ask back about, explained in terms of use: `what is context?`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from knowledge.references import find_section

MOST_CHARACTERS = 120
DEFINITE = ("the", "my", "your", "this", "that", "der", "die", "das", "den", "le", "la", "les", "el", "los")
COMPARED = re.compile(r"\b(differences?|vs\.?|versus|compare\w*|better than|or|unterschied\w*|oder)\b", re.I)


@dataclass(frozen=True, slots=True)
class Term:
    """A word, what it means, and the guide's section on it."""

    term: str
    slot: str
    """The question that the word comes up in."""
    text: str
    file: str
    heading: str

    @property
    def citations(self) -> list[dict[str, str]]:
        """The section as a citation; empty where the guide has it no more."""
        section = find_section(self.file, self.heading)
        return (
            []
            if section is None
            else [{"kind": "guide", "source": section.guide, "locator": section.locator}]
        )


@cache
def terms() -> tuple[tuple[re.Pattern[str], Term], ...]:
    """Each term with the pattern of its names."""
    return tuple(
        (re.compile(row["names"]), Term(**{k: v for k, v in row.items() if k != "names"}))
        for row in _table()["terms"]
    )


@cache
def _table() -> dict[str, Any]:
    data = resources.files("agent").joinpath("data/terms.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


@cache
def _asks() -> tuple[re.Pattern[str], ...]:
    opening = r"(?:(?:and|but|so|ok(?:ay)?|wait|sorry|well|hm+|um+|um|und|aber|et|y)[\s,.;:-]+)*"
    article = _table()["article"]
    return tuple(
        re.compile(opening + form.replace("ART", article).replace("(TERM)", "(?P<term>[^?!]{1,40}?)"))
        for form in _table()["asks"]
    )


def asked_term(text: str, *, answered: bool = False) -> Term | None:
    """The term that a message asks the meaning of; None where it asks something else.

    Args:
        text: the message.
        answered: there is a recommendation and no open question: `what is the license?` and `license?` then
            ask about the model that was recommended.
    """
    said = " ".join(text.lower().replace("\u2019", "'").split())
    if len(said) > MOST_CHARACTERS:
        return None
    bare = said.strip(" .,;:!?\u00bf\u00a1\"'()")
    asked = [match for form in _asks() if (match := form.fullmatch(bare)) is not None]
    words = [match["term"] for match in asked if not (answered and match["article"] in DEFINITE)]
    if said.endswith("?") and not answered:
        words.append(bare)  # `quantization?`
    for word in words:
        name = word.strip(" \"'\u201c\u201d`")
        found = next((term for names, term in terms() if names.fullmatch(name)), None)
        if found is not None:
            return found
    return None


def compared_terms(question: str) -> list[Term]:
    """The terms that a question sets against each other (`LoRA or QLoRA?`); empty for fewer than two."""
    if COMPARED.search(question) is None:
        return []
    low = question.lower()
    found = [term for names, term in terms() if re.search(rf"(?<![\w-])(?:{names.pattern})(?![\w-])", low)]
    return found if len(found) > 1 else []
