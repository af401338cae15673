"""`guides remove`: forgets own guides; the files that they were made of are left alone."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from knowledge.corpus import SHIPPED
from knowledge.errors import UnknownNameError, UsageError
from knowledge.home import expanded, home
from knowledge.own.store import PREFIX, OwnGuide, change_store, own_guide, read_store
from knowledge.retrieval import INDEX
from knowledge.words import forget_words
from tools.claims.store import forget_claims
from tools.commands.requests import Request

Document = dict[str, Any]
MAX_NAMES = 1_000
MAX_NAME = 4_096


class RemoveQuery(Request):
    """Request of `guides remove`."""

    names: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=MAX_NAME)], ...], Field(max_length=MAX_NAMES)
    ] = Field(
        (), description="names of own guides, or the paths of the files or folders they were added from"
    )
    all: bool = Field(False, description="remove all of your own guides; needs --yes")
    yes: bool = Field(False, description="confirm --all")


def remove_guides(query: RemoveQuery) -> Document:
    """Forgets own guides: all that are named, or none where one name is unknown.

    Raises:
        UsageError: nothing is named, `all` is not confirmed, or a shipped guide is named.
        UnknownNameError: no own guide has this name or path.
        AdvisorError: the store cannot be read or written.
    """
    held = read_store(home())
    if query.all:
        gone = _all(query, held)
    elif query.names:
        gone = list(dict.fromkeys(name for text in query.names for name in _named(text, held)))
    else:
        raise UsageError(
            "Name a guide to remove.", hint="`llm-advisor guides list` shows them; --all --yes removes all."
        )
    removed = [guide for guide in held if guide.name in gone]
    if gone:
        texts = [found for guide in removed if (found := own_guide(home(), guide.file)) is not None]
        change_store(home(), drop=gone)
        # Passages and findings repeat the text; the next search writes the passages anew without it.
        forget_words(home() / INDEX)
        forget_claims(texts)
    return {
        "removed": [{"file": guide.file, "title": guide.title, "source": guide.source} for guide in removed],
        "left": len(held) - len(removed),
    }


def _all(query: RemoveQuery, held: tuple[OwnGuide, ...]) -> list[str]:
    if query.names:
        raise UsageError("Give names or --all, not both.")
    if not query.yes and held:
        count = f"all {len(held):,} of your own guides" if len(held) != 1 else "your one own guide"
        raise UsageError(
            f"This would remove {count}.", hint="Add --yes to do it. Your files themselves are left alone."
        )
    return [guide.name for guide in held]


def _named(text: str, held: tuple[OwnGuide, ...]) -> list[str]:
    """The names of the guides that a name, file or path means."""
    bare = text.removeprefix(PREFIX).removesuffix(".md")
    found = [guide.name for guide in held if bare == guide.name]
    found = found or [guide.name for guide in held if bare.casefold() == guide.name.casefold()]
    found = found or [guide.name for guide in held if text.casefold() == guide.title.casefold()]
    if found:
        return found
    places = {os.path.abspath(expanded(text)), os.path.realpath(expanded(text))}
    found = [
        guide.name for guide in held if any(Path(guide.source).is_relative_to(place) for place in places)
    ]
    if not found:
        _unknown(text, bare, held)
    return found


def _unknown(text: str, bare: str, held: tuple[OwnGuide, ...]) -> None:
    if bare + ".md" in {path.name for path in SHIPPED.glob("*.md")}:
        raise UsageError(
            f"`{text[:200]}` is a shipped guide and cannot be removed.",
            hint="Only guides that you added can: `llm-advisor guides list`.",
        )
    names = [guide.name for guide in held]
    near = difflib.get_close_matches(bare, names, n=3)
    raise UnknownNameError(
        f"No guide of yours is called `{text[:200]}`, and none was added from there.",
        hint=f"The nearest: {', '.join(near)}." if near else "`llm-advisor guides list` shows them.",
        nearest=near,
    )
