"""The steps by which a shared base is changed: rows of data, each with what was computed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from tools.citing import citation
from tools.planning.base_review import table
from tools.planning.migration import months_later

Document = Mapping[str, Any]
GUIDE = "changing-the-base-model.md"


def process(document: Document, semester_months: int) -> list[dict[str, Any]]:
    """The guide's steps of a change, and the rule of one change a year.

    Args:
        document: a review with its verdict, candidates, adapters, calendar and fallback.
        semester_months: length of a semester.
    """
    return [
        {
            "step": row["step"],
            "name": row["name"],
            "computed": COMPUTED[row["key"]](document, semester_months),
            "to_do": row["todo"],
            "citation": citation(row["claim"], GUIDE, row["heading"]),
        }
        for row in table()["process"]
    ]


def _announce(document: Document, months: int) -> list[str]:
    found = document["calendar"]
    why = document["verdict"]["change"]
    reason = {
        "yes": f"{document['model']} misses a hard requirement, which is reason enough",
        "open": "public figures are a reason to evaluate, none to change: own tasks give the reason",
        "no": "there is nothing to announce: no candidate meets the hard requirements",
    }[why]
    if found is None:
        earliest = months_later(date.fromisoformat(document["review_date"]), months)
        return [reason, f"announced today, {earliest} is the earliest switch ({months} months)"]
    late = f"; that is past, so {found['earliest_switch_from_today']} is the earliest switch"
    when = f"by {found['announce_by']} for a switch on {found['switch']}"
    return [reason, when + (late if found["announcement_is_late"] else "")]


def _evaluate(document: Document, _: int) -> list[str]:
    names: dict[str, list[str]] = {"yes": [], "unknown": [], "no": []}
    for each in document["candidates"]:
        names[each["meets_hard_requirements"]].append(each["model"])
    words = {"yes": "meet every hard requirement", "unknown": "may meet them", "no": "miss one"}
    return [f"{', '.join(names[key])}: {what}" for key, what in words.items() if names[key]]


def _test(document: Document, _: int) -> list[str]:
    number = document["adapters"]["number"]
    if number is None:
        return ["how many adapters there are was not said (--adapters)"]
    return [f"{number:,} adapters exist, bound to {document['adapters']['bound_to']}"]


def _by_transfer(document: Document, *, loads: bool) -> list[Document]:
    """The candidates on which adapters load, or (also where that is not known) do not."""
    return [each for each in document["adapters"]["for"] if bool(each["adapters_load"]) is loads]


def _convert(document: Document, _: int) -> list[str]:
    rows = _by_transfer(document, loads=True)
    if not rows:
        return ["needed for none of them: their shapes differ from the base's, or are not known"]
    names = ", ".join(each["model"] for each in rows)
    return [f"for {names}: the shapes are the same, so that adapters load and are worth a test"]


def _retrain(document: Document, _: int) -> list[str]:
    rows = _by_transfer(document, loads=False)
    if not rows:
        return ["needed for none of them: adapters load on all"]
    found = []
    for each in rows:
        count = each["to_retrain"]
        what = "every adapter" if count is None else f"{count:,} adapter{'' if count == 1 else 's'}"
        memory = each["memory_each"]
        text = (
            f"{each['model']}: {what}, each in about {memory['total_bytes'] / (1 << 30):.1f} GiB (estimate)"
        )
        if each["time_all_seconds"] is not None:
            hours = [each["time_all_seconds"][end] / 3600 for end in ("mid", "low", "high")]
            text += f"; about {hours[0]:.2g} hours for all ({hours[1]:.2g} to {hours[2]:.2g})"
        found.append(text)
    return found


def _update(document: Document, _: int) -> list[str]:
    name, quant = document["best"], table()["quant"]
    best = next((each for each in document["candidates"] if each["model"] == name), None)
    if best is None:
        return ["nothing: no candidate meets the hard requirements"]
    ids = f"{document['model_id']} becomes {best['model_id']}"
    if best["memory"] is None:
        return [ids]
    size = best["memory"]["file_bytes"] / 1e9
    return [f"{ids}; every student downloads {size:.2f} GB ({quant}), 100 students {size * 100:,.0f} GB"]


def _fallback(document: Document, months: int) -> list[str]:
    found, both = document["calendar"], document["fallback"]
    lines = [
        f"until {found['fallback_ends']}" if found is not None else f"{months} months from the switch on"
    ]
    if both is not None and both["disk_bytes"] is not None:
        without = " without adapters" if document["adapters"]["number"] is None else " with adapters"
        lines.append(f"both bases take {both['disk_bytes'] / 1e9:.2f} GB of disk{without}")
    return lines


def _rest(document: Document, _: int) -> list[str]:
    least, found = table()["least_months_between_changes"], document["calendar"]
    if found is None:
        return [f"at least {least} months from one switch to the next"]
    switch = months_later(date.fromisoformat(found["switch"]), least)
    return [f"the next switch is on {switch} at the earliest ({least} months later)"]


COMPUTED: dict[str, Callable[[Document, int], list[str]]] = {
    "announce": _announce,
    "evaluate": _evaluate,
    "test": _test,
    "convert": _convert,
    "retrain": _retrain,
    "update": _update,
    "fallback": _fallback,
    "rest": _rest,
}
"""What is computed for a step, by the key of its row."""
