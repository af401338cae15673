"""Generation speed of the options on one axis, and of one option by users and by context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tui.claims import line_of, map_of, maps_of
from tui.glyphs import Glyphs
from tui.pictures.chart import Chart, Series, even_ticks
from tui.plaintext import is_number, rough_tokens, tokens

By = Literal["users", "context"]
PROVIDER = "provider"
"""What stands for the quantization of a model behind an API."""


@dataclass(frozen=True, slots=True)
class SpeedRow:
    """One option; tokens per second of one conversation, None where it is unknown."""

    rank: int
    model: str
    quant: str
    low: float | None
    mid: float | None
    high: float | None
    measured: bool
    """In this very configuration, on this machine."""
    basis: str
    corrected: bool = False
    """By what was measured on this machine."""
    alone: tuple[float, float, float] | None = None
    """Low, middle and high of the estimate without what was measured; None where nothing was."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Tokens per second of each conversation at a number of users, or at a context."""

    at: int
    low: float
    mid: float
    high: float
    fits: bool | None = None


def speed_rows(raw: Mapping[str, Any]) -> tuple[SpeedRow, ...]:
    """The options of a recommendation."""
    rows = []
    for place, entry in enumerate(maps_of(raw.get("candidates")), start=1):
        figure = map_of(entry.get("speed"))
        rate = map_of(figure.get("tokens_per_second"))
        low, mid, high = (
            float(value) if is_number(value := rate.get(key)) else None for key in ("low", "mid", "high")
        )
        if mid is None and low is not None and high is not None:
            mid = (low + high) / 2
        alone = map_of(map_of(figure.get("estimate")).get("tokens_per_second"))
        rows.append(
            SpeedRow(
                place,
                line_of(entry.get("model")) or "unnamed model",
                line_of(entry.get("quant")),
                low,
                mid,
                high,
                map_of(figure.get("measured")).get("exact") is True,
                line_of(figure.get("note") or figure.get("basis")),
                isinstance(figure.get("calibration"), Mapping),
                _ends(alone),
            )
        )
    return tuple(rows)


def _ends(rate: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Low, middle and high of an interval; None where one of them is missing."""
    low, mid, high = rate.get("low"), rate.get("mid"), rate.get("high")
    return (
        (float(low), float(mid), float(high))
        if is_number(low) and is_number(mid) and is_number(high)
        else None
    )


def wanted_speed(raw: Mapping[str, Any]) -> tuple[float | None, bool]:
    """Tokens per second that are wanted at the least, and whether that was assumed."""
    said = map_of(map_of(raw.get("needs")).get("min_speed")).get("value")
    if is_number(said):
        return float(said), False
    for entry in maps_of(raw.get("assumptions")):
        if entry.get("slot") == "min_speed" and is_number(entry.get("value")):
            return float(entry["value"]), True
    return None, False


def speed_words(rows: Sequence[SpeedRow], wanted: tuple[float | None, bool]) -> str:
    """What is to be seen, in sentences."""
    known = [row for row in rows if row.mid is not None]
    if not known and rows and all(row.quant == PROVIDER for row in rows):
        return (
            "These models run at their providers, who do not say how fast: time a few requests of your own."
        )
    if not known:
        return "No speed is known: of these devices or models no bandwidth or size is known."
    fastest = max(known, key=lambda row: row.mid or 0.0)
    told = [f"The fastest is {fastest.rank} {fastest.model}, about {fastest.mid:.0f} tokens per second"]
    if fastest.low is not None and fastest.high is not None and not fastest.measured:
        told[0] += f" (between {fastest.low:.0f} and {fastest.high:.0f})"
    told[0] += "."
    least, assumed = wanted
    if least is not None:
        slow = [str(row.rank) for row in known if (row.high or row.mid or 0.0) < least]
        unsure = [str(row.rank) for row in known if (row.low or 0.0) < least <= (row.high or row.mid or 0.0)]
        told.append(f"{least:g} are wanted{' (assumed)' if assumed else ''}:")
        told[-1] += f" {_listed(slow)} stays below." if slow else ""
        told[-1] += f" {_listed(unsure)} may stay below." if unsure else ""
        told[-1] += "" if slow or unsure else " all reach it."
    estimates = [row for row in known if not row.measured]
    kind = "All are estimates" if len(estimates) == len(known) else f"{len(estimates)} of them are estimates"
    told.append(f"{kind}, from low over middle to high." if estimates else "All are measured.")
    told += _beside(known)
    return " ".join(told)


def _beside(rows: Sequence[SpeedRow]) -> list[str]:
    """What was measured beside what was estimated; nothing where nothing was measured."""
    own = [row for row in rows if row.measured and row.alone is not None]
    told = [
        f"{row.rank} was measured on this machine; the estimate alone is {row.alone[1]:.0f}."
        for row in own
        if row.alone is not None
    ]
    corrected = [str(row.rank) for row in rows if row.corrected and not row.measured]
    if corrected:
        verb = "is" if len(corrected) == 1 else "are"
        told.append(f"{_listed(corrected)} {verb} corrected by what was measured.")
    return told


def _listed(ranks: Sequence[str]) -> str:
    return " and ".join(ranks) if len(ranks) < 3 else ", ".join(ranks)


def users_curve(entry: Mapping[str, Any]) -> tuple[CurvePoint, ...]:
    """Speed of each of several conversations, as the recommendation tells it."""
    points = []
    for row in maps_of(map_of(entry.get("speed")).get("throughput")):
        each, users = map_of(row.get("per_user")), row.get("users")
        if is_number(users) and all(is_number(each.get(key)) for key in ("low", "mid", "high")):
            fits = row.get("fits")
            held = fits if isinstance(fits, bool) else None
            points.append(CurvePoint(int(users), each["low"], each["mid"], each["high"], held))
    return tuple(points)


def curve_chart(points: Sequence[CurvePoint], by: By, signs: Glyphs) -> Chart:
    """The curve: ends of the interval as small dots, the middle as a sign, another where memory ends."""
    places = range(len(points))
    top = max(point.high for point in points)
    held = [place for place in places if points[place].fits is not False]
    beyond = [place for place in places if points[place].fits is False]
    series = (
        Series(tuple((place, points[place].low) for place in places), ".", "foreground", line=True),
        Series(tuple((place, points[place].high) for place in places), ".", "foreground", line=True),
        Series(tuple((place, points[place].mid) for place in held), signs.front, "primary"),
        Series(tuple((place, points[place].mid) for place in beyond), "x", "warning"),
    )
    names = [rough_tokens(point.at) if by == "context" else str(point.at) for point in points]
    return Chart(
        tuple(one for one in series if one.points),
        "tokens of context" if by == "context" else "conversations at once",
        "tokens per second of each",
        tuple(zip(map(float, places), names, strict=True)),
        even_ticks(0, top, 4),
        (-0.3, len(points) - 0.7),
        (0, top * 1.05),
    )


def curve_words(points: Sequence[CurvePoint], by: By, signs: Glyphs) -> str:
    """What is to be seen, in sentences."""
    first, last = points[0], points[-1]
    if by == "context":
        start, end = tokens(first.at), tokens(last.at)
        told = (
            f"With {start} tokens in the cache about {first.mid:.0f} tokens per second, with {end} about "
            f"{last.mid:.0f} (between {last.low:.0f} and {last.high:.0f})."
        )
        what = "contexts"
    else:
        told = (
            f"One conversation gets about {first.mid:.0f} tokens per second, each of {last.at} about "
            f"{last.mid:.0f} (between {last.low:.0f} and {last.high:.0f})."
        )
        what = "numbers of conversations"
    if any(point.fits is False for point in points):
        held = [point.at for point in points if point.fits]
        most = rough_tokens(held[-1]) if by == "context" and held else str(held[-1]) if held else "none"
        told += f" x marks {what} that do not fit the memory: {most} is the most that does."
    return f"{told} Estimate: {signs.front} is the middle, the dotted lines are low and high."


def speed_table(rows: Sequence[SpeedRow]) -> tuple[tuple[str, ...], ...]:
    """The options as a table of tokens per second."""

    def rate(value: float | None) -> str:
        return "unknown" if value is None else f"{value:.1f}"

    beside = any(row.alone is not None for row in rows)
    head = ("model", "quantization", "low tok/s", "middle", "high", "kind")
    return (
        (*head, "estimate alone") if beside else head,
        *(
            (
                f"{row.rank} {row.model}",
                row.quant,
                rate(row.low),
                rate(row.mid),
                rate(row.high),
                "measured" if row.measured else "corrected estimate" if row.corrected else "estimate",
                *((rate(row.alone[1] if row.alone is not None else row.mid),) if beside else ()),
            )
            for row in rows
        ),
    )


def curve_table(points: Sequence[CurvePoint], by: By) -> tuple[tuple[str, ...], ...]:
    """The curve as a table."""
    kept = {True: "yes", False: "no", None: "unknown"}
    head = (by, "low tok/s each", "middle", "high", "fits")
    return (
        head,
        *((str(p.at), f"{p.low:.1f}", f"{p.mid:.1f}", f"{p.high:.1f}", kept[p.fits]) for p in points),
    )
