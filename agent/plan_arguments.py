"""The arguments of a plan from a question and from what was said before, by `agent/data/plan_topics.json`.

What the question says comes first, then the needs, so that nothing already said is asked again. What is taken
without having been said is an assumption, told with the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from agent.plan_sources import SOURCES, Asked
from agent.understanding import Understanding
from agent.understanding.numbers import read_number
from agent.understanding.text import prepare
from tools.needs import Needs

NUMBER = r"\d{1,3}(?:[,.]\d{3})+|\d+(?:\.\d+)?"
WORDS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
WORDS |= {"nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40}
WORDS |= {"fifty": 50, "hundred": 100}
DAYS_A_MONTH = 30.44


@dataclass(slots=True)
class Arguments:
    """What a plan is asked with."""

    values: dict[str, Any] = field(default_factory=dict)
    assumed: list[str] = field(default_factory=list)
    """What was taken without having been said, in words."""

    def as_json(self) -> dict[str, Any]:
        """The values as the state of a conversation keeps them."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in self.values.items()}


@cache
def plan_table() -> dict[str, Any]:
    """The table of `agent/data/plan_topics.json`."""
    data = resources.files("agent").joinpath("data/plan_topics.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


def asked_with(read: Understanding, question: str, needs: Needs, last: list[str]) -> Asked:
    """A question as the sources of arguments take it.

    Args:
        read: the message as understood.
        question: the message.
        needs: what is known.
        last: the models of the last recommendation, best first.
    """
    table = plan_table()
    return Asked(prepare(question).low, read, needs, last, table["document_tokens"], table["document_why"])


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    number = f"(?:{NUMBER}|{'|'.join(sorted(WORDS, key=len, reverse=True)[:-1])})"
    return re.compile(rf"(?<![\w.,]){pattern.replace('{n}', number)}")


def _number(text: str) -> float:
    """`16`, `50,000` and `twenty`, with a k or an m of a thousand or a million behind it."""
    found = re.match(rf"\s*({NUMBER})\s?([km])?", text)
    if found is None:
        return float(WORDS[text.strip().split()[0]])
    return read_number(found[1]) * {"k": 1e3, "m": 1e6}.get(found[2] or "", 1.0)


def _tokens(text: str) -> int:
    """Tokens of a window or an example, where a k is 1,024."""
    found = re.match(rf"\s*({NUMBER})\s?([km])?", text)
    if found is None:
        return int(_number(text))
    return round(read_number(found[1]) * {"k": 1024, "m": 1 << 20}.get(found[2] or "", 1))


def _ratio(text: str) -> float | None:
    passed, of = (_number(part) for part in re.split(r"\b(?:out of|of|von)\b(?: the| my| our)?", text)[:2])
    return passed / of if of and passed <= of else None


def _percent(text: str) -> float | None:
    share = _number(text) / 100
    return share if 0 <= share <= 1 else None


def _bytes(value: object) -> str:
    return f"{float(str(value)) / 1e6:g} MB"


READERS: dict[str, Callable[[Any], Any]] = {
    "tokens": _tokens,
    "count": lambda text: int(_number(text)),
    "number": _number,
    "thousands": lambda text: round(_number(text)),
    "percent": _percent,
    "ratio": _ratio,
    "words": lambda text: text.strip(),
    "tariff": lambda text: text.replace(",", ".").replace("\u20ac", " EUR").replace("euro", "EUR").strip(),
    "domain": lambda text: "domain",
    "yes": lambda text: True,
    "bytes": _bytes,
    "text_tokens": lambda value: f"{value} tokens",
}
"""From a group of a pattern, or a slot's value, to an argument; None where it is none."""


def arguments_of(topic: str, asked: Asked, *, today: date | None = None) -> Arguments:
    """The arguments of the plan that a topic belongs to.

    Args:
        topic: a topic of the table, such as `tokens.exchanges`.
        asked: the question and what was said before.
        today: the day from which `next semester` is counted; the real one where missing.
    """
    found = Arguments()
    for name, rules in plan_table()["plans"][topic.split(".")[0]]["arguments"].items():
        for rule in rules:
            if not _applies(rule, topic, found):
                continue
            value = _value(rule, asked, today or datetime.now().astimezone().date())
            if value is None or ("of" in rule and value not in rule["of"]) or value in rule.get("not_of", ()):
                continue
            found.values[name] = value
            if "why" in rule:
                found.assumed.append(f"{_words(name)}: {_shown(value)} ({rule['why']})")
            break
    found.assumed += asked.notes
    return found


def _applies(rule: dict[str, Any], topic: str, found: Arguments) -> bool:
    if "only" in rule and topic not in rule["only"]:
        return False
    return topic not in rule.get("not", ()) and not any(
        name in found.values for name in rule.get("unless", ())
    )


def _value(rule: dict[str, Any], asked: Asked, today: date) -> Any:  # noqa: ANN401 - any argument of a tool
    if "pattern" in rule:
        match = _compiled(rule["pattern"]).search(asked.low)
        group = next((g for g in match.groups() if g), None) if match is not None else None
        if group is None:
            return None
        if rule["read"] == "months":
            return _months_ahead(today, int(rule["value"]))
        return READERS[rule["read"]](group)
    if "from" in rule:
        return SOURCES[rule["from"]](asked)
    for source in ("said", "known", "need"):
        if source in rule:
            value = asked.slot(rule[source], source)
            return value if value is None or "read" not in rule else READERS[rule["read"]](value)
    return rule["value"]


def _months_ahead(today: date, months: int) -> str:
    """The first day of the month so many months ahead."""
    month = today.month - 1 + months
    return date(today.year + month // 12, month % 12 + 1, 1).isoformat()


def _words(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
