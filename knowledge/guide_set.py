"""The guides that the advisor answers from: those that it ships with, and those that a person added."""

from __future__ import annotations

from pathlib import Path

from knowledge.corpus import SHIPPED, Guide, load_guides
from knowledge.own.store import own_guides


def all_guides(home: Path) -> tuple[Guide, ...]:
    """Every guide, the shipped ones first.

    Args:
        home: the state folder, which holds the person's own guides.
    """
    return (*load_guides((SHIPPED,)), *own_guides(home))
