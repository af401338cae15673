"""What `plan migration` answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.plan_words.amounts import gib, interval, sentence, time_of

Document = Mapping[str, Any]
MOST_CANDIDATES = 3


def _candidates(document: Document) -> list[Document]:
    """The reviewed models, those that meet the hard requirements first."""
    return sorted(document["candidates"], key=lambda c: c["meets_hard_requirements"] == "no")


def plan(document: Document) -> list[str]:
    """How a base is changed: the verdict, the steps, the adapters, the calendar."""
    lines = [f"**{sentence(document['verdict']['text'])}**"]
    for each in _candidates(document)[:MOST_CANDIDATES]:
        missed = "; ".join(f"{c['requirement']}: {c['figure']}" for c in each["hard"] if c["status"] == "no")
        quality = each["quality"]
        score = f"expected {quality['score']:.0f} of 100 for chat, give or take {quality['spread']:.0f}"
        lines.append(f"- {each['model']}: {score}" + (f"; fails {missed}" if missed else ""))
    steps = "; ".join(f"{step['step']}. {step['name']}" for step in document["steps"])
    lines.append(f"Then: {steps}.")
    lines += [_bound(document), *_calendar(document["calendar"]), *_disk(document["fallback"])]
    return lines


def _bound(document: Document) -> str:
    found = document["adapters"]
    each = next(iter(found["for"]), None)
    if each is None:
        return f"Adapters are bound to {found['bound_to']}."
    if each["adapters_load"]:
        return f"Adapters: {each['text']}; test all of them."
    return f"Adapters do not carry over to {each['model']} ({each['text']}): retrain every one."


def _calendar(found: Document | None) -> list[str]:
    if found is None:
        return ["Announce it one semester ahead and keep the old base for one semester after the switch."]
    late = (
        f" That is too late to announce; announced today, switch on {found['earliest_switch_from_today']} at "
        "the earliest."
        if found["announcement_is_late"]
        else ""
    )
    return [
        f"Calendar: announce by {found['announce_by']}, switch on {found['switch']}, keep the old base until "
        f"{found['fallback_ends']}.{late}"
    ]


def _disk(found: Document | None) -> list[str]:
    if found is None or found["disk_bytes"] is None:
        return []
    both = " and ".join(row["model"] for row in found["bases"])
    return [f"{both} side by side take {found['disk_bytes'] / 1e9:.1f} GB of disk."]


def adapters(document: Document) -> list[str]:
    """What has to be retrained, and what that takes."""
    found = document["adapters"]
    rows = found["for"][:MOST_CANDIDATES]
    if not rows:
        return plan(document)
    lines = [f"**{_what(found, rows[0])}** An adapter is bound to {found['bound_to']}."]
    for each in rows:
        memory = each["memory_each"]
        text = (
            f"- {each['model']}: {each['text']}; each takes about {gib(memory['total_bytes'])} "
            f"({gib(memory['low_bytes'])} to {gib(memory['high_bytes'])}, estimate) to train as LoRA of rank "
            f"{found['lora_rank']}, {each['adapter_bytes'] / 1e6:.0f} MB on disk"
        )
        if each["time_each"] is not None:
            text += f", {interval(each['time_each']['seconds'])} each"
            if each["to_retrain"]:
                text += f", {time_of(each['time_all_seconds']['mid'])} for all"
        lines.append(f"{text}.")
    lines += _calendar(document["calendar"])
    return [*lines, *_disk(document["fallback"])]


def _what(found: Document, first: Document) -> str:
    count = f"all {found['number']:,} adapters" if found["number"] else "every adapter"
    if first["adapters_load"]:
        return f"Nothing must be retrained for {first['model']}, but {count} must be tested."
    return f"{count[:1].upper()}{count[1:]} must be retrained for {first['model']}."


def calendar(document: Document) -> list[str]:
    """When to announce, to switch and to drop the old base."""
    found = document["calendar"]
    if found is None:
        lines = _calendar(None)
        return [f"**{lines[0]}** Say the day of the switch (as 2027-09-01) and I give the dates."]
    return [f"**{_calendar(found)[0]}**", _bound(document), *_disk(document["fallback"])]


SAYERS = {"plan": plan, "adapters": adapters, "calendar": calendar}
