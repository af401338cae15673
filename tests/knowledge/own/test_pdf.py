"""PDF: pages, what is drawn so that nobody sees it, and what cannot be read."""

from __future__ import annotations

import io

import pytest

from knowledge.own import pdf as pdf_module
from knowledge.own.document import RefusedError
from knowledge.own.reading import read_document
from tests.knowledge.own.documents import pdf, shown


def test_every_page_has_a_heading() -> None:
    seen: list[tuple[int, int]] = []
    data = pdf([shown("First words."), b"", shown("Third words.")])
    document = read_document("a.pdf", data, lambda page, pages: seen.append((page, pages)))
    assert document.text == "## Page 1\n\nFirst words.\n\n## Page 3\n\nThird words.\n"
    assert (document.kind, document.pages, document.title) == ("pdf", 3, "a")
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert document.notices == ("1 of 3 pages hold no text (pictures or blank)",)


def test_the_title_is_the_documents() -> None:
    assert read_document("a.pdf", pdf([shown("x y")], info="/Title (My handbook)")).title == "My handbook"
    assert read_document("a.pdf", pdf([shown("x y")], info="/Title (Microsoft Word - a.doc)")).title == "a"


@pytest.mark.parametrize(
    "drawn",
    [
        shown("secret", before="1 g"),
        shown("secret", before="1 1 1 rg"),
        shown("secret", before="0 0 0 0 k"),
        b"BT 3 Tr /F1 11 Tf 50 600 Td (secret) Tj ET",
        b"BT 3 Tr /F1 11 Tf 50 600 Td [(sec) -20 (ret)] TJ ET",
        shown("secret", size=0.4),
        shown("secret", at=(9000, 100)),
        shown("secret", before="/Gone gs"),
        shown("secret", before="0 0 0 rg 10 10 20 20 re f 1 g"),
    ],
    ids=[
        "gray",
        "rgb",
        "cmyk",
        "mode 3",
        "mode 3 spaced",
        "tiny",
        "beside the page",
        "see-through",
        "a dark spot elsewhere",
    ],
)
def test_what_nobody_sees_is_left_out_and_counted(drawn: bytes) -> None:
    document = read_document("a.pdf", pdf([b"q\n" + drawn + b"\nQ\n" + shown("Words to read.")]))
    assert document.text == "## Page 1\n\nWords to read.\n"
    assert document.notices == ("hidden text left out: 6 characters",)


def test_white_words_on_a_dark_ground_are_seen() -> None:
    dark = b"0 0 0.4 rg 40 690 300 30 re f\n" + shown("Heading of a table", at=(50, 700), before="1 1 1 rg")
    document = read_document("a.pdf", pdf([dark]))
    assert "Heading of a table" in document.text
    assert document.notices == ()


def test_the_recognized_text_of_a_scan_is_read() -> None:
    page = b"q 595 0 0 842 0 0 cm /Im1 Do Q BT 3 Tr /F1 11 Tf 50 600 Td (recognized words) Tj ET"
    assert "recognized words" in read_document("a.pdf", pdf([page], image=(1240, 1754))).text
    with pytest.raises(RefusedError):
        read_document("a.pdf", pdf([page], image=(10, 10)))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (pdf([b"q Q"]), "no_text"),
        (b"%PDF-1.7\nnothing of the kind", "damaged"),
        (b"plain words", "damaged"),
        (pdf([shown("x")])[:200], "damaged"),
    ],
    ids=["scan", "garbage", "no PDF", "cut"],
)
def test_what_cannot_be_read_says_why(data: bytes, code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_document("a.pdf", data)
    assert refused.value.code == code


def test_an_encrypted_file_is_refused_unless_its_password_is_empty() -> None:
    from pypdf import PdfReader, PdfWriter

    for password, readable in (("secret", False), ("", True)):
        writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf([shown("Words to read.")]))))
        writer.encrypt(password, owner_password="owner", algorithm="AES-256")
        data = io.BytesIO()
        writer.write(data)
        if readable:
            assert "Words to read." in read_document("a.pdf", data.getvalue()).text
        else:
            with pytest.raises(RefusedError, match="encrypted"):
                read_document("a.pdf", data.getvalue())


def test_too_many_pages_name_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_module, "MAX_PAGES", 2)
    with pytest.raises(RefusedError, match="has 3 pages; the limit is 2"):
        read_document("a.pdf", pdf([shown("x y")] * 3))


def test_running_titles_and_page_numbers_are_told_once() -> None:
    pages = [
        shown("My handbook", f"Words of part {number}.", f"and more {number} here.", f"{number}")
        for number in range(1, 9)
    ]
    text = read_document("a.pdf", pdf(pages)).text
    assert text.count("My handbook") == 1
    assert "Words of part 7." in text


def test_signs_at_the_start_of_a_line_are_no_markdown() -> None:
    text = read_document("a.pdf", pdf([shown("# not a heading", "-----", "and a hyphen-", "ated word")])).text
    assert text == "## Page 1\n\n\\# not a heading\nand a hyphenated word\n"
