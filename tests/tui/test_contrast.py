"""Text can be told from its background in both themes: 4.5 to 1, and 3 to 1 where it is muted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.geometry import Region
from textual.theme import Theme

from knowledge.home import HOME_VARIABLE
from tests.tui.driving import chatting, say, settled
from tests.tui.fakes import conversation
from tui.app import AdvisorApp
from tui.themes import DARK, LIGHT
from tui.widgets.composer import Composer

PLAIN, MUTED = 4.5, 3.0


def texts(app: AdvisorApp, region: Region | None = None) -> Iterator[tuple[str, float]]:
    """What is drawn in a region of the screen, with the contrast of its colors."""
    whole = region or app.screen.region
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        if whole.y <= y < whole.bottom:
            for segment in strip.crop(whole.x, whole.right):
                yield from _measured(segment)


def _measured(segment: Segment) -> Iterator[tuple[str, float]]:
    style = segment.style
    if style is None or style.color is None or style.bgcolor is None:
        return
    if any(char.isalnum() for char in segment.text):
        front, back = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
        yield segment.text.strip(), contrast(front, back)


def contrast(one: Color, other: Color) -> float:
    """As WCAG 2 has it, from 1 to 21."""
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_measure_itself() -> None:
    assert contrast(Color.parse("#000"), Color.parse("#fff")) == pytest.approx(21)
    assert contrast(Color.parse("#777"), Color.parse("#fff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_the_colors_of_a_theme(theme: Theme) -> None:
    colors = (theme.foreground, theme.primary, theme.secondary, theme.accent, theme.warning, theme.error)
    for color in (*colors, theme.success):
        for ground in (theme.background, theme.surface, theme.panel):
            assert contrast(Color.parse(str(color)), Color.parse(str(ground))) >= PLAIN, (color, ground)


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
async def test_what_is_drawn(theme: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    async with chatting(conversation(), size=(120, 50)) as (app, pilot):
        app.theme = theme
        await pilot.pause()
        for text in ("a coding assistant", "A few files (16k tokens)"):
            await say(pilot, text)
            assert [(said, ratio) for said, ratio in texts(app) if ratio < MUTED] == []
        for screen in ("/settings", "/setup", "/sessions", "/log", "/evidence"):
            app.chat.query_one(Composer).put(screen)
            await pilot.press("enter")
            await pilot.pause(0.3)
            await pilot.press("down")
            sheet = app.screen.query("#sheet").first()
            shown = list(texts(app, sheet.region))
            assert shown
            assert [(said, ratio) for said, ratio in shown if ratio < MUTED] == [], screen
            await pilot.press("escape")
            await settled(pilot)
