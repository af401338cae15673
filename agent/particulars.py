"""What a question says of the conditions: a quantization, a context length, a machine, training."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, get_args

from pydantic import TypeAdapter

from agent.understanding import Understanding
from agent.understanding.lexicon import cast_votes
from agent.understanding.numbers import read_quantities
from agent.understanding.text import prepare
from tools.brief import Brief
from tools.hardware import read_hardware
from tools.hardware_types import Machine
from tools.needs import Task
from tools.reserve import reserved

_PROMPT = re.compile(
    r"\b(\d[\d,]*(?:\.\d+)?) ?(k)?(?:[ -]?tokens?)?[ -](?:long )?(?:prompt|input)\b"
    r"|\b(?:prompt|input)s? (?:of|with|is|has) (?:about )?(\d[\d,]*(?:\.\d+)?) ?(k)?\b(?: tokens?)?",
    re.IGNORECASE,
)
LEAST_CONTEXT = 256
"""Fewer tokens than this are not meant as a context."""


@dataclass(frozen=True, slots=True)
class Particulars:
    """Conditions that a question names; None where it does not."""

    quant: str | None = None
    context: int | None = None
    """Tokens."""
    prompt: int | None = None
    """Tokens of a prompt."""
    machine: Machine | None = None
    task: Task | None = None

    @property
    def any(self) -> bool:
        """Whether a configuration or a machine is named."""
        return any(v is not None for v in (self.quant, self.context, self.prompt, self.machine))

    def over(self, brief: Brief) -> Brief:
        """The brief with the conditions of the question."""
        return replace(
            brief,
            machine=self.machine or brief.machine,
            context=self.context or max(brief.context, self.prompt or 0),
        )


@cache
def _quants() -> tuple[tuple[str, re.Pattern[str]], ...]:
    data = resources.files("agent").joinpath("data/topics.json").read_bytes()
    table = TypeAdapter(dict[str, Any]).validate_json(data)["quants"]
    return tuple((quant, re.compile(rf"(?<![\w.])(?:{p})(?![\w])", re.IGNORECASE)) for quant, p in table)


def particulars(question: str, read: Understanding) -> Particulars:
    """The conditions that a question names.

    Args:
        question: the question.
        read: the message as understood.
    """
    prompt = _prompt(question)
    context = _context(_PROMPT.sub(" ", question))
    return Particulars(_quant(question), context, prompt, _machine(question, read), _task(question))


def _prompt(question: str) -> int | None:
    """Tokens of the prompt that is spoken of (`with a 30k prompt`, `a prompt of 4,000 tokens`)."""
    found = _PROMPT.search(question)
    if found is None:
        return None
    digits, kilo = next((found[n], found[n + 1]) for n in (1, 3) if found[n])
    tokens = round(float(digits.replace(",", "")) * (1024 if kilo else 1))
    return tokens if tokens >= 1 else None


def _quant(question: str) -> str | None:
    exact = re.search(r"(?<!\w)(I?Q[2-8](?:_[0-9A-Z]+)+)(?!\w)", question, re.IGNORECASE)
    if exact is not None:
        return exact[1].upper()
    return next((quant for quant, words in _quants() if words.search(question)), None)


def _context(question: str) -> int | None:
    message = prepare(question)
    found = [
        round(q.value)
        for q in read_quantities(message)
        if q.unit == "tokens"
        and not q.per
        and q.value >= LEAST_CONTEXT
        and message.low[q.start - 1 : q.start] != "-"  # `Yi-34B-200K` is a name
    ]
    if found:
        return found[0]
    # `at 32K`, `with 128k context`: a bare multiple is a length.
    short = re.search(r"(?<![\w.-])(\d{1,4})\s?k(?![\w])", question, re.IGNORECASE)
    return int(short[1]) * 1024 if short is not None else None


def _machine(question: str, read: Understanding) -> Machine | None:
    """The machine that a question names; memory alone (`in 24 GB`) is that of a card."""
    for words in (", ".join(read.mentions.accelerators), _as_card(question)):
        machines = read_hardware(words).for_use() if words else ()
        if machines and machines[0].devices:
            return reserved(machines[0])
    return None


def _as_card(question: str) -> str:
    found = re.search(r"\b(?:in|into|on|with) (?:a |an |my |the )?(\d{1,3}) ?gi?b\b", question, re.IGNORECASE)
    return f"a {found[1]} GB card" if found is not None else ""


def _task(question: str) -> Task | None:
    """The task that a question speaks of (`still good for code?`)."""
    votes, _ = cast_votes(prepare(question))
    named = [v for v in votes if v.slot == "task" and v.field == "name" and v.value in get_args(Task)]
    return max(named, key=lambda v: v.weight).value if named else None
