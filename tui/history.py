"""What was typed before, kept over sessions as an append-only file."""

from __future__ import annotations

import json
from pathlib import Path

KEPT = 500
LONGEST = 20_000
"""Characters; a longer input is not worth walking back to."""


class InputHistory:
    """Inputs, oldest first, with a cursor that walks them and keeps the draft."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._entries: list[str] = []
        self._cursor: int | None = None
        self._draft = ""

    def load(self) -> None:
        """Read the file; a missing, damaged or unreadable one counts as empty."""
        if self._path is None:
            return
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        entries: list[str] = []
        for line in lines[-KEPT:]:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, str) and entry:
                entries.append(entry)
        self._entries = entries + self._entries

    def add(self, text: str) -> None:
        """Remember an input, in memory at once."""
        self._cursor = None
        if not text.strip() or len(text) > LONGEST or (self._entries and self._entries[-1] == text):
            return
        self._entries.append(text)

    def save(self, text: str) -> None:
        """Append an input to the file; a folder that cannot be written is no reason to interrupt anyone."""
        if self._path is None or not text.strip() or len(text) > LONGEST:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(text) + "\n")
        except OSError:
            return

    def older(self, current: str) -> str | None:
        """The entry before; None at the oldest. `current` is kept as the draft."""
        if self._cursor is None:
            self._cursor, self._draft = len(self._entries), current
        if self._cursor == 0:
            return None
        self._cursor -= 1
        return self._entries[self._cursor]

    def newer(self) -> str | None:
        """The entry after, at the end the draft; None where nobody walked."""
        if self._cursor is None:
            return None
        self._cursor += 1
        if self._cursor >= len(self._entries):
            self._cursor = None
            return self._draft
        return self._entries[self._cursor]

    def leave(self) -> None:
        """Forget the walk: the text was edited."""
        self._cursor = None
