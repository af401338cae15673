"""What `plan cost` answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.plan_words.amounts import dollars, sentence

Document = Mapping[str, Any]
MOST_OPTIONS = 4


def _volume(document: Document) -> str:
    volume = document["volume"]
    assumed = any(a["slot"] == "volume" for a in document["assumptions"])
    return (
        f"For {volume['input_tokens_per_day']:,} tokens in and {volume['output_tokens_per_day']:,} out a "
        f"day{' (assumed)' if assumed else ''}, {document['context']:,} tokens a request:"
    )


def _option(option: Document) -> str:
    name = f"{option['model']} {option['quant']}" if option["quant"] else option["model"]
    busy = option["hours_per_day"]
    work = f", {busy['mid']:.1f} hours of work a day" if busy is not None else ""
    short = ", too slow for the volume" if option["serves_volume"] is False else ""
    return f"- {option['label']}: {name}, {dollars(option['usd_per_month'])} a month{work}{short}"


def _options(document: Document, *kinds: str) -> list[str]:
    rows = [o for o in document["options"] if not kinds or o["kind"] in kinds]
    return [_volume(document), *map(_option, rows[:MOST_OPTIONS])]


def choice(document: Document) -> list[str]:
    """Where the volume is served best, and what each way costs."""
    lines = [f"**{document['verdict']['text']}**", *_options(document)]
    rule = document["guide_rule"]
    even = [sentence(row["text"]) for row in document["break_even"][:1]]
    return [*lines, *(["Break-even: " + even[0]] if even else []), *([rule["text"]] if rule else [])]


def break_even(document: Document) -> list[str]:
    """From which volume a machine of one's own is cheaper, and when it has paid off."""
    rows = document["break_even"]
    if not rows:
        return choice(document)
    lines = [f"**{sentence(rows[0]['text'])}**", f"Computed: {rows[0]['formula']}."]
    lines += [sentence(row["text"]) for row in rows[1:2]]
    own = next((o for o in document["options"] if o["usd_once"] is not None), None)
    if own is not None:
        months = document["prices"]["lifetime_months"]["mid"]
        lines.append(f"To buy: {dollars(own['usd_once'])}, written off over {months:.0f} months.")
    rule = document["guide_rule"]
    return [*lines, *_options(document), *([rule["text"]] if rule else [])]


def rent(document: Document) -> list[str]:
    """What a rented machine costs for the volume."""
    rows = [o for o in document["options"] if o["kind"] == "rented"]
    if not rows:
        return choice(document)
    first = rows[0]
    unknown = [r for r in document["rejected"] if r["constraint"] == "hardware"]
    instead = [f"For the machine that you name: {unknown[0]['reason']}."] if unknown else []
    where = first["where"].split(",")[0]
    lines = [
        *instead,
        f"**Renting {where} costs {dollars(first['usd_per_month'])} a month for this volume** "
        f"({first['model']} {first['quant'] or ''}).".replace(" )", ")"),
        f"Computed: {first['formula']}.",
        *map(sentence, first["notes"]),
    ]
    others = [o for o in document["options"] if o["kind"] != "rented"]
    return [*lines, _volume(document), *map(_option, others[: MOST_OPTIONS - 1])]


def running(document: Document) -> list[str]:
    """What a machine of one's own costs to run."""
    own = next((o for o in document["options"] if o["kind"] == "local"), None)
    if own is None:
        return choice(document)
    tariff = document["prices"]["tariff_usd_per_kwh"]
    return [
        f"**{own['model']} on {own['where'].split(',')[0]}: {dollars(own['usd_per_month'])} a month.**",
        f"Computed: {own['formula']}.",
        f"Electricity: {dollars(tariff).removeprefix('about ')} per kWh ({tariff['source']}).",
        *_options(document),
    ]


SAYERS = {"choice": choice, "break_even": break_even, "rent": rent, "running": running}
