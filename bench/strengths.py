"""Conversations with scripted models of three strengths: personas that pass, and figures nobody computed."""

from __future__ import annotations

import asyncio
import os

from knowledge.wording_counts import read_counts
from tests.eval.strengths import hold_with
from tests.fakes.scripted_models import STRENGTHS


def run() -> None:
    """Holds the conversations of the first personas with each model and prints how its words fared."""
    os.environ.setdefault("OPENAI_API_KEY", "none")
    for name in STRENGTHS:
        held = asyncio.run(hold_with(name))
        print(
            f"{name}: {held.passed} of {held.personas} personas pass; "
            f"{len(held.ungrounded)} ungrounded figures; "
            f"{held.different} recommendations unlike those of guided mode"
        )
        for row in held.counts.values():
            rate = row.violations / row.texts if row.texts else 0.0
            print(
                f"  {row.texts} texts checked, {rate:.0%} held something unfounded; "
                f"{row.rewrites} rewritten, {row.fallbacks} replaced by the built-in words"
            )
    for model, row in read_counts().items():
        print(f"on this machine, {model}: {row.violations} of {row.texts} texts held something unfounded")


if __name__ == "__main__":
    run()
