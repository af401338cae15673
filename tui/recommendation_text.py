"""A recommendation as text: a table of the candidates for the command line, or plain lines for the REPL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.answer import Answer, Bar, Candidate, read_answer
from tui.claims import Claim
from tui.needs_view import read_needs, value_words
from tui.output import bold, bullets, section, table, wrapped
from tui.plaintext import gib

REJECTED_SHOWN = 5


def recommendation_lines(document: Mapping[str, Any], why: bool = False, *, tables: bool = True) -> list[str]:
    """The whole decision.

    Args:
        document: `recommend --json`.
        why: All formulas, sources and exclusions.
        tables: False for lines that read well aloud.
    """
    answer = read_answer(document)
    lines: list[str] = [*wrapped(document["verdict"]), ""] if document.get("verdict") else []
    shown = answer.candidates if why or not tables else answer.candidates[:1]
    if answer.candidates:
        if tables and len(answer.candidates) > 1:
            lines += [bold("Recommendation"), *_overview(answer.candidates), ""]
        for candidate in shown:
            lines += [*_candidate(candidate, document, why, tables), ""]
    needs = read_needs(document.get("needs") or {})
    lines += section("Needs", bullets(f"{need.label}: {need.value}" for need in needs))
    lines += section("Assumed", bullets(_assumed(answer)))
    rejected = answer.rejected if why else answer.rejected[:REJECTED_SHOWN]
    lines += section("Why not", bullets(f"{model}: {reason}" for model, reason in rejected))
    if len(answer.rejected) > len(rejected):
        lines += wrapped(f"and {len(answer.rejected) - len(rejected)} more; --why shows them", "    ", "    ")
    lines += section(
        "What would change it", bullets(f"If {when}: {then}" for when, then in answer.would_change)
    )
    lines += section("Sources", _sources(answer, shown, why))
    return [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]


def _assumed(answer: Answer) -> list[str]:
    raw = {str(item.get("slot")): item.get("value") for item in answer.raw.get("assumptions") or []}
    lines = []
    for slot, value, why in answer.assumptions:
        key = slot.replace(" ", "_")
        lines.append(f"{slot}: {value_words(key, raw.get(key, value))} ({why})")
    return lines


def _sources(answer: Answer, shown: Sequence[Candidate], why: bool) -> list[str]:
    """The sources that the shown reasons cite."""
    claims = [claim for one in shown for claim in (*one.why, *(one.score if why else ()))]
    cited = {number for claim in claims for number in claim.sources}
    lines = [wrapped(s.label, "       ", f"  [{s.number}] ") for s in answer.sources if s.number in cited]
    return [line for part in lines for line in part]


def _overview(candidates: Sequence[Candidate]) -> list[str]:
    rows = [
        [str(one.rank), one.model, one.quant, one.context, one.memory, one.speed, one.license]
        for one in candidates
    ]
    head = ["", "model", "quant", "context", "memory", "speed", "license"]
    return table(rows, head, right=[3])


def _candidate(one: Candidate, document: Mapping[str, Any], why: bool, tables: bool) -> list[str]:
    lines = [bold(f"{one.rank}. {one.model}"), *wrapped(one.headline, "   ", "   ")]
    facts = [
        ("memory", one.memory),
        ("speed", f"{one.speed} (estimate)" if one.speed != "unknown" else one.speed),
        ("quality", one.quality),
        ("license", f"{one.license}; {one.license_words}"),
        *one.facts,
    ]
    if tables:
        lines += table([fact for fact in facts if fact[1]])
    else:
        lines += bullets(f"{name}: {text}" for name, text in facts if text)
    if why or len(one.bars) > 1:
        lines += bullets(_bar(bar) for bar in one.bars)
    lines += section("Why", bullets(_claim(claim) for claim in one.why))
    lines += section("Mind", bullets(one.caveats))
    if why:
        lines += section("Score: points = weight x part", bullets(_claim(claim) for claim in one.score))
        lines += section("Formula", _formulas(document, one.rank))
    if one.commands:
        lines += ["", bold("To run it")]
    for command in one.commands:
        lines += wrapped(f"{command.label}:", "  ", "  ")
        lines += [f"    {line}" for line in command.shell.split("\n")]
    return lines


def _claim(claim: Claim) -> str:
    numbers = "".join(f" [{number}]" for number in claim.sources)
    return claim.text + numbers


def _bar(bar: Bar) -> str:
    parts = ", ".join(f"{word} {gib(size)}" for word, size in bar.parts)
    if bar.free is None:
        return f"{bar.device}: {parts}"
    left = f"{gib(bar.free)} free" if bar.free >= 0 else f"{gib(-bar.free)} too much"
    return f"{bar.device}: {parts}; {left}"


def _formulas(document: Mapping[str, Any], rank: int) -> list[str]:
    for entry in document.get("candidates") or []:
        formula = (entry.get("memory") or {}).get("formula")
        if entry.get("rank") == rank and formula:
            return wrapped(formula, "  ", "  ")
    return []
