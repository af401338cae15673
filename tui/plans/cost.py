"""`plan cost`: what a volume costs locally, rented and behind an API, and where the break-even lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.commands.plan_cost import PlanCostQuery, cost
from tools.running_costs import rough
from tui.age_text import age_lines
from tui.output import bold, bullets, section, table, wrapped
from tui.plaintext import clean, speed, usd
from tui.request_command import Face, request_command
from tui.sizing_text import evidence_lines

Document = Mapping[str, Any]
HELP = """Compare a machine of your own, a rented GPU and APIs for a volume of tokens.

Prices, rents and tariffs come from one dated file, API prices from LiteLLM's price map; each can be set.
Without --hardware it is this machine; `--hardware none` compares without one. Nothing goes over the network.
"""


def cost_lines(document: Document, why: bool) -> list[str]:
    """The answer of `plan cost`."""
    volume = document["volume"]
    lines = [
        bold(f"Cost of {document['task']}"),
        *wrapped(
            f"{volume['input_tokens_per_day']:,} tokens in and {volume['output_tokens_per_day']:,} out a "
            f"day, {document['context']:,} tokens a request"
            + ("; nothing may leave your machines" if document["private"] else ""),
            "  ",
            "  ",
        ),
        "",
        *wrapped(document["verdict"]["text"]),
        "",
    ]
    lines += _table(document["options"])
    lines += section("Break-even", bullets(row["text"] for row in document["break_even"]))
    if document["guide_rule"]:
        lines += section("The older guide's rule", bullets([document["guide_rule"]["text"]]))
    lines += section("Because", bullets(document["verdict"]["why"]))
    lines += section("What leaves your machines", bullets(_leaving(document["options"])))
    lines += section(
        "Assumed",
        bullets(f"{_words(a['slot'])}: {_value(a['value'])} ({a['why']})" for a in document["assumptions"]),
    )
    lines += section("Excluded", bullets(f"{r['model']}: {r['reason']}" for r in document["rejected"]))
    lines += section("Mind", bullets(document["caveats"]))
    lines += _basis(document) if why else ["", *wrapped("--why shows formulas and sources.")]
    return lines + age_lines(document)


def _words(slot: object) -> str:
    return clean(slot, one_line=True).replace("_", " ")


def _value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else clean(value, one_line=True)


def _table(options: list[Document]) -> list[str]:
    rows = [
        [
            option["label"],
            f"{option['model']} {option['quant']}" if option["quant"] else option["model"],
            money(option["usd_per_month"], cents=True) + ("*" if _partly(option) else ""),
            money(option["usd_per_mtok"]),
            f"{option['quality']['score']:.0f} +-{option['quality']['spread']:.0f}",
            _work(option),
        ]
        for option in options
    ]
    lines = table(
        rows, ["way", "model", "$ a month", "$ per 1M", "quality", "hours a day"], right=[2, 3, 4, 5]
    )
    for option in filter(_partly, options):
        served = rough(option["served_tokens_per_day"])
        text = f"* {option['label']}: the bill of the about {served} tokens a day that it serves (estimate)."
        lines += wrapped(text, "  ", "    ")
    return lines


def _partly(option: Document) -> bool:
    """Whether the bill is that of a part of the volume."""
    return option["serves_volume"] is False


def money(value: Mapping[str, float] | None, *, cents: bool = False) -> str:
    """Dollars; an interval as `low-high`, which is how an estimate looks.

    Args:
        value: low and high.
        cents: nothing below a cent is told apart, as on a bill.
    """
    if value is None:
        return "unknown"
    low, high = _short(value["low"], cents), _short(value["high"], cents)
    return low if low == high else f"{low}-{high.removeprefix('$')}"


def _short(value: float, cents: bool) -> str:
    if value >= 100 or value == 0:
        return f"${value:,.0f}"
    if cents and value < 0.005:
        return "<$0.01"
    return f"${value:.2f}" if value >= 0.01 else f"${value:.4f}"


def _work(option: Document) -> str:
    hours = option["hours_per_day"]
    if hours is None:
        return "-"
    return f"{hours['mid']:.1f}" if option["serves_volume"] else "too few"


def _leaving(options: list[Document]) -> list[str]:
    return [f"{option['model']} ({option['label']}): {option['leaves']}" for option in options]


def _basis(document: Document) -> list[str]:
    lines: list[str] = []
    for option in document["options"]:
        once = f"; to buy {usd(option['usd_once']['mid'])}" if option["usd_once"] else ""
        used = f"; {option['utilization']:.0%} utilized" if option["utilization"] is not None else ""
        head = f"{option['label']}: {option['model']} on {option['where']}"
        lines += section(head, wrapped(f"{option['formula']}{used}{once}", "  ", "  "))
        lines += bullets(_speed(option))
        lines += evidence_lines(option["evidence"])
    rows = [f"{row['api']}: {row['formula']}" for row in document["break_even"]]
    return lines + section("Break-even, formula", bullets(rows))


def _speed(option: Document) -> list[str]:
    """How fast a machine of one's own is taken to work, and what that rests on."""
    rate, prompt = option["generation_tokens_per_second"], option["prompt_tokens_per_second"]
    if rate is None:
        return []
    users = option["users"]
    crowd = f"{users} conversations at once" if users > 1 else "one conversation at a time"
    reading = f", prompts at {speed(prompt)}" if prompt else ""
    lines = [f"{option['quant']} on {option['engine']}, {crowd}: {speed(rate)} (estimate){reading}"]
    return lines + ([option["speed_basis"]] if option["speed_basis"] else [])


command = request_command(Face(name="cost", request=PlanCostQuery, answer=cost, show=cost_lines, help=HELP))
