"""Makes the README's pictures: the real program, typed at by a script, in a real guided conversation.

    make pictures

writes a picture of each screen into `docs/pictures/`, and `tour.svg`, which shows them one after the other.
No network, no model server.
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
from typing import TYPE_CHECKING

from textual.pilot import Pilot

if TYPE_CHECKING:
    from tui.app import AdvisorApp

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
SIZE = (124, 42)
SECONDS = 4
"""How long the tour shows each picture."""
FIRST = "A coding assistant on my RTX 3060 12GB with 32 GB RAM. I use it at work."
WAIT_SECONDS = 120.0
STEP_SECONDS = 4.0
"""A screen has looked up its figures by then."""


async def until(pilot: Pilot[int], condition: Callable[[], bool], what: str) -> None:
    """Wait for something on the screen."""
    limit = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > limit:
            raise SystemExit(f"{what} did not come within {WAIT_SECONDS:.0f} s")
        await pilot.pause(0.05)
    await pilot.pause(0.5)


def picture(pilot: Pilot[int]) -> str:
    """The screen as it stands, as SVG."""
    drawn = pilot.app.export_screenshot(title="llm-advisor")
    # The viewer's own monospace font will do: a README should not fetch fonts from elsewhere.
    drawn = re.sub(r"@font-face\s*\{.*?\}\s*", "", drawn, flags=re.DOTALL)
    return drawn.replace("Fira Code, monospace", "monospace")


def save(pilot: Pilot[int], name: str) -> str:
    """Write the screen as it stands; gives what was written."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    target = FOLDER / f"{name}.svg"
    drawn = picture(pilot)
    target.write_text(drawn, encoding="utf-8")
    print(f"wrote {target.relative_to(ROOT)}")
    return drawn


def tour(frames: list[str]) -> str:
    """One SVG that shows the frames in turn, for ever; without animation it shows the first."""
    share = 100 / len(frames)
    seconds = SECONDS * len(frames)
    box = re.search(r'viewBox="([^"]+)"', frames[0])
    assert box is not None
    style = (
        f".frame {{ visibility: hidden; animation: turn {seconds}s step-end infinite; }}"
        f"@keyframes turn {{ 0% {{ visibility: visible; }} {share:.4f}% {{ visibility: hidden; }} }}"
        ".first { visibility: visible; }"
    )
    shown = []
    for place, frame in enumerate(frames):
        body = frame[frame.index("<svg") :]
        delay = SECONDS * place
        first = " first" if place == 0 else ""
        shown.append(f'<g class="frame{first}" style="animation-delay: {delay}s">{body}</g>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box[1]}"><style>{style}</style>'
    return head + "".join(shown) + "</svg>\n"


async def answered(pilot: Pilot[int], app: AdvisorApp) -> None:
    """Take the first option of each question until there is a recommendation."""
    from tui.widgets.question import GRACE_SECONDS
    from tui.widgets.recommendation import RecommendationBlock

    while not app.chat.query(RecommendationBlock):
        await pilot.pause(GRACE_SECONDS)
        await pilot.press("enter" if app.chat.presenter.question else "ctrl+r")
        await pilot.pause(0.2)
        await until(pilot, lambda: not app.chat.is_busy, "an answer")


async def converse() -> None:
    """A first message, the first option of each question, the recommendation, and its screens."""
    from tui.app import AdvisorApp
    from tui.command_chat import factory
    from tui.widgets.composer import Composer

    app = AdvisorApp(factory("guided", "picture", True), session_name="picture")
    app.animation_level = "none"
    frames = []
    async with app.run_test(size=SIZE) as pilot:
        chat = app.chat
        await until(pilot, lambda: chat.is_open and not chat.is_busy, "the session")
        chat.query_one(Composer).cursor_blink = False
        await pilot.press(*FIRST, "enter")
        await pilot.pause(0.2)
        await until(pilot, lambda: not chat.is_busy, "the first answer")
        frames.append(save(pilot, "conversation"))
        await answered(pilot, app)
        frames.append(save(pilot, "recommendation"))
        await pilot.press("f3")
        for key, name in (("p", "memory"), ("3", "quality"), ("5", "cost")):
            await pilot.press(key)
            await pilot.pause(STEP_SECONDS)
            frames.append(save(pilot, name))
        await pilot.press("escape")
        for key, name in (("d", "compare"), ("m", "card")):
            await pilot.pause(0.5)
            await pilot.press("f3", key)
            await pilot.pause(STEP_SECONDS)
            frames.append(save(pilot, name))
            await pilot.press("escape")
    (FOLDER / "tour.svg").write_text(tour(frames), encoding="utf-8")
    print("wrote docs/pictures/tour.svg")


def main() -> None:
    """Hold the conversation in a state folder of its own."""
    with tempfile.TemporaryDirectory() as state:
        os.environ["LLM_ADVISOR_HOME"] = state
        sys.path.insert(0, str(ROOT))
        asyncio.run(converse())


if __name__ == "__main__":
    main()
