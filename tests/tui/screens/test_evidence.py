"""The evidence: calculations and sources opened, searched, copied and written; what is not kept is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.events import ToolCall
from tests.tui.driving import chatting, say, shown, until
from tests.tui.fakes import LOCATOR, FakeSession, conversation
from tui.evidence_view import EARLIER, evidence_of, found_lines
from tui.record import Record
from tui.screens.evidence import EvidenceScreen
from tui.turns import Input
from tui.value_lines import figure, value_lines
from tui.widgets.fold import FoldTitle


def test_figures_have_the_unit_of_their_key() -> None:
    assert figure("total_bytes", 3 << 30) == "3.0 GiB (3,221,225,472 bytes)"
    assert figure("file_bytes", 512) == "512 bytes"
    assert figure("max_context", 16384) == "16,384 tokens"
    assert figure("year", 2026) == "2026"
    assert figure("fits", True) == "yes"
    assert figure("usd_per_month", 1.5) == "$1.50"
    assert value_lines({"tokens_per_second": {"low": 24, "high": 31}}) == [
        "tokens per second:",
        "  low: 24 tok/s",
        "  high: 31 tok/s",
    ]
    assert value_lines({"names": ["a", "b"], "empty": []}) == ["names: a, b", "empty: none"]


def test_a_search_keeps_what_a_line_stands_under() -> None:
    lines = ["a:", "  b:", "    word", "  c: x", "d: y"]
    assert found_lines(lines, "WORD") == ["a:", "  b:", "    word"]


def test_earlier_sittings_say_what_is_not_kept() -> None:
    record = Record()
    record.begin(Input("open"))
    cited = [{"kind": "guide", "source": "Memory", "locator": LOCATOR}]
    record.before(
        [{"role": "user", "text": "coding"}, {"role": "advisor", "text": "Yes.", "citations": cited}]
    )
    (turn,) = evidence_of(record)
    assert turn.note == EARLIER
    assert "coding" in turn.heading
    assert not turn.calls
    assert [one.source.locator for one in turn.sources if one.source] == [LOCATOR]
    assert record.turn_of("Yes.") == 0
    assert record.turn_of("nothing of the kind") is None


async def test_lines_open_to_inputs_results_and_marked_passages() -> None:
    async with chatting(conversation(), size=(80, 24)) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f9")
        await until(
            pilot, lambda: isinstance(app.screen, EvidenceScreen) and isinstance(app.focused, FoldTitle)
        )
        assert "180 ms" in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: "task: code" in shown(app))
        assert "candidates: 3" in shown(app)
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: "\u25b6 14  The weights take most" in shown(app), "the marked line")
        assert "memory.md, line 14, as of 2026-10-01" in shown(app)
        await pilot.press("escape")
        assert app.screen is app.chat


async def test_v_opens_the_turn_of_the_message() -> None:
    async with chatting(conversation(), size=(80, 24)) as (app, pilot):
        await say(pilot, "coding")
        await say(pilot, "16k")
        app.chat.query(".advisor").first().focus()
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.focused, FoldTitle))
        entry = app.focused.parent.entry  # type: ignore[union-attr]
        assert entry.title == "read hardware"
        await pilot.press("escape", "f3", "v")
        await until(pilot, lambda: isinstance(app.focused, FoldTitle))
        entry = app.focused.parent.entry  # type: ignore[union-attr]
        assert entry.title == "recommend"


async def test_search_copy_and_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    copied: list[str] = []
    async with chatting(conversation(), size=(80, 24)) as (app, pilot):
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        await say(pilot, "coding")
        await say(pilot, "16k")
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.focused, FoldTitle))
        await pilot.press("slash", *"devices")
        await until(pilot, lambda: "1 line holds" in shown(app))
        assert "LiveCodeBench" not in shown(app)
        await pilot.press("enter", "enter", "c")
        await until(pilot, lambda: "Copied read hardware" in shown(app))
        assert "\u25b6 devices: RTX 3060 12GB" in shown(app)
        assert "devices: RTX 3060 12GB" in copied[0]
        await pilot.press("e")
        await until(pilot, lambda: "Wrote" in shown(app))
        await pilot.press("escape", "escape")
        assert app.screen is app.chat
    (written,) = list(Path.glob(tmp_path, "llm-advisor-evidence-*.md"))
    assert "LiveCodeBench v6, 2026-08-01" in written.read_text(encoding="utf-8")


async def test_a_long_result_opens_in_parts() -> None:
    long = ToolCall("list_models", {}, {"rows": [{"name": f"model {n}"} for n in range(300)]}, 0.2)
    async with chatting(FakeSession([long]), size=(80, 24)) as (app, pilot):
        await say(pilot, "all")
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.focused, FoldTitle))
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.screen.query(".rest")))
        assert len(app.screen.query(FoldTitle)) == 2


async def test_nothing_yet_says_the_next_step() -> None:
    async with chatting(FakeSession(), size=(80, 24)) as (app, pilot):
        await app.push_screen(EvidenceScreen(Record(), app.bridge))
        await pilot.pause()
        assert "Nothing was computed or cited yet" in shown(app)
        await pilot.press("c", "e", "escape")
        assert app.screen is app.chat
