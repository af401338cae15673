"""Documents that say nearly the same: MinHash over their words (Broder 1997), by datasketch."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datasketch import MinHash

PERMUTATIONS = 128
_SCHEME: Literal["affine32"] = "affine32"
"""How datasketch permutes; signatures of two schemes cannot be compared."""
WORDS = 4
"""Words that make one shingle."""
NEAR = 0.7
"""Share of shingles from which two documents are near-duplicates."""
_WORD = re.compile(r"\w+")


def signature(text: str) -> str:
    """The MinHash of a text's shingles, as 684 letters; equal texts have equal ones."""
    import numpy as np

    values = _minhash(text).hashvalues.astype("<u4")
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _minhash(text: str) -> MinHash:
    from datasketch import MinHash

    words = _WORD.findall(text.lower())
    shingles = {" ".join(words[at : at + WORDS]) for at in range(max(1, len(words) - WORDS + 1))}
    made = MinHash(num_perm=PERMUTATIONS, scheme=_SCHEME)
    # Sorted: the same text gives the same work, and the same memory.
    made.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in sorted(shingles)])
    return made


class Likenesses:
    """The signatures of all documents, searched for the nearest."""

    def __init__(self, signatures: Iterable[tuple[str, str]]) -> None:
        """`signatures` are pairs of a name and a signature."""
        from datasketch import MinHashLSH

        self._index = MinHashLSH(threshold=NEAR, num_perm=PERMUTATIONS)
        self._held: dict[str, MinHash] = {}
        for name, text in signatures:
            self.add(name, text)

    def add(self, name: str, text: str) -> None:
        """Takes in a signature, in place of one of the same name."""
        if name in self._held:
            self._index.remove(name)
        self._held[name] = _opened(text)
        self._index.insert(name, self._held[name])

    def nearest(self, text: str, *, but: str = "") -> tuple[str, float] | None:
        """The name of the most similar document and the share of shingles in common; None below 70 %."""
        asked = _opened(text)
        found = (
            (name, float(asked.jaccard(self._held[name]))) for name in self._index.query(asked) if name != but
        )
        best = max(found, key=lambda item: (item[1], item[0]), default=None)
        return best if best is not None and best[1] >= NEAR else None


def _opened(text: str) -> MinHash:
    import numpy as np
    from datasketch import MinHash

    values = np.frombuffer(base64.b64decode(text), dtype="<u4").astype(np.uint32)
    return MinHash(num_perm=PERMUTATIONS, hashvalues=values, scheme=_SCHEME)
