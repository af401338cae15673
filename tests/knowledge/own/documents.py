"""Documents of every kind, made in the test, and a reader in the test's own process."""

from __future__ import annotations

from collections.abc import Sequence

from knowledge.own.document import Document
from knowledge.own.reading import PageProgress, read_document


class InProcessReader:
    """Reads without a child process; can be told to raise when a file's turn comes."""

    def __init__(self, failures: dict[str, BaseException] | None = None) -> None:
        self.failures = failures or {}
        self.read_names: list[str] = []
        self.closed = False

    def read(self, name: str, data: bytes, progress: PageProgress | None = None) -> Document:
        if name in self.failures:
            raise self.failures[name]
        self.read_names.append(name)
        return read_document(name, data, progress)

    def close(self) -> None:
        self.closed = True


def shown(*lines: str, at: tuple[int, int] = (50, 780), before: str = "", size: float = 11) -> bytes:
    """Drawing operators that show lines of text."""
    shows = "".join(f"({line}) Tj T*\n" for line in lines)
    return f"{before}\nBT /F1 {size} Tf 14 TL {at[0]} {at[1]} Td\n{shows}ET\n".encode("latin-1")


def pdf(pages: Sequence[bytes], *, info: str = "", image: tuple[int, int] | None = None) -> bytes:
    """A PDF of pages with these drawing operators; each has the picture `/Im1` where a size is given."""
    kids = " ".join(f"{6 + 2 * number} 0 R" for number in range(len(pages)))
    across, up = image or (1, 1)
    pictures = "/XObject << /Im1 4 0 R >>" if image else ""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        f"<< /Type /XObject /Subtype /Image /Width {across} /Height {up} /BitsPerComponent 8 "
        "/ColorSpace /DeviceGray /Length 1 >>\nstream\n0\nendstream".encode(),
        f"<< {info} >>".encode("latin-1"),
    ]
    for number, content in enumerate(pages):
        resources = f"/Resources << /Font << /F1 3 0 R >> {pictures} /ExtGState << /Gone << /ca 0 >> >> >>"
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {resources} "
        page += f"/Contents {7 + 2 * number} 0 R >>"
        objects.append(page.encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    return _assembled(objects)


def _assembled(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


def note(number: int) -> str:
    """A Markdown note; each has other words."""
    words = " ".join(f"word{number}x{place}" for place in range(60))
    return f"# Note {number}\n\nThe garden of number {number}: {words}.\n"
