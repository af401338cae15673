"""PDF as Markdown: a heading for every page, so that a citation says the page."""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from knowledge.own.cleaning import hidden_notice, without_invisible
from knowledge.own.document import Document, RefusedError
from knowledge.own.limits import MAX_CHARACTERS, MAX_PAGES
from knowledge.own.pdf_sight import PageSight

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

PageProgress = Callable[[int, int], None]
"""Called with the pages read and the pages in all."""

_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xA0: " "}
_BROKEN_WORD = re.compile(r"(?<=[a-z])-\n(?=[a-z])")
_RULE = re.compile(r"[-=_*\s]{3,}")
_MARK = re.compile(r"^(#{1,6}\s|```|~~~|>)")
_NO_TITLE = re.compile(
    r"untitled|microsoft word|\.(?:docx?|pdf|tex|dvi|indd)$|^(?:title|document\d*)$", re.IGNORECASE
)
_PAGE_NUMBER = re.compile(r"\W*(?:\d{1,4}|[ivxl]{1,6})\W*")
_DIGITS = re.compile(r"\d+")
_FEW_PAGES = 5
"""From so many pages on, a first or last line that most of them share is no text but a running title."""
_MOST = 0.6


def read_pdf(data: bytes, progress: PageProgress | None = None) -> Document:
    """A PDF file.

    Raises:
        RefusedError: it is damaged or encrypted, has too many pages, or holds no text.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise RefusedError("encrypted", "is encrypted; save a copy without a password")
        count = len(reader.pages)
    except RefusedError:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise RefusedError("damaged", "is no PDF that can be read; it seems damaged") from error
    if count > MAX_PAGES:
        raise RefusedError("too_many_pages", f"has {count:,} pages; the limit is {MAX_PAGES:,}: split it")
    pages, notices = _pages(reader, count, progress)
    text = _joined(pages)
    return Document("pdf", text, _title(reader), pages=count, notices=tuple(notices))


def _pages(reader: PdfReader, count: int, progress: PageProgress | None) -> tuple[list[str], list[str]]:
    pages, hidden, failed, size = [], 0, [], 0
    for number in range(count):
        try:
            text, unseen = _page(reader.pages[number])
        except MemoryError:
            raise
        except Exception:  # whatever a broken page makes the parser raise, the others go on
            text, unseen = "", 0
            failed.append(number + 1)
        pages.append(text)
        hidden += unseen
        size += len(text)
        if size > MAX_CHARACTERS:
            break  # what comes next refuses it
        if progress is not None:
            progress(number + 1, count)
    empty = sum(1 for text in pages if not text.strip())
    if empty == len(pages) and not hidden:
        raise RefusedError(
            "no_text",
            "cannot be read: its pages are damaged"
            if failed
            else "holds no text, only pictures of it (a scan); run it through OCR first",
        )
    notices = [hidden_notice(hidden)] if hidden else []
    if failed:
        notices.append(
            f"{len(failed):,} of {count:,} pages could not be read: the first is page {failed[0]:,}"
        )
    if empty > len(failed):
        notices.append(f"{empty - len(failed):,} of {count:,} pages hold no text (pictures or blank)")
    return pages, notices


def _page(page: PageObject) -> tuple[str, int]:
    """The visible text of a page, and the characters that nobody sees."""
    sight = PageSight(page)
    text = page.extract_text(visitor_operand_before=sight.before, visitor_operand_after=sight.after)
    text, invisible = without_invisible(text.translate(_LIGATURES))
    return text, sight.hidden + invisible


def _title(reader: PdfReader) -> str:
    try:
        title = " ".join(str(reader.metadata.get("/Title") or "" if reader.metadata else "").split())
    except Exception:  # damaged metadata is none
        return ""
    return "" if _NO_TITLE.search(title) else without_invisible(title)[0]


def _joined(pages: Sequence[str]) -> str:
    lines = [[line.strip() for line in text.split("\n") if line.strip()] for text in pages]
    running = _running(lines)
    told: set[str] = set()
    parts = []
    for number, page in enumerate(lines, 1):
        kept = [
            line
            for at, line in enumerate(page)
            if not _RULE.fullmatch(line)
            and not (at in (0, len(page) - 1) and len(page) > 2 and _shape(line) in running & told)
            and not (at in (0, len(page) - 1) and _PAGE_NUMBER.fullmatch(line))
        ]
        told.update(map(_shape, (page[0], page[-1]) if page else ()))
        if kept:
            # A sign that Markdown would read as a heading or a quotation was none in the PDF.
            text = "\n".join(_MARK.sub(r"\\\1", line) for line in kept)
            parts.append(f"## Page {number}\n\n{_BROKEN_WORD.sub('', text)}\n")
    return "\n".join(parts)


def _running(pages: Sequence[Sequence[str]]) -> set[str]:
    if len(pages) < _FEW_PAGES:
        return set()
    counts = Counter(
        shape for page in pages if len(page) > 2 for shape in {_shape(page[0]), _shape(page[-1])}
    )
    return {shape for shape, count in counts.items() if count >= _MOST * len(pages)}


def _shape(line: str) -> str:
    return _DIGITS.sub("#", line)
