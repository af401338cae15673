"""Markdown and plain text: the encoding, the front matter, and what a reader would not see.

Lines are kept as they are in the person's file: what is taken out leaves its line behind.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

from knowledge.corpus import parse_guide
from knowledge.own.cleaning import hidden_notice, without_invisible
from knowledge.own.document import Document, RefusedError
from knowledge.own.unseen import attributes_hide

_SIGNS = re.compile(r"<!--|-->|</?[a-zA-Z][^<>]*>")
"""What marks an element or comment and is none of its words."""
_LONGEST_ELEMENT = 200_000

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_USUAL = "cp1252"
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_CODE_SPAN = re.compile(r"(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<([a-z][a-z0-9]{0,20})\b((?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*'){0,2000})>", re.IGNORECASE)
_NEVER_SHOWN = ("script", "style", "template")
_NOTE = re.compile(r"^ {0,3}\[(?://|comment|[^\]\n]{1,40})\]: *(?:#|<>) *[\"'(].*$", re.MULTILINE)
"""`[//]: # (a remark)`: a link nobody follows, used as a comment."""


def decoded(data: bytes) -> tuple[str, list[str]]:
    """The text of a file, and what is to be said of its encoding.

    Raises:
        RefusedError: it is no text, or in an encoding that cannot be told.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data.decode(encoding, errors="replace")
            return text, _replaced(text.count("\ufffd"), encoding.removesuffix("-sig"))
    if b"\x00" in data:
        raise RefusedError("not_text", "is no text: it holds zero bytes")
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        return _guessed(data)


def _guessed(data: bytes) -> tuple[str, list[str]]:
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    foreign = sum(1 for char in text if ord(char) > 0x7F) - broken
    if foreign >= 2 * broken:
        return text, _replaced(broken, "utf-8")
    from charset_normalizer import from_bytes

    found = from_bytes(data)
    best = found.best()
    if best is None:
        raise RefusedError("encoding", "is in an encoding that cannot be recognized; save it as UTF-8")
    # Of encodings that fit a text equally well, the one that most such files are in.
    equal = (match for match in found if (match.chaos, match.coherence) == (best.chaos, best.coherence))
    best = next((match for match in equal if match.encoding == _USUAL), best)
    encoding = _USUAL if _USUAL in best.could_be_from_charset else best.encoding
    return str(best), [f"read as {encoding.replace('_', '-')}, the likeliest encoding"]


def _replaced(count: int, encoding: str) -> list[str]:
    if not count:
        return []
    if count == 1:
        return [f"1 place is not valid {encoding.upper()} and stands as \ufffd"]
    return [f"{count:,} places are not valid {encoding.upper()} and stand as \ufffd"]


def read_text(data: bytes, *, markdown: bool) -> Document:
    """A Markdown or text file.

    Raises:
        RefusedError: see `decoded`.
    """
    raw, notices = decoded(data)
    text = raw.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
    text, hidden = without_invisible(text)
    if markdown:
        text, blanked = _without_hidden(text)
        hidden += blanked
    if hidden:
        notices.append(hidden_notice(hidden))
    if not markdown:
        return Document("text", text, "", notices=tuple(notices))
    # Only title and date are taken: nothing in a file makes it a guide of the project.
    fields = parse_guide("", text)
    as_of = _known_date(fields.as_of)
    if fields.as_of and as_of is None:
        notices.append("its `as_of` is no past date (YYYY-MM-DD) and was not taken")
    return Document(
        "markdown", text, fields.title, as_of=as_of, body_start=fields.body_start, notices=tuple(notices)
    )


def _known_date(text: str | None) -> str | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day.isoformat() if day <= datetime.now(UTC).date() else None


def _without_hidden(text: str) -> tuple[str, int]:
    """Blanks comments and hidden elements outside code, and counts what they hid; lines stay lines."""
    if "<" not in text and "]:" not in text:
        return text, 0
    hidden = 0
    for find in (_comments, _hidden_elements):
        pieces, at = [], 0
        for first, last in find(_masked(text)):
            if first < at:
                continue
            hidden += sum(1 for char in _SIGNS.sub("", text[first:last]) if not char.isspace())
            pieces += [text[at:first], "\n" * text.count("\n", first, last)]
            at = last
        text = "".join([*pieces, text[at:]])
    return text, hidden


def _comments(text: str) -> list[tuple[int, int]]:
    return sorted(found.span() for pattern in (_COMMENT, _NOTE) for found in pattern.finditer(text))


def _hidden_elements(text: str) -> Iterator[tuple[int, int]]:
    for tag in _TAG.finditer(text):
        name = tag[1].lower()
        if name in _NEVER_SHOWN or attributes_hide(tag[2]):
            yield tag.start(), _end_of(name, text, tag.end())


def _end_of(name: str, text: str, at: int) -> int:
    """Where an element ends; at the end of its paragraph where nothing closes it."""
    depth = 1
    for found in re.finditer(rf"<(/?){name}\b[^<>]*>", text[at : at + _LONGEST_ELEMENT], re.IGNORECASE):
        depth += -1 if found[1] else 1
        if not depth:
            return at + found.end()
    blank = text.find("\n\n", at)
    return len(text) if blank < 0 else blank


def _masked(text: str) -> str:
    """The text with its code made harmless, every character in its place."""
    lines = text.split("\n")
    fence = ""
    for at, line in enumerate(lines):
        found = _FENCE.match(line)
        if fence:
            if found and found[1][0] == fence[0] and len(found[1]) >= len(fence):
                fence = ""
            lines[at] = "x" * len(line)
        elif found:
            fence = found[1]
            lines[at] = "x" * len(line)
        elif "`" in line and len(line) < 5_000:
            lines[at] = _CODE_SPAN.sub(lambda span: "x" * len(span[0]), line)
    return "\n".join(lines)
