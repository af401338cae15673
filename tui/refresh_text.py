"""`models refresh` as text: what would change, from what to what, and where both are from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tui.output import bold, bullets, known, section, wrapped
from tui.plaintext import clean

Document = Mapping[str, Any]
SHOWN = 20
"""Changes of a part that are shown without --why; and problems."""
TITLES = {"hub": "Models of the hub", "prices": "Prices of API models", "scores": "Scores"}
ASKED = {
    "hub": "{asked:,} of {of:,} models asked at the hub",
    "prices": "{asked:,} rows of the price map read",
    "scores": "{asked:,} of {of:,} leaderboard files read",
}


def refresh_lines(document: Document, why: bool) -> list[str]:
    """The differences and what was left aside; all of them with `why`."""
    asked = [ASKED[part].format(**row) for part, row in document["asked"].items()]
    lines = wrapped(f"{'; '.join(asked) or 'Nothing was asked for'}.")
    for part, title in TITLES.items():
        rows = [row for row in document["changes"] if row["part"] == part]
        if rows:
            lines += ["", bold(f"{title}: {_counted(len(rows))}"), *_changes(rows, why)]
    if not document["changes"]:
        lines += ["", *wrapped("Nothing differs from what is in use.")]
    problems = [row["message"] for row in document["problems"]]
    shown = problems if why else problems[:SHOWN]
    lines += section("Not taken, and left as it is", bullets(map(clean, shown)))
    return lines + _more(len(problems) - len(shown))


def shortened(document: Document) -> bool:
    """Whether there are changes that only `why` shows."""
    parts = [row["part"] for row in document["changes"]]
    return any(parts.count(part) > SHOWN for part in TITLES)


def _counted(count: int) -> str:
    return f"{count:,} {'change' if count == 1 else 'changes'}"


def _changes(rows: Sequence[Document], why: bool) -> list[str]:
    """By model, each with its sources said once."""
    shown = rows if why else rows[:SHOWN]
    lines: list[str] = []
    model, sources = "", ("", "")
    for row in shown:
        if row["model"] != model:
            model, sources = row["model"], ("", "")
            lines.append(f"  {clean(model, one_line=True)}")
        start, end = _brief(row["field"], row["from"]), _brief(row["field"], row["to"])
        told = f"{row['field'].replace('_', ' ')}: {start} -> {end}"
        lines += wrapped(clean(told, one_line=True), "      ", "    ")
        here = (row["from_source"], row["to_source"])
        if here != sources:
            sources = here
            words = f"from {_or_unknown(here[0])}; to {_or_unknown(here[1])}"
            lines += wrapped(clean(words, one_line=True), "        ", "      ")
    return lines + _more(len(rows) - len(shown))


def _more(count: int) -> list[str]:
    return wrapped(f"and {count:,} more; --why shows them all", "  ", "  ") if count > 0 else []


def _or_unknown(text: str) -> str:
    return text or "no source"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {_value(part)}" for key, part in value.items())
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return known(value)


def ending_lines(document: Document) -> Iterable[str]:
    """Whether it was taken, and how to."""
    if document["taken"] and not document["count"]:
        yield from wrapped(f"Noted: what was asked for is as of {document['day']}.")
    elif document["taken"]:
        yield from wrapped(
            f"Taken on {document['day']}. The bundled facts stay beside it; "
            "`llm-advisor models refresh --drop` brings them back."
        )
    elif document["count"]:
        yield from wrapped("Nothing was taken; --yes takes it.")
    elif document["confirms"]:
        yield from wrapped(f"--yes notes that they are as of {document['day']}.")


def refreshed_lines(document: Document) -> list[str]:
    """What was refreshed of a model that is shown, beside the bundled values; nothing where nothing was."""
    newer = document.get("refreshed")
    if not newer:
        return []
    title = clean(f"Refreshed on {newer['fetched']} from {newer['source']}", one_line=True)
    return section(title, bullets(clean(_both(row), one_line=True) for row in newer["changes"]))


def _both(row: Document) -> str:
    """The value in use and the bundled one."""
    field, origin = row["field"], f" ({row['was_source']})" if row["was_source"] else ""
    now, was = _brief(field, row["value"]), _brief(field, row["was"])
    return f"{field.replace('_', ' ')}: {now}; bundled: {was}{origin}"


def _brief(field: str, value: object) -> str:
    """A value in a line; of a whole shape only that it is one."""
    if field == "architecture" and isinstance(value, Mapping) and "arch" in value:
        return "as shown above"
    return "none" if value is None and field == "commercial_condition" else _value(value)


def dropped_lines(document: Document) -> list[str]:
    """The answer of `models refresh --drop`."""
    if not document["dropped"]:
        return wrapped("Nothing was refreshed; the bundled facts are in use.")
    return wrapped(
        f"Forgot what was refreshed of {document['models']:,} models, {document['prices']:,} prices and "
        f"{document['scores']:,} scores; the bundled facts are in use."
    )
