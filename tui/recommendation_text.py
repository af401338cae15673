"""A recommendation as text: a table of the candidates for the command line, or plain lines for the REPL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.age_text import age_lines
from tui.answer import Answer, Bar, Candidate, read_answer
from tui.claims import Claim, Source
from tui.needs_view import read_needs, value_words
from tui.output import bold, bullets, section, table, wrapped
from tui.plaintext import gib

REJECTED_SHOWN = 5


def recommendation_lines(document: Mapping[str, Any], why: bool = False, *, tables: bool = True) -> list[str]:
    """The decision, with the details of the first option.

    Args:
        document: `recommend --json`.
        why: The details of every option, and all formulas, sources and exclusions.
        tables: False for lines that read well aloud.
    """
    answer = read_answer(document)
    lines: list[str] = [*wrapped(document["verdict"]), ""] if document.get("verdict") else []
    shown = answer.candidates if why else answer.candidates[:1]
    if answer.candidates:
        if len(answer.candidates) > 1:
            said = _overview(answer.candidates) if tables else _one_line_each(answer.candidates)
            lines += [*([bold("Recommendation")] if tables else []), *said, ""]
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
    lines += section("Sources", _sources(answer, shown, why)) + age_lines(document)
    return [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]


def option_lines(document: Mapping[str, Any], rank: int) -> tuple[list[str], Sequence[Source]]:
    """The details of one option in lines that read well aloud, and its sources; empty where there is none."""
    candidates = read_answer(document, number_each=True).candidates
    one = next((one for one in candidates if one.rank == rank), None)
    if one is None:
        return [], ()
    told = [wrapped(source.label, "       ", f"  [{source.number}] ") for source in one.sources]
    sources = section("Sources", [line for part in told for line in part])
    return [*_candidate(one, document, why=False, tables=False), *sources], one.sources


def command_lines(document: Mapping[str, Any]) -> list[str]:
    """How to run the first option; empty where there is none."""
    return [line for one in read_answer(document).candidates[:1] for line in _commands(one)]


def _one_line_each(candidates: Sequence[Candidate]) -> list[str]:
    """The options as sentences, each with what it gives up or gains."""
    lines: list[str] = []
    for one in candidates:
        pace = "; ".join(text for _, text in _pace(one))
        figures = [one.quant, one.memory, pace, one.quality and f"quality {one.quality}", one.license]
        told = ", ".join(part for part in figures if part and part != "unknown")
        lines += wrapped(f"{one.model}: {told}. {one.trade_off}", "   ", f"{one.rank}. ")
    return lines


def _pace(one: Candidate) -> list[tuple[str, str]]:
    """The speed; below it what was measured on this machine, and what the estimate alone says."""
    if one.speed == "unknown" or not one.speed_note:
        return [("speed", one.speed if one.speed == "unknown" else f"{one.speed} (estimate)")]
    return [("speed", one.speed), *(("", part) for part in one.speed_note.split("; "))]


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
        *_pace(one),
        ("quality", one.quality),
        ("license", f"{one.license}; {one.license_words}"),
        *one.facts,
    ]
    if tables:
        lines += table([fact for fact in facts if fact[1]])
    else:
        lines += bullets(f"{name}: {text}" if name else text for name, text in facts if text)
    if why or len(one.bars) > 1:
        lines += bullets(_bar(bar) for bar in one.bars)
    lines += section("Why", bullets(_claim(claim) for claim in one.why))
    lines += section("Mind", bullets(one.caveats))
    if why:
        lines += section("Score: points = weight x part", bullets(_claim(claim) for claim in one.score))
        lines += section("Formula", _formulas(document, one.rank))
    return [*lines, *_commands(one)]


def _commands(one: Candidate) -> list[str]:
    lines = ["", bold("To run it")] if one.commands else []
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
