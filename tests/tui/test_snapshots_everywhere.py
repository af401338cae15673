"""Pictures of the chat, light and without color, at three sizes. `--snapshot-update` after a change."""

from __future__ import annotations

import pytest

from tests.tui.driving import make_app
from tests.tui.fakes import conversation
from tests.tui.test_snapshots import SIZES, Before, Compare, asked, details
from tui.themes import LIGHT

STATES = [asked, details]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("before", STATES, ids=lambda step: step.__name__)
def test_light(snap_compare: Compare, size: tuple[int, int], before: Before) -> None:
    app = make_app(conversation())
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("before", STATES, ids=lambda step: step.__name__)
def test_no_color(
    snap_compare: Compare, size: tuple[int, int], before: Before, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(conversation()), terminal_size=size, run_before=before)
