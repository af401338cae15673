"""How far a long piece of work is, on stderr."""

from __future__ import annotations

import shutil
import sys


class ProgressLine:
    """Progress on stderr: a bar on a terminal, else one line when it begins and one when it ends."""

    def __init__(self, title: str = "Indexing the guides", what: str = "passages") -> None:
        self._title = title
        self._what = what
        self._begun = False
        self._length = 0

    def __call__(self, done: int, total: int, detail: str = "") -> None:
        """`detail` says more of the step at hand; only a terminal shows it."""
        stream = sys.stderr
        if stream.isatty():
            width = 32
            filled = width * done // max(total, 1)
            bar = "#" * filled + "-" * (width - filled)
            line = f"{self._title} [{bar}] {done}/{total} {self._what}{f' {detail}' if detail else ''}"
            line = line[: max(40, shutil.get_terminal_size().columns - 1)]
            # As long as the line before it, or that one's end would stay.
            stream.write("\r" + line.ljust(self._length) + ("\n" if done >= total else ""))
            self._length = len(line)
        elif not self._begun:
            stream.write(f"{self._title}: {total} {self._what}\n")
        if not stream.isatty() and done >= total:
            stream.write(f"{self._title}: done\n")
        self._begun = True
        stream.flush()
