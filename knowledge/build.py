"""Builds the guide index: `python -P -m knowledge.build`, called by the set-up.

Exit status 0 when the index is there and verified, 3 with one sentence when not.
"""

from __future__ import annotations

import sys
from pathlib import Path

from knowledge.errors import AdvisorError
from knowledge.progress_line import ProgressLine
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
