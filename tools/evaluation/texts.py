"""Texts in the form in which they are compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def composed(text: str) -> str:
    """The text in Unicode's composed form (NFC): a letter and its accent are one sign."""
    return unicodedata.normalize("NFC", text)


def plain(text: str, ignore: Sequence[str]) -> str:
    """The text in one form of Unicode and white space, without what is to be ignored.

    Args:
        text: any.
        ignore: of `case` and `punctuation`.
    """
    bare = composed(text)
    if "case" in ignore:
        bare = bare.casefold()
    if "punctuation" in ignore:
        bare = "".join(" " if _is_mark(sign) else sign for sign in bare)
    return " ".join(bare.split())


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign)[0] == "P" or sign in "`|~^$+<>="
