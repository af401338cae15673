"""Dollars paid over the months for each way to serve a volume, and when one overtakes another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tui.claims import line_of, map_of, maps_of
from tui.pictures.chart import Chart, Series, even_ticks
from tui.plaintext import is_number

if TYPE_CHECKING:
    from tools.planning.cost_months import Course, Months

HORIZON = 36
"""Months that are drawn; the write-off of hardware is as long."""
LETTERS = "ABCDEFGH"
COLORS = ("primary", "secondary", "accent", "warning", "error")
PRICES = {"tariff_usd_per_kwh": "Electricity: ${:.3f} per kWh", "hardware_usd": "Hardware: ${:,.0f}"}
API_WORDS = {
    "API, as good": "cheapest API as good as {own}",
    "API, best": "best API at any price",
    "API, in budget": "best API in the budget",
}
"""The ways of `plan cost` that are told by what they are compared with."""
DWARFS = 3.0
"""A way that costs so many times the next one would flatten all others, and is drawn up to the edge only."""


def dollars(usd: float) -> str:
    """Dollars: cents below 100."""
    return f"${usd:,.2f}" if 0 < usd < 100 else f"${usd:,.0f}"


def top_of(courses: Sequence[Course], horizon: int = HORIZON) -> float:
    """Dollars up to which is drawn."""
    ends = sorted((course.after(horizon) for course in courses), reverse=True)
    while len(ends) > 1 and ends[0] > DWARFS * ends[1] > 0:
        ends.pop(0)
    return max(ends[0], 1.0)


def cost_chart(months: Months, horizon: int = HORIZON) -> Chart:
    """One line of letters for each way; an upright line where the first overtakes another."""
    top = top_of(months.courses, horizon) * 1.08
    series = []
    for place, course in enumerate(months.courses[: len(LETTERS)]):
        points = [(month, course.after(month)) for month in range(horizon + 1)]
        drawn = tuple((float(month), paid) for month, paid in points if paid <= top)
        series.append(Series(drawn, LETTERS[place], COLORS[place % len(COLORS)]))
    marks = tuple(month for _, _, month in crossings(months) if 0 < month <= horizon)
    return Chart(
        tuple(reversed([one for one in series if one.points])),
        "months",
        "dollars paid in all",
        even_ticks(0, horizon, 6),
        even_ticks(0, top, 4, "$"),
        (0, horizon),
        (0, top),
        marks,
    )


def crossings(months: Months) -> tuple[tuple[str, str, float], ...]:
    """Where a way that is dearer at first overtakes another: letters and month."""
    from tools.planning.cost_months import overtakes

    found = []
    for place, course in enumerate(months.courses):
        if course.once[1] <= 0:
            continue
        for other, rival in enumerate(months.courses):
            month = overtakes(course, rival) if other != place else None
            if month:
                found.append((LETTERS[place], LETTERS[other], month))
    return tuple(sorted(found, key=lambda item: item[2]))


def legend(months: Months, horizon: int = HORIZON) -> tuple[str, ...]:
    """A line for each way: letter, what it is, once, monthly with interval, and in all."""
    lines, top = [], top_of(months.courses, horizon) * 1.08
    for letter, course in zip(LETTERS, months.courses, strict=False):
        low, mid, high = course.monthly
        span = "" if low == high else f" ({dollars(low)} to {dollars(high)})"
        once = f"{dollars(course.once[1])} once, then " if course.once[1] else ""
        off = ", runs out of the picture" if course.after(horizon) > top else ""
        what = "power" if course.kind == "local" else "rent" if course.kind == "rented" else "tokens"
        note = f"; ruled out: {course.excluded}" if course.excluded else ""
        lines.append(
            f"{letter} {_named(course, months)}: {once}{dollars(mid)} a month of {what}{span}, "
            f"{dollars(course.after(horizon))} after {horizon} months{off}{note}{_priced_at(course)}."
        )
    return tuple(lines)


def _named(course: Course, months: Months) -> str:
    """What a way is, with its model and how good that is; of an API also what it is compared with."""
    own = next((one.model for one in months.courses if one.kind != "api"), "")
    label = API_WORDS.get(course.label, course.label).format(own=own or "the local model")
    label = label.replace("API, under", "best API under", 1)
    score = f" (quality {course.quality:.0f} of 100)" if course.quality is not None else ""
    return f"{label}, {course.model}{score}"


def _priced_at(course: Course) -> str:
    """Prices of an API's tokens, as its bill counts them."""
    return f"; {course.formula}" if course.kind == "api" and course.formula else ""


def cost_words(months: Months, horizon: int = HORIZON) -> tuple[str, ...]:
    """What is to be seen: which is cheapest, and when what is bought has paid off."""
    open_ways = [course for course in months.courses if not course.excluded] or list(months.courses)
    cheapest = min(open_ways, key=lambda course: course.after(horizon))
    letter = LETTERS[months.courses.index(cheapest)]
    told = [
        f"After {horizon} months {letter} ({cheapest.label}, {cheapest.model}) has cost the least, "
        f"{dollars(cheapest.after(horizon))}."
    ]
    found = crossings(months)
    bought = [course for course in months.courses if course.once[1] > 0]
    if bought and not found:
        told.append("What is bought pays off against none of the others.")
    for own, rival, month in found:
        where = "" if month <= horizon else ", beyond the picture"
        told.append(f"{own} has paid off against {rival} in month {month:,.0f}{where}.")
    if not bought:
        told.append("The machine counts as yours already: only its power is paid (b counts its price too).")
    return tuple(told)


def recommended_words(entry: Mapping[str, Any] | None, drawn: Sequence[str]) -> tuple[str, ...]:
    """What the option shown costs, where it is an API's and its model is not among those drawn."""
    month = map_of((entry or {}).get("cost")).get("usd_per_month")
    if entry is None or entry.get("kind") != "api" or not is_number(month):
        return ()
    name = line_of(entry.get("model"))
    if name in drawn:
        return ()
    return (f"{name}, the option shown, is {dollars(float(month))} a month of tokens and is not drawn.",)


def assumed_words(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Volume and prices by name and date, and what was assumed."""
    volume = map_of(document.get("volume"))
    told = []
    if is_number(volume.get("input_tokens_per_day")):
        told.append(
            f"{volume['input_tokens_per_day']:,} tokens in and {volume['output_tokens_per_day']:,} out a day."
        )
    for name, figure in map_of(document.get("prices")).items():
        price = map_of(figure)
        if not is_number(price.get("mid")):
            continue
        dated = ", ".join(
            part for part in (line_of(price.get("source")), line_of(price.get("as_of"))) if part
        )
        if name in PRICES:
            told.append(PRICES[name].format(price["mid"]) + (f" ({dated})." if dated else "."))
    return (*told, *_priced(document, "rented", "Rent"), *_priced(document, "api", "API prices"))


def _priced(document: Mapping[str, Any], kind: str, word: str) -> tuple[str, ...]:
    """Where the prices of the first way of a kind come from."""
    for option in maps_of(document.get("options")):
        sources = [line_of(item.get("source")) for item in maps_of(option.get("evidence"))]
        if option.get("kind") == kind and sources:
            return (f"{word}: {sources[0]}.",)
    return ()


def cost_table(months: Months, horizon: int = HORIZON) -> tuple[tuple[str, ...], ...]:
    """Dollars paid after some months as a table."""
    stops = (0, 6, 12, 24, horizon)
    head = ("way", "model", *(f"month {stop}" for stop in stops))
    return (
        head,
        *(
            (f"{letter} {course.label}", course.model, *(f"{course.after(stop):,.2f}" for stop in stops))
            for letter, course in zip(LETTERS, months.courses, strict=False)
        ),
    )
