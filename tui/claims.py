"""Claims of an answer and the numbered sources they rest on, read tolerantly from the contract's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tui.plaintext import clean, is_number

CALCULATED = {
    "estimate_memory": "memory estimate",
    "estimate_speed": "speed estimate",
    "estimate_training": "memory estimate for training",
    "fit": "what fits on the machine",
    "max_context": "longest context that fits",
    "monthly_cost": "API bill of a month",
    "running_cost": "cost of running it",
    "runbook": "commands for the engine",
    "thinking_tokens": "length of its thinking",
    "utility": "score of the options",
    "verdict": "API and own machine compared",
    "detect_machine": "what this machine reports",
    "quality_for": "quality from public scores",
    "model_card": "facts of the model",
}
"""What the tools that answers rest on do, for people; any other goes by its own name."""


@dataclass(frozen=True, slots=True)
class Source:
    """One numbered source."""

    number: int
    kind: str
    source: str
    locator: str
    quote: str = ""
    """Of a guide: the beginning of the cited words."""

    @property
    def label(self) -> str:
        """One line that names it: the guide and its heading, or what kind of fact it is."""
        name = self.source or self.locator
        if self.kind == "tool":
            return f"calculated: {CALCULATED.get(name, name)}"
        if self.kind == "catalog" and name in ("catalog", "model catalog"):
            name = self.locator or name
        if self.kind == "guide" and "#" in self.locator:
            heading = self.locator.split("#", 1)[1].rsplit(":", 1)[0].replace("-", " ").strip()
            lines = self.locator.rsplit(":", 1)[-1]
            first, _, last = lines.partition("-")
            where = f", line {first}" if first == last else f", lines {lines}"
            where = where if first.isdigit() else ""
            return f"guide: {name}" + (f", {heading}" if heading and heading not in name else "") + where
        return f"{self.kind}: {name}" if self.kind else name


class SourceList:
    """Numbers the sources of one text in the order of their first use; the same source keeps its number."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Source] = {}

    def add(self, evidence: Mapping[str, Any]) -> Source:
        """The numbered source of one `evidence` object."""
        key = tuple(clean(evidence.get(name) or "", one_line=True) for name in ("kind", "source", "locator"))
        kind, source, locator = key
        if (kind, source, locator) not in self._known:
            quote = clean(evidence.get("quote") or "", one_line=True)
            self._known[kind, source, locator] = Source(len(self._known) + 1, kind, source, locator, quote)
        return self._known[kind, source, locator]

    def all(self) -> list[Source]:
        """Every source, in number order."""
        return list(self._known.values())


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence with the numbers of its sources."""

    text: str
    sources: tuple[int, ...] = ()


def maps_of(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []


def map_of(value: object) -> Mapping[str, Any]:
    """An object; an empty one where it is none."""
    return value if isinstance(value, Mapping) else {}


def line_of(value: object) -> str:
    """A value as one clean line; empty for none."""
    return "" if value is None else clean(value, one_line=True)


def read_score(entry: Mapping[str, Any], sources: SourceList) -> list[Claim]:
    """Each part of the score: points, weight and inputs."""
    claims: list[Claim] = []
    for part in maps_of(map_of(entry.get("utility")).get("parts")):
        numbers = tuple(dict.fromkeys(sources.add(item).number for item in maps_of(part.get("evidence"))))
        points, name = part.get("points"), line_of(part.get("name"))
        if not is_number(points):
            continue
        made = ""
        if is_number(part.get("score")) and is_number(part.get("weight")):
            made = f" = {float(part['weight']):.3g} x {float(part['score']):.1f}"
        claims.append(Claim(f"{name} {float(points):+.1f}{made}: {line_of(part.get('inputs'))}", numbers))
    return claims


def read_claims(entry: Mapping[str, Any], sources: SourceList) -> list[Claim]:
    """The reasons of a candidate."""
    claims: list[Claim] = []
    for reason in entry.get("why") or ():
        if isinstance(reason, Mapping):
            numbers = tuple(
                dict.fromkeys(sources.add(item).number for item in maps_of(reason.get("evidence")))
            )
            claims.append(Claim(line_of(reason.get("text")), numbers))
        else:
            claims.append(Claim(line_of(reason)))
    return claims
