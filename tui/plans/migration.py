"""`plan migration`: the command and its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tools.commands.plan_migration import plan_migration
from tools.commands.plan_review import ReviewQuery, Watching, asks_for_review, review_base
from tui.age_text import age_lines
from tui.command_evaluate import exit_status
from tui.evaluation.progress import Progress
from tui.invocation import invocation
from tui.output import bold, bullets, section, size, table, wrapped, write_note
from tui.plaintext import clean
from tui.plans.finetune import span_of
from tui.plans.review import asking_text, review_lines
from tui.request_command import Face, request_command
from tui.sizing_text import evidence_lines

Document = Mapping[str, Any]
MARKS = {"yes": "yes", "no": "NO", "unknown": "?"}


def migration_lines(document: Document, why: bool) -> list[str]:
    """The answer of `plan migration`."""
    target = document["target"]
    lines = [bold(f"Review of the base {clean(document['model'])}, {document['review_date']}"), ""]
    lines += wrapped(
        f"For machines with {size(target['ram_bytes'])}: a file of at most "
        f"{target['file_limit_bytes'] / 1e9:.1f} GB "
        f"({target['file_limit_why']}), {target['context']:,} tokens of context.",
        "  ",
        "  ",
    )
    lines += section("Verdict", wrapped(document["verdict"]["text"], "  ", "  "))
    bases = [document["current"], *document["candidates"]]
    lines += section("Hard requirements", _requirements(bases, "hard", HARD, why))
    lines += section("Preferences", _requirements(bases, "soft", SOFT, why))
    lines += section("The five steps", _steps(document["steps"], why))
    lines += section("The steps of a change", _steps(document["process"], why))
    lines += _adapters(document["adapters"], why)
    lines += section("Calendar", _calendar(document["calendar"]))
    lines += section("Side by side in the fallback semester", _fallback(document["fallback"]))
    lines += section("File sizes of the 2026 review, checked (Q4_K_M)", _sizes(document["stated_sizes"]))
    lines += section("Memory it states, checked", _memories(document["stated_memory"]))
    lines += section("Where the rankings disagree", bullets(document["disagreements"]) if why else [])
    lines += section("Note", bullets(document["caveats"]))
    return lines + _basis(document, why) + age_lines(document)


HARD = ("file GB", "RAM GiB", "tuned", "GGUF", "license", "newest")
SOFT = ("tuned rank", "languages", "downloads", "usual tools")


def _requirements(bases: list[Document], kind: str, head: tuple[str, ...], why: bool) -> list[str]:
    """One line a base, a column a requirement; the figures of what is not met, or of all, below."""
    rows = [[base["model"], *(_cell(check) for check in base[kind])] for base in bases]
    lines = table(rows, ["base", *head])
    shown = [
        (base, [check for check in base[kind] if why or (kind == "hard" and check["status"] != "yes")])
        for base in bases
    ]
    details = (
        f"{base['model']}: "
        + "; ".join(f"{check['requirement']} {check['status']} ({check['figure']})" for check in checks)
        for base, checks in shown
        if checks
    )
    return lines + bullets(details)


def _cell(check: Document) -> str:
    """The figure, with NO or ? before it where it does not meet the requirement or nothing is known."""
    word = MARKS[check["status"]]
    return (
        " ".join(part for part in (word if check["status"] != "yes" else "", check["short"]) if part) or word
    )


def _steps(steps: list[Document], why: bool) -> list[str]:
    lines: list[str] = []
    for step in steps:
        body = [f"computed: {text}" for text in step["computed"]]
        lines += wrapped(f"{step['step']}. {step['name']}", indent="     ", first="  ")
        for text in (*body, f"to do: {step['to_do']}"):
            lines += wrapped(text, indent="       ", first="     ")
        if why:
            lines += wrapped(step["citation"]["locator"], indent="       ", first="     ")
    return lines


def _adapters(found: Document, why: bool) -> list[str]:
    number = found["number"]
    lines = wrapped(
        f"{number:,} adapters, bound to {found['bound_to']}."
        if number
        else f"An adapter is bound to {found['bound_to']}.",
        "  ",
        "  ",
    )
    for each in found["for"]:
        memory = each["memory_each"]
        text = (
            f"{each['model']}: {each['text']}. Each takes about {size(memory['total_bytes'])} to train "
            f"({size(memory['low_bytes'])} to {size(memory['high_bytes'])}) and "
            f"{each['adapter_bytes'] / 1e6:.0f} MB on disk"
        )
        if memory["available_bytes"] is not None:
            text += f"; fits {size(memory['available_bytes'])}: {memory['fits']}"
        if each["time_each"] is not None:
            spent = each["time_each"]["seconds"]
            text += (
                f"; about {span_of(spent['mid'])} each ({span_of(spent['low'])} to {span_of(spent['high'])})"
            )
            if each["to_retrain"]:
                text += f", {span_of(each['time_all_seconds']['mid'])} for all"
        if each["retrain"] and why:
            text += f". To retrain: {', '.join(each['retrain'])}"
        lines += wrapped(text + ".", indent="      ", first="  - ")
    return section("Adapters", lines)


def _calendar(found: Document | None) -> list[str]:
    if found is None:
        return wrapped("To do: give `--switch-date` to have the dates.", "  ", "  ")
    late = " - that day is past" if found["announcement_is_late"] else ""
    rows = [
        ["announce by", f"{found['announce_by']}{late}"],
        ["switch", found["switch"]],
        ["old base until", found["fallback_ends"]],
    ]
    lines = table(rows)
    if late:
        words = f"A full semester from today makes {found['earliest_switch_from_today']} the earliest switch."
        lines += wrapped(words, "  ", "  ")
    return lines


def _fallback(found: Document | None) -> list[str]:
    if found is None:
        return []
    rows = [
        [
            row["model"],
            "unknown" if row["file_bytes"] is None else f"{row['file_bytes'] / 1e9:.2f} GB",
            "-" if row["adapters_bytes"] is None else f"{row['adapters_bytes'] / 1e9:.2f} GB",
            size(row.get("memory_bytes")),
        ]
        for row in found["bases"]
    ]
    lines = table(rows, ["base", "file", "adapters", "in memory with one"], right=range(1, 4))
    if found["disk_bytes"] is not None:
        lines += wrapped(f"Together {found['disk_bytes'] / 1e9:.2f} GB on disk; {found['note']}.", "  ", "  ")
    return lines


def _sizes(rows: list[Document]) -> list[str]:
    shown = []
    for row in rows:
        computed = row["computed_bytes"]
        verdict = (
            "unknown" if row["agrees"] is None else "agrees" if row["agrees"] else _off(row["difference"])
        )
        shown.append(
            [
                row["model"],
                f"about {row['stated_gb']:g} GB",
                "unknown" if computed is None else f"{computed / 1e9:.2f} GB",
                verdict,
            ]
        )
    return table(shown, ["model", "stated", "computed", ""])


def _memories(rows: list[Document]) -> list[str]:
    return bullets(
        f"{row['what']}: stated {_between(row['stated_low_gb'], row['stated_high_gb'])} GB, computed about "
        f"{_between(row['computed_low_bytes'] / 1e9, row['computed_high_bytes'] / 1e9)} GB with "
        f"{row['context']:,} tokens"
        for row in rows
    )


def _between(low: float, high: float) -> str:
    first, last = f"{low:.1f}", f"{high:.1f}"
    return first if first == last else f"{first} to {last}"


def _off(share: float) -> str:
    return f"stated {abs(share):.0%} too {'low' if share < 0 else 'high'}"


def _basis(document: Document, why: bool) -> list[str]:
    if not why:
        return ["", *wrapped("--why shows where the rankings disagree, guides and sources.")]
    cited = bullets(f"{row['text']}: {row['locator']}" for row in document["citations"])
    return section("Guides", cited) + section("Sources", evidence_lines(document["basis"]))


HELP = """Review the shared base model: requirements, evaluation, adapters to retrain, calendar.

BASE is the model in use; candidates are named or found. Without the options below that belong to a kept
review, everything is computed and nothing is kept.

--run begins a review that is kept in the state folder, and each further call does its next step: filter by
the requirements, outside scores, your own scenarios (--rubric), training, practice, decision. --status tells
what is done, what comes next with its time and cost, and what is left to you until when. Options that were
given once hold until they are given anew. docs/migration-review.md describes it.

NETWORK: only the steps that ask models use it, those of --rubric and --tuned, and they may cost money: the
estimate is told before, --max-cost stops. --offline does the other steps.

Exit status of --run: 0; 130 after Ctrl+C; 1 where the ceiling of cost ended it; 3 where a model failed. What
was finished is kept.
"""


def _answer(query: ReviewQuery) -> dict[str, Any]:
    if not asks_for_review(query):
        return plan_migration(query)
    progress = Progress()

    def told(asked: Document) -> None:
        write_note(asking_text(asked))

    try:
        offline = invocation(click.get_current_context()).offline
        document = review_base(query, Watching(told, progress.show), offline=offline)
    finally:
        progress.end()
    if document.get("interrupted"):
        write_note("Interrupted: what is finished is kept. The same command goes on from there.")
    return document


def _show(document: Document, why: bool) -> list[str]:
    return review_lines(document, why) if "review" in document else migration_lines(document, why)


def _status(document: Document) -> int:
    return exit_status(document) if "review" in document else int("error" in document)


command = request_command(
    Face(
        name="migration",
        request=ReviewQuery,
        answer=_answer,
        show=_show,
        help=HELP,
        positional="base",
        status=_status,
    )
)
