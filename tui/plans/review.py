"""A kept review of a base model as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.age_text import age_lines
from tui.evaluation.text import rough_time, total_cost
from tui.output import bold, bullets, section, table, wrapped
from tui.plaintext import clean

Document = Mapping[str, Any]
STATES = {
    "done": "done",
    "due": "to do",
    "partly": "begun, not finished",
    "changed": "out of date",
    "waiting": "waits",
    "needless": "not needed",
}
CHANGE = {"yes": "Change", "no": "Keep the base", "open": "Still open"}


def estimate_text(found: Document) -> str:
    """What asking models takes, in one clause."""
    seconds = found["seconds"]
    time = f"{rough_time(seconds['low'])} to {rough_time(seconds['high'])}"
    return f"about {found['requests']:,} requests, {time}, {total_cost(found)}"


def asking_text(asked: Document) -> str:
    """What is told before models are asked."""
    names = ", ".join(row["served_as"] for row in asked["models"])
    return f"Step {asked['step']} asks {names}: {estimate_text(asked['estimate'])} (estimate)."


def review_lines(document: Document, why: bool) -> list[str]:
    """The lines of a review.

    Args:
        document: of a review that stands, or was removed.
        why: all sentences of each step, and the guides.
    """
    if document.get("forgotten"):
        text = f"The review {document['review']} is removed. What models answered stays with `evaluate`."
        return wrapped(text)
    lines = [bold(f"Review {clean(document['review'])} of the base {clean(document['model'])}")]
    lines += wrapped(
        f"Begun on {document['began']}, changed on {document['changed']}; today {document['day']}."
    )
    if document["decision"] is not None:
        found = document["decision"]
        text = f"{CHANGE[found['change']]} ({found['on']}): {found['text']}"
        lines += section("Decision", wrapped(text, "  ", "  "))
    lines += section("Steps", _steps(document, why))
    lines += section("Next", _next(document["next"]))
    lines += section("Bases", _bases(document["bases"]))
    lines += section("Left to you", bullets(_work(row) for row in document["todo"]))
    lines += section("Calendar", _calendar(document["calendar"]))
    lines += section("Note", bullets(document["caveats"]))
    if why:
        cited = bullets(f"{row['text']}: {row['locator']}" for row in document["citations"])
        lines += section("Guides", cited)
    return lines + age_lines(document)


def _steps(document: Document, why: bool) -> list[str]:
    ran = document["ran"]
    lines: list[str] = []
    for step in document["steps"]:
        state = STATES[step["state"]]
        if step["state"] == "done" and step["open_for_you"]:
            state = "computed, your part is open"
        day = f", {step['on']}" if step["on"] is not None else ""
        old = ", more than six months old" if step["old"] else ""
        now = ran is not None and ran["step"] == step["step"]
        head = f"{step['step']}. {step['name']}: {state}{day}{old}{' (this call)' if now else ''}"
        lines += wrapped(head, indent="     ", first="  ")
        for text in step["why"]:
            lines += wrapped(text, indent="       ", first="     ")
        for text in step["computed"] if why or now else ():
            lines += wrapped(text, indent="       ", first="     - ")
        mark = step["done_by_you"]
        if mark is not None:
            note = f": {mark['note']}" if mark["note"] else ""
            lines += wrapped(f"your part: done on {mark['on']}{note}", indent="       ", first="     ")
    return lines


def _next(found: Document) -> list[str]:
    lines: list[str] = []
    if found["step"] is not None:
        text = f"Step {found['step']}: {found['command']}"
        lines += wrapped(text, "    ", "  ")
    elif not found["waiting"]:
        lines += wrapped("Nothing is left for the program; what is left to you stands below.", "  ", "  ")
    if found["models"]:
        count = len(found["models"])
        lines += wrapped(f"It asks {count} model{'' if count == 1 else 's'}.", "  ", "  ")
    if found["estimate"] is not None:
        text = f"Estimate: {estimate_text(found['estimate'])}; --max-cost USD stops before."
        lines += wrapped(text, "  ", "  ")
    return lines + bullets(f"waits: {text}" for text in found["waiting"])


def _bases(rows: list[Document]) -> list[str]:
    return bullets(map(_base, rows))


def _base(row: Document) -> str:
    if row["left_out"]:
        return f"{row['model']}: left out, {row['left_out']}"
    text = (
        f"{row['model']}: {'in use' if row['role'] == 'base' else 'candidate'}, asked as {row['served_as']}"
    )
    return f"{text}, with its test adapter as {row['tuned_as']}" if row["tuned_as"] else text


def _work(row: Document) -> str:
    by = "" if row["by"] is None else f" (by {row['by']}{', which is past' if row['late'] else ''})"
    return f"{row['of']}{by}: {row['what']}"


def _calendar(found: Document | None) -> list[str]:
    if found is None:
        return []
    return table(
        [
            ["announce by", found["announce_by"]],
            ["switch", found["switch"]],
            ["old base until", found["fallback_ends"]],
        ]
    )
