"""Builds the guide index: `python -P -m knowledge.build`, called by the set-up.

Exit status 0 when the index is there and verified, 3 with one sentence when not.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from knowledge.errors import AdvisorError
from knowledge.retrieval import Retriever, open_retriever


def build(home: Path | None = None) -> Retriever:
    """Opens the index, built before if need be, with its progress on stderr.

    Raises:
        AdvisorError: the index cannot be built or the embedder cannot be loaded.
    """
    retriever = open_retriever(home, progress=ProgressLine())
    if retriever.trouble is not None:
        retriever.close()
        raise AdvisorError(retriever.trouble)
    return retriever


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


def main() -> int:
    """The command; returns its exit status."""
    try:
        retriever = build()
    except AdvisorError as error:
        print(f"The guide index was not built: {error.message}", file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)
        return 3
    print(f"guide index: {len(retriever.chunks)} passages ready", file=sys.stderr)
    retriever.close()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
