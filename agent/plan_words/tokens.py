"""What `plan tokens` answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]
AGAINST = {
    "below": "below",
    "at": "at",
    "above": "above",
    "between": "at (with a K of 1,000 above)",
}


def _range(span: Document) -> str:
    return f"{span['low']:,}" if span["low"] == span["high"] else f"{span['low']:,} to {span['high']:,}"


def exchanges(document: Document) -> list[str]:
    """How many exchanges a budget holds."""
    budget, talk = document["budget"], document["conversation"]
    lines = [
        f"**{talk['exchanges_at_most']:,} exchanges at most** fit into a budget of {budget['tokens']:,} per "
        f"example; plan for {_range(talk['recommended'])}.",
        f"Computed: {talk['formula'].split(', rounded')[0]} (budget less {talk['system_tokens']:,} tokens of "
        f"system prompt and {talk['buffer_tokens']:,} of buffer, {talk['exchange_tokens']:,} an exchange).",
    ]
    return lines + _stated(document) + _ceiling(document) + _window(budget)


def _stated(document: Document) -> list[str]:
    """The guide's own example where it is the same budget, with why it says something else."""
    stated, found = document["worked_example"]["stated"], document["worked_example"]["calculated"]
    if document["budget"]["tokens"] not in [row["budget_tokens"] for row in found]:
        return []
    return [f"The guide's example says {stated['exchanges_at_most']} exchanges: it rounds the room first."]


def _ceiling(document: Document) -> list[str]:
    kilo, where = document["ceiling"]["tokens"] / 1024, AGAINST[document["ceiling"]["budget_is"]]
    return [f"The practical ceiling is {kilo:.0f}K tokens per example: this budget is {where} it."]


def _window(budget: Document) -> list[str]:
    if budget["window_tokens"] is None or budget["within_practical_limit"] is not False:
        return []
    return [
        f"A window of {budget['window_tokens']:,} tokens takes examples of about "
        f"{budget['practical_limit_tokens']:,} in practice."
    ]


def budget(document: Document) -> list[str]:
    """What the wanted exchanges need; without a number, what the budget holds."""
    wanted = document["wanted"]
    if wanted is None:
        return exchanges(document)
    need, safe = wanted["needed_tokens"], wanted["needed_tokens_with_margin"]
    ceiling = document["ceiling"]["tokens"]
    lines = [
        f"**{wanted['exchanges']:,} exchanges need {need:,} tokens per example**, {safe:,} with a margin.",
        f"Computed: {wanted['formula']} (system prompt, buffer, exchanges).",
        f"That is {AGAINST[wanted['against_ceiling']]} the practical ceiling of {ceiling:,} tokens.",
    ]
    if need > ceiling:
        most = document["conversation"]["exchanges_at_most"]
        lines.append(
            f"Into {document['budget']['tokens']:,} tokens go {most:,} of them: split or shorten longer "
            "conversations, or take the longer examples only where the task itself is that long."
        )
    return [*lines, *_factor(document["cost"]["example"])]


def _factor(row: Document) -> list[str]:
    computed = row["computed_factor"]
    more = f", {computed:.2f}x with attention computed" if computed is not None else ""
    return [f"An example of {row['tokens']:,} tokens costs {row['linear_factor']:.2f}x one of 4,096{more}."]


def cost(document: Document) -> list[str]:
    """What longer examples cost in training, relative to 4K."""
    found = document["cost"]
    first = found["example"]
    lines = [
        f"**{first['tokens']:,} tokens per example cost about {first['linear_factor']:.2g}x as much to train "
        "as 4,096** (by tokens, the same number of examples)."
    ]
    if first["computed_factor"] is not None:
        lines.append(
            f"With attention's quadratic part computed for {document['model']}: "
            f"{first['computed_factor']:.2f}x ({found['method']}, estimate)."
        )
    rows = "; ".join(f"{r['tokens']:,}: {r['linear_factor']:.0f}x ({r['remark']})" for r in found["table"])
    lines += [f"By length: {rows}.", f"{found['measured']}."]
    return lines


SAYERS = {"exchanges": exchanges, "budget": budget, "cost": cost}
