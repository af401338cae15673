"""How the guided conversations of the personas end, how many questions they take, and how long turns take."""

from __future__ import annotations

import asyncio

from tests.eval.conversation import hold_all, load_personas


def run() -> None:
    """Holds every conversation in this process and prints the figures."""
    personas = load_personas()
    figures = asyncio.run(hold_all(personas))
    print(f"conversations: {len(personas)} personas")
    print("\n".join(figures.lines()))


if __name__ == "__main__":
    run()
