"""Makes the README's pictures: the real program, typed at by a script, in a real guided conversation.

    make pictures

writes `docs/pictures/conversation.svg` and `docs/pictures/recommendation.svg`. No network, no model server.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
SIZE = (124, 42)
FIRST = "A coding assistant on my RTX 3060 12GB with 32 GB RAM. I use it at work."
WAIT_SECONDS = 120.0


async def until(pilot: Pilot[int], condition: Callable[[], bool], what: str) -> None:
    """Wait for something on the screen."""
    limit = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > limit:
            raise SystemExit(f"{what} did not come within {WAIT_SECONDS:.0f} s")
        await pilot.pause(0.05)
    await pilot.pause(0.5)


def save(pilot: Pilot[int], name: str) -> None:
    """Write the screen as it stands."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    target = FOLDER / f"{name}.svg"
    picture = pilot.app.export_screenshot(title="llm-advisor")
    # The viewer's own monospace font will do: a README should not fetch fonts from elsewhere.
    picture = re.sub(r"@font-face\s*\{.*?\}\s*", "", picture, flags=re.DOTALL)
    target.write_text(picture.replace("Fira Code, monospace", "monospace"), encoding="utf-8")
    print(f"wrote {target.relative_to(ROOT)}")


async def converse() -> None:
    """The conversation: a first message, the first option of each question, the recommendation."""
    from tui.app import AdvisorApp
    from tui.command_chat import factory
    from tui.widgets.composer import Composer
    from tui.widgets.question import GRACE_SECONDS
    from tui.widgets.recommendation import RecommendationBlock

    app = AdvisorApp(factory("guided", "picture", True), session_name="picture")
    app.animation_level = "none"
    async with app.run_test(size=SIZE) as pilot:
        chat = app.chat
        await until(pilot, lambda: chat.is_open and not chat.is_busy, "the session")
        chat.query_one(Composer).cursor_blink = False
        await pilot.press(*FIRST, "enter")
        await pilot.pause(0.2)
        await until(pilot, lambda: not chat.is_busy, "the first answer")
        save(pilot, "conversation")
        while not chat.query(RecommendationBlock):
            await pilot.pause(GRACE_SECONDS)
            await pilot.press("enter" if chat.presenter.question else "ctrl+r")
            await pilot.pause(0.2)
            await until(pilot, lambda: not chat.is_busy, "an answer")
        save(pilot, "recommendation")


def main() -> None:
    """Hold the conversation in a state folder of its own."""
    with tempfile.TemporaryDirectory() as state:
        os.environ["LLM_ADVISOR_HOME"] = state
        sys.path.insert(0, str(ROOT))
        asyncio.run(converse())


if __name__ == "__main__":
    main()
