"""Holds what cites a guide against the lines it cites: documents, recommendations and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from knowledge.figures import figures, rounds_to
from knowledge.passage_units import units_of
from knowledge.references import Cited, read_passage
from knowledge.retrieval import LOADING

Faults = list[str]
_EXCERPT = re.compile("^(?:From|And from) the guide \u201c(.+?)\u201d \\[(\\d)\\]:$", re.MULTILINE)


def guide_rows(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every evidence object of a guide in a document."""
    if isinstance(value, Mapping):
        if value.get("kind") == "guide" and "locator" in value:
            yield value
        for item in value.values():
            yield from guide_rows(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from guide_rows(item)


def claims(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every claim of a document that rests on a guide alone, with the evidence object."""
    if isinstance(value, Mapping):
        rows = value.get("evidence")
        if isinstance(value.get("text"), str):
            if value.get("kind") == "guide" and "locator" in value:
                yield value["text"], value
            if isinstance(rows, list) and rows and all(row["kind"] == "guide" for row in rows):
                yield from ((value["text"], row) for row in rows)
        for item in value.values():
            yield from claims(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from claims(item)


def faults_of_row(row: Mapping[str, Any]) -> Faults:
    """What is wrong with one citation of a claim; a quote is there only where the lines support the claim."""
    cited = read_passage(row["locator"], row.get("quote", ""))
    if cited is None:
        return [f"{row['locator']} opens nothing"]
    if cited.notice is not None or cited.marked is None:
        return [f"{row['locator']}: {cited.notice}"]
    if not row.get("quote"):
        return [f"{row['locator']} does not support what it is cited for"]
    if row["source"] != cited.section.guide:
        return [f"{row['locator']} is not of the guide {row['source']}"]
    marked = cited.section.at(*cited.marked)
    return [] if row["locator"] == marked else [f"{row['locator']} marks {marked}"]


def faults_of_claim(claim: str, row: Mapping[str, Any]) -> Faults:
    """What the cited lines do not say of a claim."""
    cited = read_passage(row["locator"], row.get("quote", ""))
    if cited is None or cited.marked is None:
        return [f"{row['locator']} opens nothing"]
    found = cited.section.supporting(claim)
    if found is None:
        return [f"{row['locator']} does not support: {claim}"]
    if (found.first, found.last) != cited.marked:
        return [f"{row['locator']}: {found.first}-{found.last} support: {claim}"]
    shown = figures(f"{' '.join(cited.section.path)} {_said(cited)}")
    missing = [one.text for one in figures(claim) if not any(rounds_to(one, known) for known in shown)]
    return [f"{row['locator']} has no {missing} of: {claim}"] if missing else []


def _said(cited: Cited) -> str:
    """The cited lines, table rows with their header."""
    assert cited.marked is not None
    first, last = cited.marked
    units = units_of(cited.section.text, cited.section.first)
    return "\n".join(unit.text for unit in units if first <= unit.first and unit.last <= last)


def faults_of_document(document: Any) -> Faults:
    """All faults of a document's citations of guides."""
    found = [fault for row in guide_rows(document) for fault in faults_of_row(row)]
    return found + [fault for claim, row in claims(document) for fault in faults_of_claim(claim, row)]


def faults_of_reply(text: str, citations: list[dict[str, str]]) -> Faults:
    """Faults of an answer: what it quotes must stand in the lines that it cites, and every citation opens."""
    found: Faults = []
    for row in guide_rows(citations):
        cited = read_passage(row["locator"], row.get("quote", ""))
        if cited is None or cited.notice is not None or cited.marked is None:
            why = cited.notice if cited is not None else "opens nothing"
            found.append(f"{row['locator']}: {why}")
    guides = list(guide_rows(citations))
    opened = list(_EXCERPT.finditer(text))
    for place, match in enumerate(opened):
        row = guides[int(match[2]) - 1]
        quoted = text[match.end() : opened[place + 1].start() if place + 1 < len(opened) else len(text)]
        found += _unquoted(match[1], quoted, row)
    return found


def _unquoted(guide: str, quoted: str, row: Mapping[str, Any]) -> Faults:
    """Lines of an excerpt that do not stand in its section."""
    cited = read_passage(row["locator"])
    assert cited is not None
    said = [line.strip() for line in quoted.split("\n") if line.strip()]
    within = " ".join(cited.section.text.split())
    wrong = [f"[{row['locator']}] is not {guide}"] if cited.section.guide != guide else []
    for line in said:
        if line.endswith("\u2026") or line in within or line == LOADING:
            continue
        wrong.append(f"{row['locator']} does not say: {line[:80]}")
    return wrong
