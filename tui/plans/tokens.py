"""`plan tokens`: the command and its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.commands.plan_tokens import TokensQuery, plan_tokens
from tui.age_text import age_lines
from tui.output import bold, bullets, section, table, wrapped
from tui.plaintext import clean
from tui.request_command import Face, request_command
from tui.sizing_text import evidence_lines

Document = Mapping[str, Any]
AGAINST = {"below": "below it", "at": "at it", "above": "above it", "between": "above it with a K of 1,000"}


def tokens_lines(document: Document, why: bool) -> list[str]:
    """The answer of `plan tokens`."""
    budget, talk = document["budget"], document["conversation"]
    whose = f" for {clean(document['model'])}" if document["model"] else ""
    lines = [bold(f"Token budget{whose}"), ""]
    rows = [["budget", f"{budget['tokens']:,} tokens per example ({budget['why']})"]]
    if budget["window_tokens"] is not None:
        limit = f"{budget['practical_limit_tokens']:,} tokens per example at most in practice"
        rows.append(["window", f"{budget['window_tokens']:,} tokens: about {limit}"])
    rows.append(["ceiling", _ceiling(document["ceiling"])])
    rows.append(["room", f"{talk['room_tokens']:,} tokens after system prompt and buffer"])
    rows.append(
        ["exchanges", f"{talk['exchanges_at_most']:,} at most; plan for {_range(talk['recommended'])}"]
    )
    lines += table(rows)
    lines += section("By length of an exchange", _sizes(talk))
    lines += section("The guide's turns, checked", _stated(document["stated_turns"], talk))
    lines += _wanted(document["wanted"])
    lines += _cost(document["cost"], why)
    lines += _data_set(document["data_set"])
    lines += section("The guide's example, checked", wrapped(document["worked_example"]["note"], "  ", "  "))
    lines += section("Note", bullets(document["caveats"]))
    return lines + _basis(document, why) + age_lines(document)


def _range(span: Document) -> str:
    return f"{span['low']:,}" if span["low"] == span["high"] else f"{span['low']:,} to {span['high']:,}"


def _ceiling(found: Document) -> str:
    return (
        f"16K = {found['tokens']:,} tokens (a K is 1,024; with 1,000 it is "
        f"{found['tokens_with_k_of_1000']:,}); the budget is {AGAINST[found['budget_is']]}"
    )


def _sizes(talk: Document) -> list[str]:
    rows = [
        [f"{row['exchange_tokens']:,}", f"{row['exchanges_at_most']:,}", _range(row["recommended"])]
        for row in talk["by_exchange_tokens"]
    ]
    return table(rows, ["tokens each", "at most", "plan for"], right=range(3))


def _stated(rows: list[Document], talk: Document) -> list[str]:
    """The guide's turns by window, and the exchanges that are computed with the sizes of this plan."""
    lines = table(
        [
            [
                f"{row['window_tokens']:,}" + (" (this)" if row["is_this_window"] else ""),
                f"{row['limit_tokens']:,}",
                _turns(row["turns"]),
                f"{row['exchanges_at_most']:,}",
                f"{row['messages_at_most']:,}",
                row["holds"],
            ]
            for row in rows
        ],
        ["window", "tokens", "guide: turns", "exchanges", "messages", "the guide's hold"],
        right=range(1, 5),
    )
    words = f"Computed with {talk['exchange_tokens']:,} tokens an exchange."
    this = next((row for row in rows if row["is_this_window"]), None)
    if this is not None and this["holds"] != "as exchanges":
        span = this["tokens_per_exchange_for_stated"]
        each = _range(span) if span["low"] is not None else f"{span['high']:,}"
        words += f" The guide's turns as exchanges would leave about {each} tokens each."
    return lines + wrapped(words, "  ", "  ")


def _turns(turns: Document) -> str:
    return f"{turns['low']} and more" if turns["high"] is None else f"{turns['low']} to {turns['high']}"


def _wanted(wanted: Document | None) -> list[str]:
    if wanted is None:
        return []
    fits = "fits" if wanted["fits_budget"] else "does not fit"
    rows = [
        [
            "needed",
            f"{wanted['needed_tokens']:,} tokens: {fits} the budget, {_against(wanted['against_ceiling'])}",
        ],
        [
            "with margin",
            f"{wanted['needed_tokens_with_margin']:,} tokens: "
            + _against(wanted["with_margin_against_ceiling"]),
        ],
    ]
    return section(f"For {wanted['exchanges']:,} exchanges", table(rows))


def _against(word: str) -> str:
    return {"below": "below the ceiling", "at": "at the ceiling", "above": "above the ceiling"}.get(
        word, "at the ceiling (above it with a K of 1,000)"
    )


def _factor(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def _cost(cost: Document, why: bool) -> list[str]:
    rows = [
        [
            f"{row['tokens']:,}",
            _factor(row["linear_factor"]),
            _factor(row["computed_factor"]),
            row["remark"],
        ]
        for row in (*cost["table"], cost["example"])
    ]
    rows[-1][3] = "this plan: " + rows[-1][3]
    lines = table(rows, ["tokens", "by tokens", "computed", "remark"], right=range(3))
    lines += ["", *wrapped(cost["measured"] + ".", "  ", "  ")]
    if why and cost["formula"]:
        lines += wrapped(f"Computed for {cost['method']}: {cost['formula']}.", "  ", "  ")
    return section("Relative cost of one example (4,096 tokens = 1x)", lines)


def _data_set(found: Document | None) -> list[str]:
    if found is None:
        return []
    cost = f"as much as {found['cost_in_4k_examples']:,.0f} examples of 4,096 tokens by tokens"
    if found["computed_cost_in_4k_examples"] is not None:
        cost += f", {found['computed_cost_in_4k_examples']:,.0f} with attention (estimate)"
    rows = [
        [
            "examples",
            f"{found['examples']:,} of {found['tokens_per_example']:,} tokens, {found['epochs']:g} epochs",
        ],
        ["tokens", f"{found['tokens']:,} in training, at most"],
        ["cost", cost],
    ]
    return section("Data set", table(rows))


def _basis(document: Document, why: bool) -> list[str]:
    if not why:
        return ["", *wrapped("--why shows formulas and sources.")]
    formulas = [document["conversation"]["formula"]]
    if document["wanted"]:
        formulas.append(document["wanted"]["formula"])
    cited = bullets(f"{row['text']}: {row['locator']}" for row in document["citations"])
    return (
        section("Formulas", bullets(formulas))
        + section("Guides", cited)
        + section("Sources", evidence_lines(document["basis"]))
    )


command = request_command(
    Face(
        name="tokens",
        request=TokensQuery,
        answer=plan_tokens,
        show=tokens_lines,
        help="How many exchanges a training conversation may have, from its tokens, and the cost.\n\n"
        "The budget is given, or follows from a model's window. Nothing goes over the network.",
    )
)
