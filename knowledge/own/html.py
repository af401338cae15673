"""HTML as Markdown: headings, lists, tables and code stay, what nobody sees goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from knowledge.own.cleaning import hidden_notice, without_invisible
from knowledge.own.document import Document
from knowledge.own.limits import MAX_COLUMNS, MAX_NESTING
from knowledge.own.text import decoded
from knowledge.own.unseen import hiding_selectors, style_hides

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_NO_TEXT = (
    "script",
    "style",
    "template",
    "head",
    "svg",
    "object",
    "iframe",
    "canvas",
    "noscript",
    "select",
    "button",
    "form",
    "nav",
)
"""Elements that hold no text of the document; what scripts and styles hold is not counted as hidden."""
MAIN_SHARE = 0.4
"""Of the text of a page, from which its main part stands for it; menus and scripts are the rest."""
_MAX_HEADING = 200
_BLANK = re.compile(r"\n{3,}")


def read_html(data: bytes) -> Document:
    """An HTML file.

    Raises:
        RefusedError: its encoding cannot be told.
    """
    import warnings

    from bs4 import BeautifulSoup

    text, notices = _decoded(data)
    text, hidden = without_invisible(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # XML read as HTML, a text that looks like an address
        soup = BeautifulSoup(text, "lxml")
    title = _title(soup)
    body = _main(soup)
    hidden += _drop_hidden(soup, body)
    if hidden:
        notices.append(hidden_notice(hidden))
    if _nesting(body) > MAX_NESTING:
        notices.append(f"nested deeper than {MAX_NESTING} levels: read without its structure")
        markdown = body.get_text("\n", strip=True)
    else:
        if widest := _narrowed(body):
            notices.append(f"a table of {widest:,} columns: the first {MAX_COLUMNS} are kept")
        markdown = _markdown(body)
    # An entity (&#8203;) only becomes a character by parsing.
    markdown, _ = without_invisible(_BLANK.sub("\n\n", markdown).strip("\n"))
    return Document("html", markdown + "\n", title, notices=tuple(notices))


def _decoded(data: bytes) -> tuple[str, list[str]]:
    """By the encoding that the page declares, where its bytes bear that out."""
    from bs4.dammit import EncodingDetector

    named = EncodingDetector.find_declared_encoding(data, is_html=True)
    if named and not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        try:
            return data.decode(named), []
        except (LookupError, UnicodeDecodeError):
            text, notices = decoded(data)
            return text, notices or ["its declared encoding is not the one it is in; read as UTF-8"]
    return decoded(data)


def _title(soup: BeautifulSoup) -> str:
    for name in ("title", "h1"):
        found = soup.find(name)
        text = " ".join(found.get_text(" ").split()) if found is not None else ""
        if text:
            return without_invisible(text)[0]
    return ""


def _main(soup: BeautifulSoup) -> Tag:
    """The part of a page that is the document, where the page says which and it is most of it."""
    body = soup.body or soup
    found = soup.select("main, [role=main]")
    if len(found) == 1 and len(found[0].get_text()) >= MAIN_SHARE * len(body.get_text()):
        return found[0]
    return body


def _drop_hidden(soup: BeautifulSoup, body: Tag) -> int:
    """Takes out what a reader does not see; the number of its characters, blanks not counted."""
    from bs4.element import Comment, PreformattedString

    unseen = [tag for tag in body.find_all(True) if _hides(tag)]
    for sheet in soup.find_all("style"):
        for selector in hiding_selectors(sheet.get_text()):
            unseen += _selected(body, selector)
    for tag in soup.find_all(_NO_TEXT):
        if not tag.decomposed:
            tag.extract()
    count = 0
    for text in body.find_all(string=lambda piece: isinstance(piece, PreformattedString)):
        count += _length(text) if isinstance(text, Comment) else 0
        text.extract()
    for tag in unseen:
        # One inside another is out already, and counted with it.
        if tag.parent is not None and tag.name not in ("html", "body"):
            count += _length(tag.get_text())
            tag.extract()
    return count


def _selected(body: Tag, selector: str) -> list[Tag]:
    try:
        return list(body.select(selector))
    except Exception:  # a selector that soupsieve does not know, such as ::before
        return []


def _hides(tag: Tag) -> bool:
    given = tag.attrs
    return bool(given) and (
        "hidden" in given
        or str(given.get("aria-hidden", "")).strip().lower() == "true"
        or style_hides(str(given.get("style", "")))
    )


def _length(text: str) -> int:
    return sum(1 for char in text if not char.isspace())


def _nesting(body: Tag) -> int:
    from bs4 import Tag

    deepest, waiting = 0, [(body, 1)]
    while waiting:
        tag, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in tag.children if isinstance(child, Tag)]
    return deepest


def _narrowed(body: Tag) -> int:
    """Cuts tables to the columns that are kept; the columns of the widest, 0 where none was too wide."""
    widest = 0
    for cell in body.find_all(["td", "th"]):
        for piece in cell.find_all(string=lambda text: "|" in text):
            piece.replace_with(piece.replace("|", "\\|"))
        span = str(cell.get("colspan", "1"))
        if not span.isdigit() or int(span) > MAX_COLUMNS:
            del cell["colspan"]
    for row in body.find_all("tr"):
        cells = row.find_all(["td", "th"], recursive=False)
        if len(cells) > MAX_COLUMNS:
            widest = max(widest, len(cells))
            for cell in cells[MAX_COLUMNS:]:
                cell.extract()
    return widest


def _markdown(body: Tag) -> str:
    from markdownify import ATX, MarkdownConverter

    for heading in body.find_all(["h1", "h2", "h3", "h4", "h5", "h6"]):
        if len(heading.get_text()) > _MAX_HEADING:
            heading.name = "p"  # a text that is all heading would stand before each of its passages
    converter = MarkdownConverter(
        heading_style=ATX,
        bullets="-",
        strip=["a", "img"],
        escape_asterisks=False,
        escape_underscores=False,
        table_infer_header=True,
    )
    text: str = converter.convert_soup(body)
    return "\n".join(line.rstrip() for line in text.split("\n"))
