"""Reading a recommendation, its memory bar, its layout, and its text for the clipboard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.fakes import GIB, RECOMMENDATION, candidate
from tui.answer import Bar, read_answer
from tui.answer_text import as_markdown
from tui.claims import Source
from tui.glyphs import ASCII, UNICODE
from tui.trade_off import BEST, trade_off
from tui.widgets.candidates import lay_out
from tui.widgets.memory_bar import cells, draw_bar


def test_sources_are_numbered_once_and_in_order_of_use() -> None:
    answer = read_answer(RECOMMENDATION)
    assert [source.number for source in answer.candidates[0].sources] == [1, 2]
    assert [claim.sources for claim in answer.candidates[0].why] == [(1,), (2,)]
    assert answer.candidates[1].why[0].sources == (1,)
    assert [source.number for source in answer.sources] == [1, 2]


def test_sources_can_be_numbered_for_each_option() -> None:
    other = {"text": "x", "evidence": [{"kind": "tool", "source": "estimate_speed", "locator": ""}]}
    entries = [candidate(1, "A", "Q4_K_M", 8.0), candidate(2, "B", "Q4_K_M", 8.0, why=[other])]
    through = read_answer({"candidates": entries}).candidates[1]
    alone = read_answer({"candidates": entries}, number_each=True).candidates[1]
    assert ([source.number for source in through.sources], through.why[0].sources) == ([3], (3,))
    assert ([source.number for source in alone.sources], alone.why[0].sources) == ([1], (1,))


def test_guide_source_names_heading_and_lines() -> None:
    source = Source(1, "guide", "Memory of a local model", "memory.md#what-takes-memory:12-18")
    assert source.label == "guide: Memory of a local model, what takes memory, lines 12-18"


def test_memory_bar_adds_up_and_says_free() -> None:
    bar = read_answer(RECOMMENDATION).candidates[0].bars[0]
    assert bar.available == 12 * GIB
    assert bar.free is not None
    assert bar.used + bar.free == bar.available


def test_devices_have_a_bar_each() -> None:
    entry = candidate(1, "A", "Q4_K_M", 20.0)
    device = {
        key: value // 2
        for key, value in entry["memory"].items()
        if not key.startswith(("available", "total", "file", "fits"))
    }
    entry["memory"]["per_device"] = [
        {**device, "device": name, "memory_bytes": 24 * GIB} for name in ("one", "two")
    ]
    bars = read_answer({"candidates": [entry]}).candidates[0].bars
    assert [(bar.device, bar.available) for bar in bars] == [("one", 24 * GIB), ("two", 24 * GIB)]


def test_api_models_have_no_memory() -> None:
    entry = candidate(1, "A", "", 1.0, kind="api", cost={"usd_per_month": 12.5})
    one = read_answer({"candidates": [entry]}).candidates[0]
    assert one.bars == ()
    assert one.memory == ""
    assert one.headline == "through the API of ollama, 16k tokens of context"
    assert one.cost == "$12.50 a month"


def test_bar_over_the_memory_says_by_how_much() -> None:
    text = draw_bar(Bar("card", (("weights", 13 * GIB),), 12 * GIB), 60, ASCII).plain
    assert "13.0 GiB needed, 12.0 GiB there: over by 1.0 GiB" in text
    assert "free" not in text


@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_bar_tells_parts_apart_without_color(signs: object) -> None:
    chosen = ASCII if signs is ASCII else UNICODE
    bar = Bar("card", (("weights", 6), ("KV cache", 3), ("compute", 2), ("overhead", 1)), 16)
    drawn = draw_bar(bar, 64, chosen).plain.splitlines()[1]
    assert len(set(drawn)) == 5
    assert cell_len(drawn) == 64


@given(st.lists(st.integers(0, 1 << 45), min_size=1, max_size=5), st.integers(5, 200))
def test_cells_fill_the_width_and_show_every_part(parts: list[int], width: int) -> None:
    given_cells = cells(parts, width)
    if sum(parts) == 0:
        assert set(given_cells) == {0}
        return
    assert sum(given_cells) == width
    assert all((count > 0) == (part > 0) for count, part in zip(given_cells, parts, strict=True))


@pytest.mark.parametrize("width", range(30, 201, 5))
def test_options_never_overflow_and_keep_every_figure(width: int) -> None:
    answer = read_answer(RECOMMENDATION)
    text = lay_out(answer.candidates, width, 0, UNICODE).plain
    assert max(cell_len(line) for line in text.splitlines()) <= width
    flat = " ".join(text.split())
    for figure in ("Q4_K_M", "Q5_K_M", "10.0 of 12.0 GiB", "24-31", "best for these needs"):
        assert figure in flat or width < 50
    if width >= 60:
        assert "apache-2.0" in flat
        assert "Qwen2.5-Coder-14B-Instruct" in flat


def test_trade_off_is_said_from_the_figures() -> None:
    best = candidate(1, "A", "Q4_K_M", 8.0)
    fast = candidate(2, "B", "Q4_K_M", 4.0)
    fast["speed"] = {"tokens_per_second": {"low": 50, "mid": 56, "high": 60}}
    fast["quality"] = {"score": 64.08, "measured": True}
    fast["license"] = {"id": "x", "commercial_use": "conditional"}
    assert trade_off(best, best) == BEST
    assert (
        trade_off(fast, best)
        == "against the best: 2.0x the speed, 4.0 GiB less memory, quality 10 % lower, stricter license"
    )
    assert trade_off(candidate(2, "C", "Q4_K_M", 8.0), best) == "about equal to the best"
    assert trade_off({}, best) == "about equal to the best"


def test_markdown_holds_everything() -> None:
    text = as_markdown(read_answer(RECOMMENDATION))
    for part in (
        "### 1. Qwen2.5-Coder-14B-Instruct",
        "```sh\nollama run qwen2.5-coder:14b\n```",
        "[2] guide: Memory of a local model",
        "If you had 24 GB of video memory",
        "Codestral-22B: its license forbids commercial use",
        "weights 8.4 GiB",
    ):
        assert part in text


def test_nothing_fits_is_an_answer_too() -> None:
    answer = read_answer(
        {
            "candidates": [],
            "error": {"message": "Nothing fits 4 GiB.", "hint": "Use a smaller context."},
            "rejected": [{"model": "A", "reason": "needs 5 GiB"}],
        }
    )
    assert answer.error == ("Nothing fits 4 GiB.", "Use a smaller context.")
    assert "Nothing fits 4 GiB. Use a smaller context." in as_markdown(answer)


def test_a_model_without_a_cache_is_not_said_to_have_one() -> None:
    entry = candidate(1, "A", "F16", 1.0)
    memory = {**entry["memory"], "kv_cache_bytes": 0}
    with_cache = read_answer({"candidates": [entry]}).candidates[0]
    without = read_answer({"candidates": [{**entry, "memory": memory}]}).candidates[0]
    assert "KV cache in" in with_cache.headline
    assert "KV cache" not in without.headline
