"""The parts that each option's rank comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.claims import line_of, map_of, maps_of
from tui.plaintext import is_number


@dataclass(frozen=True, slots=True)
class Part:
    """What one thing adds to the score, or takes away."""

    name: str
    points: float
    detail: str
    """`61 x 0.61`; empty for what is added or taken off as it is."""
    inputs: str


@dataclass(frozen=True, slots=True)
class Scored:
    """One option."""

    rank: int
    model: str
    total: float | None
    parts: tuple[Part, ...]
    caution: str = ""
    """Why the mark for quality is below the expected quality that is shown everywhere else."""


def scored(raw: Mapping[str, Any]) -> tuple[Scored, ...]:
    """The options of a recommendation; one without parts has another measure."""
    found = []
    for place, entry in enumerate(maps_of(raw.get("candidates")), start=1):
        utility = map_of(entry.get("utility"))
        total = utility.get("score")
        parts = tuple(_part(part) for part in maps_of(utility.get("parts")) if is_number(part.get("points")))
        name = line_of(entry.get("model")) or "unnamed model"
        caution = _caution(entry, utility)
        found.append(Scored(place, name, float(total) if is_number(total) else None, parts, caution))
    return tuple(found)


def _caution(entry: Mapping[str, Any], utility: Mapping[str, Any]) -> str:
    quality = map_of(entry.get("quality")).get("score")
    marks = (part.get("score") for part in maps_of(utility.get("parts")) if part.get("name") == "quality")
    mark = next(marks, None)
    if not is_number(quality) or not is_number(mark) or round(quality) <= round(mark):
        return ""
    less = round(quality) - round(mark)
    return f"Its mark for quality is {mark:.0f}: {quality:.0f} expected, {less} off for what is uncertain."


def _part(part: Mapping[str, Any]) -> Part:
    score, weight = part.get("score"), part.get("weight")
    detail = f"{score:.0f} x {weight:.2f}" if is_number(score) and is_number(weight) else ""
    return Part(line_of(part.get("name")), float(part["points"]), detail, line_of(part.get("inputs")))


def score_words(options: Sequence[Scored]) -> str:
    """What is to be seen, in sentences."""
    told = [one for one in options if one.parts and one.total is not None]
    if not told:
        return "The parts of the score are not told for these options."
    first = told[0]
    most = max(first.parts, key=lambda part: part.points)
    words = [
        f"{first.model} reaches {first.total:.1f} of 100 points, {most.points:.1f} of them by {most.name}."
    ]
    if len(told) > 1:
        second = told[1]
        gap = (first.total or 0.0) - (second.total or 0.0)
        theirs = {part.name: part.points for part in second.parts}
        gains = [(part.points - theirs.get(part.name, 0.0), part.name) for part in first.parts]
        best, worst = max(gains), min(gains)
        words.append(f"It leads {second.model} by {gap:.1f}: {best[0]:+.1f} by {best[1]}")
        words[-1] += f", {worst[0]:+.1f} by {worst[1]}." if worst[0] < 0 else "."
    words += [first.caution] if first.caution else []
    words.append("Each part is a mark from 0 to 100 times its weight.")
    return " ".join(words)


def score_table(options: Sequence[Scored]) -> tuple[tuple[str, ...], ...]:
    """All parts as a table of points."""
    rows: list[tuple[str, ...]] = [("model", "part", "points", "mark x weight")]
    for one in options:
        rows += [(f"{one.rank} {one.model}", p.name, f"{p.points:+.2f}", p.detail) for p in one.parts]
        rows.append((f"{one.rank} {one.model}", "total", "" if one.total is None else f"{one.total:.2f}", ""))
    return tuple(rows)
