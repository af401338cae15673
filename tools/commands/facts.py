"""How old the facts of an answer are, as part of its document."""

from __future__ import annotations

from typing import Any

from knowledge.catalog.age import facts_of
from knowledge.catalog.records import Accelerator, ApiModel, ModelRecord

Document = dict[str, Any]


def with_facts(document: Document, *about: ModelRecord | ApiModel | Accelerator | str | None) -> Document:
    """The document with `facts`, and past six months with a caveat that names the command that refreshes.

    Args:
        document: the answer; it is changed.
        about: the rows that it is about; models also by hub id. None for the catalog as a whole.
    """
    facts = facts_of(one for one in about if one is not None)
    document["facts"] = facts.as_json()
    if facts.warning:
        document["caveats"] = [*document.get("caveats", ()), facts.warning]
    return document
