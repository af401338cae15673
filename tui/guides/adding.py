"""`guides add` as text, with a bar while files are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from knowledge.own.adding import InterruptedAddError, Step
from knowledge.own.store import shown_path
from knowledge.progress_line import ProgressLine
from tools.guides.adding import AddQuery, add_guides
from tui.invocation import invocation
from tui.output import section, wrapped, write_note
from tui.plaintext import clean, shorten
from tui.request_command import Face, request_command

HELP = """Add your own documents to the guides that answers are taken from.

PATHS are files or folders: Markdown, text, HTML and PDF. Files that have not changed since are passed over.
What a document says is quoted as yours, never obeyed, and never takes the place of a calculation. Nothing
goes over the network, unless you have set a Chroma server: it gets the vectors (not with --offline).
"""
MOST_LISTED = 20
"""Lines of one kind; `--json` has them all."""


def _watch() -> Any:  # noqa: ANN401 - a callable of Step
    line = ProgressLine("Reading", "files")

    def show(step: Step) -> None:
        # The page first: a narrow screen cuts the end.
        page = f"p. {step.page:,}/{step.pages:,} " if step.pages else ""
        line(step.done, step.total, f"{page}{shorten(step.file, 40)}" if step.file else "")

    return show


def _answer(query: AddQuery) -> dict[str, Any]:
    try:
        return add_guides(query, _watch(), offline=invocation(click.get_current_context()).offline)
    except InterruptedAddError as interrupted:
        report = interrupted.report
        write_note("")
        write_note(
            f"Interrupted: {report.changed:,} of {report.files:,} files are added and kept. "
            "The same command goes on from there."
        )
        raise


def _lines(document: Mapping[str, Any], why: bool) -> list[str]:
    counts = [f"{len(document[key]):,} {key}" for key in ("added", "replaced", "moved") if document[key]]
    if document["unchanged"]:
        counts.append(f"{document['unchanged']:,} unchanged")
    if document["refused"]:
        counts.append(f"{len(document['refused']):,} not added")
    files = f"{document['files']:,} file{'s' if document['files'] != 1 else ''}"
    lines = wrapped(f"{files}: {', '.join(counts)}." if counts else "No files.")
    for key, title in (("added", "Added"), ("replaced", "Replaced"), ("moved", "Under a new path")):
        lines += section(title, _listed(_guide(row) for row in document[key]))
    lines += section("Not added", _listed(_refused(row) for row in document["refused"]))
    lines += section("No longer in the folder, still among the guides", _listed(_vanished(document)))
    return lines + _after(document)


def _guide(row: Mapping[str, Any]) -> list[str]:
    count = row["pages"]
    pages = f"{count:,} page{'s' if count != 1 else ''}, " if count else ""
    what = f"{pages}{row['passages']:,} passage{'s' if row['passages'] != 1 else ''}"
    lines = wrapped(
        f"{clean(row['file'], one_line=True)}: {clean(row['title'], one_line=True)} ({what})", "     ", "  "
    )
    for notice in row["notices"]:
        lines += wrapped(clean(notice, one_line=True), "       ", "     ! ")
    return lines


def _refused(row: Mapping[str, Any]) -> list[str]:
    return wrapped(f"{clean(shown_path(row['path']), one_line=True)} {row['reason']}.", "     ", "  ")


def _vanished(document: Mapping[str, Any]) -> Iterator[list[str]]:
    for row in document["vanished"]:
        path = clean(shown_path(row["source"]), one_line=True)
        yield wrapped(f"{clean(row['file'], one_line=True)}, from {path}", "     ", "  ")
    if document["vanished"]:
        yield wrapped("`llm-advisor guides remove` forgets them.", "  ", "  ")


def _listed(blocks: Iterator[list[str]]) -> list[str]:
    """The first blocks, and how many more there are; those with something to be said of them come first."""
    every: Sequence[list[str]] = sorted(
        blocks, key=lambda block: not any("     ! " in line for line in block)
    )
    shown = [line for block in every[:MOST_LISTED] for line in block]
    more = len(every) - MOST_LISTED
    return shown + (wrapped(f"and {more:,} more; --json lists them all", "  ", "  ") if more > 0 else [])


def _after(document: Mapping[str, Any]) -> list[str]:
    over = document["passed_over"]
    kinds = ", ".join(f"{clean(kind)} {count:,}" for kind, count in over["unknown_kinds"].items())
    told = []
    if kinds:
        total = sum(over["unknown_kinds"].values())
        told.append(f"Passed over {total:,} file{'s' if total != 1 else ''} of other kinds ({kinds}).")
    if over["hidden"]:
        told.append(
            f"Passed over {over['hidden']:,} hidden file{'s' if over['hidden'] != 1 else ''} or folders."
        )
    index = document["index"]
    if index["updated"]:
        told.append(f"The index holds {index['passages']:,} passages, the shipped ones included.")
    else:
        told.append(f"The index was not changed: {clean(index['reason']).rstrip('.')}.")
    wrong = sum(document["disagreements"].values())
    if wrong:
        what = "A statement in them disagrees" if wrong == 1 else f"{wrong:,} statements in them disagree"
        told.append(f"{what} with the calculation: `llm-advisor guides check --own` lists what and why.")
    return ["", *(line for text in told for line in wrapped(text))]


command = request_command(
    Face(
        name="add",
        request=AddQuery,
        answer=_answer,
        show=_lines,
        help=HELP,
        positional="paths",
        many=True,
        why=False,
        stdin=False,
    )
)
