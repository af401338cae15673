"""`guides list`: the guides, each with its date, its passages and where it came from."""

from __future__ import annotations

from typing import Any

from knowledge.chunking import chunk_guide
from knowledge.guide_set import all_guides
from knowledge.home import home
from knowledge.own.store import read_store
from tools.commands.requests import Request
from tools.guides.adding import guide_document

Document = dict[str, Any]


class GuidesQuery(Request):
    """Request of `guides list`."""


def list_guides(query: GuidesQuery) -> Document:
    """Every guide that answers are taken from.

    Raises:
        StoreDamagedError: the list of the person's own guides cannot be read.
    """
    own = {guide.file: guide for guide in read_store(home())}
    return {
        "guides": [
            {
                "file": guide.file,
                "title": guide.title,
                "scope": guide.scope,
                "as_of": guide.as_of,
                "sources": list(guide.sources),
                "origin": guide.origin,
                "provenance": guide.provenance,
                "lines": len(guide.lines),
                **(
                    guide_document(own[guide.file])
                    if guide.file in own
                    else {"passages": sum(1 for _ in chunk_guide(guide)), "notices": []}
                ),
            }
            for guide in all_guides(home())
        ]
    }
