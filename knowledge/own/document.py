"""What reading a file gives, and what says that it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["markdown", "text", "html", "pdf"]


class RefusedError(Exception):
    """A file that cannot be added; `message` is the rest of a sentence that begins with the file's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file as Markdown, and what is to be said of it."""

    kind: Kind
    text: str
    title: str
    """Empty where the document names none."""
    as_of: str | None = None
    """ISO date that a Markdown file's front matter gives."""
    body_start: int = 0
    """Index of the first line after the front matter."""
    pages: int | None = None
    """Of a PDF."""
    notices: tuple[str, ...] = ()
    passages: int = 0
    signature: str = ""
    """MinHash of the words, see `duplicates`."""
