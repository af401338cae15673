"""How much one may add: every limit with the reason that is told where it is passed."""

from __future__ import annotations

MAX_FILE_BYTES = 50_000_000
"""A larger file is refused before it is read."""
MAX_FILES = 10_000
"""Files of one call."""
MAX_DEPTH = 20
"""Folders below the one that was named."""
MAX_PAGES = 5_000
"""Pages of one PDF."""
MAX_CHARACTERS = 10_000_000
"""Characters of text of one document."""
MAX_COLUMNS = 40
"""Columns of a table in HTML; the rest of a wider one is left out."""
MAX_NESTING = 300
"""Levels of HTML; deeper ones are read without their structure."""
MAX_TITLE = 120
"""Characters of a title; it stands before every passage."""
STEP_SECONDS = 60.0
"""For a file, or one page of a PDF."""
FILE_SECONDS = 1_200.0
"""For a whole file, however many pages it has."""
MEMORY_BYTES = 3 << 30
"""Address space of the reading process, libraries included, where the platform can limit it."""


def megabytes(count: int) -> str:
    """A number of bytes in decimal megabytes, for a person."""
    return f"{count / 1e6:,.0f} MB" if count >= 10_000_000 else f"{count / 1e6:,.1f} MB"
