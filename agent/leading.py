"""Which of the recommended options leads in one thing: `which is fastest?`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agent.answers import Told
from tools.budget import GIB
from tools.candidates import Candidate
from tools.memory.types import Evidence
from tools.needs import Needs
from tools.recommend import recommend


@dataclass(frozen=True, slots=True)
class _Measure:
    """What an option can lead in."""

    words: re.Pattern[str]
    lead: str
    value: Callable[[Candidate], float | None]
    shown: Callable[[Candidate], str]
    highest: bool
    tool: str


def _speed(c: Candidate) -> float | None:
    return c.configuration.speed.mid if c.configuration and c.configuration.speed else None


def _memory(c: Candidate) -> float | None:
    return c.configuration.memory.total_bytes / GIB if c.configuration and c.configuration.memory else None


def _speed_words(c: Candidate) -> str:
    speed = c.configuration.speed if c.configuration else None
    note = f" ({speed.note})" if speed is not None and speed.note else ""
    return f"about {_speed(c) or 0:.0f} tokens per second{note}"


_MEASURES = (
    _Measure(
        re.compile(r"\b(fastest|quickest)\b"), "The fastest", _speed, _speed_words, True, "estimate_speed"
    ),
    _Measure(re.compile(r"\bslowest\b"), "The slowest", _speed, _speed_words, False, "estimate_speed"),
    _Measure(
        re.compile(r"\bcheapest\b"),
        "The cheapest",
        lambda c: c.usd_per_month,
        lambda c: f"about ${c.usd_per_month or 0:,.2f} a month",
        False,
        "running_cost",
    ),
    _Measure(
        re.compile(r"\b(smallest|least memory)\b"),
        "The one that takes the least memory",
        _memory,
        lambda c: f"{_memory(c) or 0:.1f} GiB",
        False,
        "estimate_memory",
    ),
    _Measure(
        re.compile(r"\bbest\W*$"),
        "By expected quality alone the best",
        lambda c: c.quality.score,
        lambda c: f"{c.quality.score:.0f} of 100, give or take {c.quality.spread:.0f}",
        True,
        "quality_for",
    ),
    _Measure(
        re.compile(r"\blongest (context|window)\b"),
        "The one that reads the most at once",
        lambda c: c.context_length,
        lambda c: f"{c.context_length or 0:,} tokens",
        True,
        "model_card",
    ),
)


def leading_of(question: str, needs: Needs) -> Told | None:
    """The option that leads in what a question asks for, and the others after it; the needs stay as they are.

    Args:
        question: what is asked.
        needs: what the recommendation was made for.

    Returns:
        The answer, or None where it asks for nothing of the kind.
    """
    said = question.lower()
    measure = next((m for m in _MEASURES if m.words.search(said)), None)
    if measure is None:
        return None
    options = recommend(needs).candidates
    known = [(value, c) for c in options if (value := measure.value(c)) is not None]
    if not known:
        return "Of these options no such figure is known.", [Evidence("tool", measure.tool, "unknown")]
    known.sort(key=lambda pair: pair[0], reverse=measure.highest)
    first = known[0][1]
    rest = "\n".join(f"- {c.model}: {measure.shown(c)}" for _, c in known[1:])
    unknown = [c.model for c in options if measure.value(c) is None]
    text = f"{measure.lead} of these is **{first.model}**: {measure.shown(first)}."
    if rest:
        text += f" After it:\n\n{rest}"
    if unknown:
        text += f"\n\nNot known for {', '.join(unknown)}."
    return f"{text}\n\nThe recommendation stays as it is.", [
        Evidence("tool", measure.tool, ", ".join(c.model for _, c in known))
    ]
