"""Quality against memory: every feasible model, the front, the recommended ones and the machine's limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tui.claims import line_of, map_of, maps_of
from tui.glyphs import Glyphs
from tui.pictures.chart import Chart, Series, even_ticks
from tui.plaintext import GIB, gib

if TYPE_CHECKING:
    from tools.landscape import Landscape, Place

MOST_RANKS = 9

WORTH_SAYING = 1.0
"""Points from which a model is called better than another."""


def recommended(land: Landscape, raw: Mapping[str, Any]) -> tuple[tuple[int, Place], ...]:
    """The options of the recommendation that are in the picture, by their number."""
    places = {place.model_id: place for place in land.places}
    ranked = enumerate(maps_of(raw.get("candidates")), start=1)
    found = [(rank, places.get(line_of(entry.get("model_id")))) for rank, entry in ranked]
    return tuple((rank, place) for rank, place in found[:MOST_RANKS] if place is not None)


def quality_chart(land: Landscape, raw: Mapping[str, Any], signs: Glyphs) -> Chart:
    """The scatter."""

    def at(place: Place) -> tuple[float, float]:
        return place.memory_bytes / GIB, place.score

    front = tuple(map(at, land.front))
    room = land.room_bytes / GIB
    wide = max([room, *(at(place)[0] for place in land.places)]) * 1.04
    scores = [place.score for place in land.places]
    low, high = min(scores), max(scores)
    margin = max(1.0, (high - low) * 0.06)
    rest = tuple(at(place) for place in land.places if not place.on_front)
    series = (
        Series(rest, signs.point, "secondary"),
        Series(front, ".", "primary", line=True),
        Series(front, signs.front, "primary"),
        *(Series((at(place),), str(rank), "accent") for rank, place in reversed(recommended(land, raw))),
    )
    return Chart(
        tuple(one for one in series if one.points),
        "memory in training, GiB" if land.training else "memory, GiB",
        "quality, 0 to 100",
        even_ticks(0, wide, 6),
        even_ticks(low - margin, high + margin, 5),
        (0.0, wide),
        (low - margin, high + margin),
        (room,) if room else (),
    )


def quality_words(land: Landscape, raw: Mapping[str, Any], signs: Glyphs) -> tuple[str, ...]:
    """The signs, then what is to be seen."""
    named = recommended(land, raw)
    legend = (
        f"{signs.point} a model, {signs.front} on the front (nothing as good in less memory)"
        + (f", {_numbers(named)} recommended" if named else "")
        + f"; the upright line: {gib(land.room_bytes)} that {land.machine or 'the machine'} offers."
    )
    best = max(land.places, key=lambda place: place.score)
    told = (
        f"{len(land.places)} models meet the needs for {land.task}, {len(land.front)} are on the front. "
        f"The best of all is {best.model} with {best.score:.0f} in {gib(best.memory_bytes)}."
    )
    beyond = sum(place.spills for place in land.places)
    if beyond and not land.training:
        told += f" {beyond} of them {'lies' if beyond == 1 else 'lie'} partly in system memory."
    told += f" {land.note}" if land.note else ""
    return (legend, told, *(_word(rank, place, land) for rank, place in named[:3]))


def _numbers(named: Sequence[tuple[int, Place]]) -> str:
    first, last = named[0][0], named[-1][0]
    return str(first) if first == last else f"{first} to {last}"


def _word(rank: int, place: Place, land: Landscape) -> str:
    kind = "measured" if place.measured else "expected"
    words = (
        f"{rank} {place.model}: {place.score:.0f} {kind}, give or take {place.spread:.0f}, "
        f"in {gib(place.memory_bytes)}"
    )
    if place.on_front:
        return f"{words}, on the front."
    better = next(
        (
            one
            for one in land.front[::-1]
            if one.memory_bytes <= place.memory_bytes and one.score >= place.score
        ),
        None,
    )
    if better is None:
        return f"{words}."
    how = "better" if better.score >= place.score + WORTH_SAYING else "as good"
    return f"{words}; {better.model} is {how} in no more memory."


def quality_table(land: Landscape, raw: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The front and the recommended models as a table."""
    ranks = {place.model_id: rank for rank, place in recommended(land, raw)}
    rows: list[tuple[str, ...]] = [
        ("model", "quantization", "GiB", "quality", "spread", "tok/s", "front", "rank")
    ]
    for place in land.places:
        if place.on_front or place.model_id in ranks:
            rows.append(
                (
                    place.model,
                    place.quant,
                    f"{place.memory_bytes / GIB:.1f}",
                    f"{place.score:.1f}",
                    f"{place.spread:.1f}",
                    "unknown" if place.tokens_per_second is None else f"{place.tokens_per_second:.1f}",
                    "yes" if place.on_front else "no",
                    str(ranks.get(place.model_id, "")),
                )
            )
    return tuple(rows)


def task_of(raw: Mapping[str, Any]) -> str:
    """The task of a recommendation, for the waiting line."""
    value = map_of(map_of(raw.get("needs")).get("task")).get("value")
    return line_of(map_of(value).get("name")) if isinstance(value, Mapping) else line_of(value)
