"""Reads one document, whatever it is: by its content first, then by the end of its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath

from knowledge.chunking import chunk_guide
from knowledge.corpus import Guide
from knowledge.own.cleaning import addressed_line, addressed_notice, without_invisible
from knowledge.own.document import Document, RefusedError
from knowledge.own.limits import MAX_CHARACTERS, MAX_TITLE

READER = 1
"""Raised when the same file is read differently than before: it is then read again."""
MARKDOWN = (".md", ".markdown", ".mdown", ".mkd")
TEXT = (".txt", ".text")
HTML = (".html", ".htm", ".xhtml")
PDF = (".pdf",)
KNOWN = (*MARKDOWN, *TEXT, *HTML, *PDF)
"""Endings of files that are taken from a folder."""

PageProgress = Callable[[int, int], None]
_HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html)\b",
    re.I | re.S,
)
_BLANKS = re.compile(r"[^\S\n]{200,}")
"""Blanks that set nothing apart, and hold up every search for the end of them."""
_PAGE = re.compile(r"^## Page \d+$", re.MULTILINE)


def read_document(name: str, data: bytes, progress: PageProgress | None = None) -> Document:
    """The document in the bytes of a file called `name`.

    Raises:
        RefusedError: it cannot be added; the message says why.
    """
    if not data.strip():
        raise RefusedError("empty", "is empty")
    document = _read(name, data, progress)
    if len(document.text) > MAX_CHARACTERS:
        raise RefusedError(
            "too_long",
            f"holds more than {MAX_CHARACTERS:,} characters of text, the limit for one guide; split it",
        )
    if not any(char.isalnum() for char in _PAGE.sub("", document.text)):
        hidden = " that a reader would see" if document.notices else ""
        raise RefusedError("no_text", f"holds no text{hidden}")
    document = replace(document, text=_BLANKS.sub(" ", document.text))
    title = _shortened(document.title) or _shortened(PurePath(name).stem) or "Untitled"
    notices = document.notices
    line = addressed_line(document.text)
    if line is not None:
        notices = (*notices, addressed_notice(line))
    document = replace(document, title=title, notices=notices)
    from knowledge.own.duplicates import signature

    # Cut into passages here, where time and memory are limited: later it must not hold anything up.
    passages = sum(len(chunk.views) > 0 for chunk in chunk_guide(guide_of(document, "own/new.md")))
    return replace(document, passages=passages, signature=signature(document.text))


def guide_of(document: Document, file: str) -> Guide:
    """The guide that a document makes, before it is stored."""
    return Guide(
        file=file,
        title=document.title,
        scope="",
        as_of=document.as_of,
        sources=(),
        lines=tuple(document.text.removesuffix("\n").split("\n")),
        body_start=document.body_start,
        origin="own",
    )


def _read(name: str, data: bytes, progress: PageProgress | None) -> Document:
    suffix = PurePath(name).suffix.lower()
    if b"%PDF-" in data[:1024]:
        from knowledge.own.pdf import read_pdf

        return read_pdf(data, progress)
    if suffix in PDF:
        raise RefusedError("damaged", "is no PDF, in spite of its name")
    if suffix in HTML or (suffix not in MARKDOWN and _HTML_START.match(data[:4096])):
        from knowledge.own.html import read_html

        return read_html(data)
    from knowledge.own.text import read_text

    return read_text(data, markdown=suffix in MARKDOWN)


def _shortened(text: str) -> str:
    """A title in one line of bounded length."""
    line = " ".join(without_invisible(text)[0].split())
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rsplit(" ", 1)[0] + "\u2026"
