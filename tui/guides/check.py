"""`guides check` as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tools.guides.check import CheckQuery, check_guides
from tui.output import bold, wrapped
from tui.plaintext import clean
from tui.request_command import Face, request_command

HELP = """Hold the figures that guides state against the calculation and the catalog.

Sizes, memory, context windows, parameters, speeds, prices, licenses and sums are read from sentences and
tables and checked on this machine. NAMES are guides by file or title, or Markdown files that are not added
yet; without one, all guides are checked. What a guide tells as another one's error, with what is right beside
it, is no disagreement. The exit status is 0 where nothing disagrees and 1 where something does.
"""


def _lines(document: Mapping[str, Any], why: bool) -> list[str]:
    lines: list[str] = []
    for number, claim in enumerate(document["disagreements"], 1):
        lines += [*_disagreement(number, claim, why), ""]
    if why:
        lines += _unchecked(claim for claim in document["claims"] if claim["verdict"] == "cannot be checked")
    return lines + _summary(document)


def _disagreement(number: int, claim: Mapping[str, Any], why: bool) -> list[str]:
    lines = [bold(f"{number}. {clean(claim['file'], one_line=True)}:{claim['line']}")]
    lines += wrapped(clean(claim["text"], one_line=True), "   ", "   ")
    lines += wrapped(f"“{clean(_short(claim['words']), one_line=True)}”", "   ", "   ")
    if claim["attributed"]:
        lines += wrapped("It is told as somebody else's statement, but not put right there.", "   ", "   ")
    if why:
        lines += wrapped(f"Computed: {clean(claim['calculated']['formula'], one_line=True)}", "   ", "   ")
    for evidence in claim["evidence"][: 4 if why else 1]:
        place = f", {evidence['locator']}" if evidence.get("locator") and evidence["kind"] != "tool" else ""
        lines += wrapped(
            clean(f"Source: {evidence['kind']} {evidence['source']}{place}", one_line=True), "   ", "   "
        )
    return lines


def _short(words: str, limit: int = 240) -> str:
    return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + " …"


def _unchecked(claims: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = []
    for claim in claims:
        text = (
            f"{claim['file']}:{claim['line']}: {claim['subject']}, {claim['stated']['text']}: {claim['why']}"
        )
        lines += wrapped(clean(text, one_line=True), "   ", " - ")
    return [bold("Cannot be checked"), *lines, ""] if lines else []


def _summary(document: Mapping[str, Any]) -> list[str]:
    guides = len(document["guides"])
    told = [
        f"{document['checked']} statements checked in {guides} {'guide' if guides == 1 else 'guides'}",
        f"{document['agreeing']} agree",
        f"{document['disagreeing']} disagree",
    ]
    if document["corrected"]:
        told.append(f"{document['corrected']} are older errors that the guide itself puts right")
    lines = wrapped("; ".join(told) + ".")
    if document["unchecked"]:
        lines += wrapped(f"{document['unchecked']} more cannot be checked (--why lists them).")
    return lines


def _failed(document: Mapping[str, Any]) -> bool:
    return bool(document["disagreements"])


command = request_command(
    Face(
        name="check",
        request=CheckQuery,
        answer=check_guides,
        show=_lines,
        help=HELP,
        positional="names",
        many=True,
        failed=_failed,
    )
)
