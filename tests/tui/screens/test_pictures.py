"""The pictures, by keys and mouse."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from agent.events import Recommendation
from tests.tui.driving import chatting, say, shown, until
from tests.tui.fakes import FakeSession
from tests.tui.pictures_data import API, BOUGHT, LANDSCAPE, OWNED, RAW
from tui.app import AdvisorApp
from tui.pictures.memory import Tuning
from tui.screens.pictures import PicturesScreen
from tui.widgets.context_slider import ContextSlider
from tui.widgets.memory_pane import MemoryPane


@asynccontextmanager
async def pictures(
    raw: Mapping[str, Any] = RAW, text: str = "", size: tuple[int, int] = (100, 40)
) -> AsyncIterator[tuple[AdvisorApp, Pilot[int], PicturesScreen]]:
    """The screen over a chat, with the memory drawn where there is any."""
    async with chatting(FakeSession(), size=size) as (app, pilot):
        screen = PicturesScreen(raw, 0, text)
        await app.push_screen(screen)
        if raw or text:
            await until(pilot, lambda: "Reading the model catalog" not in shown(app), "the catalog")
        yield app, pilot, screen


def tuned(screen: PicturesScreen) -> Tuning:
    """What the memory is drawn for."""
    tuning = screen.query_one(MemoryPane).tuning
    assert tuning is not None
    return tuning


async def sees(pilot: Pilot[int], text: str) -> None:
    """Wait until a text is on the screen."""
    app = pilot.app
    assert isinstance(app, AdvisorApp)
    await until(pilot, lambda: text in " ".join(shown(app).split()), f"`{text}`")


async def test_p_on_a_recommendation_opens_its_option() -> None:
    async with chatting(FakeSession([Recommendation(RAW)])) as (app, pilot):
        await say(pilot, "a coder")
        await pilot.press("f3", "down", "p")
        await until(pilot, lambda: isinstance(app.screen, PicturesScreen))
        await sees(pilot, "Qwen3-14B (2 of 3)")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.chat)


async def test_context_steps_and_ends() -> None:
    async with pictures() as (_, pilot, screen):
        await pilot.press("right")
        assert tuned(screen).context == 20480
        await pilot.press("left", "left")
        assert tuned(screen).context == 14336
        await pilot.press("end")
        assert tuned(screen).context == 40960
        await sees(pilot, "Does not fit: over by")
        await pilot.press("home")
        assert tuned(screen).context == 1024
        await sees(pilot, "Fits:")
        await pilot.press("shift+right")
        assert tuned(screen).context == 40960


async def test_the_last_context_that_fits_is_a_stop() -> None:
    async with pictures() as (_, pilot, screen):
        most = tuned(screen).limits.fits
        assert most
        await pilot.press("end", "left")
        assert tuned(screen).context == most
        await sees(pilot, "Fits")


async def test_quantization_cache_and_conversations() -> None:
    async with pictures() as (_, pilot, screen):
        await pilot.press("right_square_bracket")
        assert tuned(screen).request.quant == "Q8_0"
        await pilot.press("right_square_bracket")
        assert tuned(screen).request.quant == "Q8_0"
        await pilot.press("down", "left_square_bracket")
        assert tuned(screen).request.quant == "Q5_K_M"
        seen = []
        for _ in range(3):
            await pilot.press("k")
            seen.append(tuned(screen).request.kv_cache_type)
        assert seen == ["q8_0", "q4_0", "f16"]
        await pilot.press("plus")
        assert (tuned(screen).request.parallel, tuned(screen).context) == (2, 16384)
        await sees(pilot, "2 conversations at once")
        await pilot.press("minus", "minus")
        assert tuned(screen).request.parallel == 1


async def test_the_slider_by_mouse() -> None:
    async with pictures() as (_, pilot, screen):
        slider = screen.query_one(ContextSlider)
        await pilot.click(slider, offset=(0, 0))
        assert tuned(screen).context == 1024
        await pilot.mouse_down(slider, offset=(10, 0))
        await pilot.hover(slider, offset=(40, 0))
        dragged = tuned(screen).context
        await pilot.mouse_up(slider, offset=(40, 0))
        assert dragged > 2048
        await pilot.hover(slider, offset=(5, 0))
        assert tuned(screen).context == dragged
        await pilot.click(slider, offset=(slider.size.width - 1, 0))
        assert tuned(screen).context == 40960


async def test_tabs_by_digit_tab_arrow_and_mouse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.landscape.landscape", lambda needs: LANDSCAPE)
    monkeypatch.setattr("tools.planning.cost_months.cost_over_months", lambda *given, **more: OWNED)
    async with pictures() as (_, pilot, screen):
        await pilot.press("2")
        await sees(pilot, "The fastest is 3 Qwen3-4B")
        await pilot.press("right")
        await sees(pilot, "8 models meet the needs for code")
        await pilot.press("tab")
        await sees(pilot, "It leads Qwen3-14B by")
        await pilot.press("tab")
        await sees(pilot, "The machine counts as yours already")
        await pilot.press("tab")
        assert screen.query_one(MemoryPane).display
        await pilot.press("shift+tab", "left")
        await sees(pilot, "It leads Qwen3-14B by")
        await pilot.click("#picture-tabs", offset=(16, 0))
        await sees(pilot, "tokens per second of each")


async def test_a_picture_has_the_keys_as_soon_as_it_is_chosen() -> None:
    async with pictures() as (app, pilot, screen):
        await pilot.press("4")
        for key in ("1", "right"):
            app.simulate_key(key)
        await until(pilot, lambda: tuned(screen).context > 16384, "the step of the slider")
        assert screen.query_one(MemoryPane).display


async def test_next_option_changes_every_picture() -> None:
    async with pictures() as (_, pilot, screen):
        await pilot.press("n")
        await sees(pilot, "Qwen3-14B in Q4_K_M")
        await pilot.press("2")
        await sees(pilot, "Qwen3-14B Q4_K_M: With")
        await pilot.press("u")
        await sees(pilot, "Qwen3-14B Q4_K_M: One conversation gets about 11")
        await sees(pilot, "2 is the most that does")
        await pilot.press("n", "n", "1")
        await sees(pilot, "Qwen3-8B in Q6_K")
        assert tuned(screen).subject.model.name == "Qwen3-8B"


async def test_each_picture_is_copied_as_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.landscape.landscape", lambda needs: LANDSCAPE)
    monkeypatch.setattr("tools.planning.cost_months.cost_over_months", lambda *given, **more: BOUGHT)
    words = ("interval", "estimate", "quantization", "taken off", "month 36")
    async with pictures() as (app, pilot, _):
        for place, word in enumerate(words):
            await pilot.press(str(place + 1))
            if place in (2, 4):
                await sees(pilot, "models meet" if place == 2 else "A has paid off against B in month 17.")
            await pilot.press("c")
            assert word in app.clipboard
            await sees(pilot, "Copied the figures")


async def test_cost_of_another_volume_and_of_bought_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bool, Any]] = []

    def cost(_brief: Any, _model: Any, *, buy: bool, volume: Any) -> Any:
        asked.append((buy, volume))
        return BOUGHT if buy else OWNED

    monkeypatch.setattr("tools.planning.cost_months.cost_over_months", cost)
    async with pictures() as (_, pilot, screen):
        await pilot.press("5")
        await sees(pilot, "The volume is assumed")
        await pilot.press("b")
        await sees(pilot, "A has paid off against B in month 17.")
        await pilot.press("t", *"many", "enter")
        await sees(pilot, "not 'many'")
        screen.query_one("#ask-line", Input).value = "2M 400k"
        await pilot.press("enter")
        await until(pilot, lambda: len(asked) == 3)
        assert asked[-1][0] is True
        assert asked[-1][1].input_tokens_per_day == 2_000_000
        assert asked[-1][1].output_tokens_per_day == 400_000


async def test_a_typed_model_on_a_typed_machine() -> None:
    async with pictures({}, "qwen3 8b on 2x RTX 3090") as (_, pilot, screen):
        await sees(pilot, "Qwen3-8B in Q4_K_M")
        machine = tuned(screen).subject.machine
        assert machine is not None
        assert len(machine.devices) == 2
        await pilot.press("h", *"RTX 3060 12GB", "enter")
        await pilot.press("o", *"qwen3 14b", "enter")
        await sees(pilot, "Qwen3-14B in Q4_K_M")
        await sees(pilot, "of 11.5 GiB")


async def test_no_machine_is_said() -> None:
    async with pictures({}, "qwen3 8b") as (_, pilot, _screen):
        await sees(pilot, "one CUDA device that is large enough is assumed")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nosuchmodel 9b", "nosuchmodel"),
        ("qwen3 8b on GTX 9999", "is not among the known accelerators"),
    ],
)
async def test_what_is_not_known_is_said_and_can_be_mended(text: str, words: str) -> None:
    async with pictures({}, text) as (_, pilot, _screen):
        await sees(pilot, words)
        await pilot.press("o", *"qwen3 8b on RTX 3090", "enter")
        await sees(pilot, "Fits:")


async def test_nothing_yet_asks_for_a_model() -> None:
    async with pictures({}) as (app, pilot, screen):
        await until(pilot, lambda: isinstance(screen.focused, Input), "the question")
        await pilot.press(*"qwen3 8b", "enter")
        await sees(pilot, "Qwen3-8B in Q4_K_M")
        for key in "345":
            await pilot.press(key)
            await sees(pilot, "There is no recommendation yet")
        await pilot.press("c")
        await sees(pilot, "There is nothing to copy here")
        await pilot.press("o")
        await pilot.press("escape")
        assert app.screen is screen
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.chat)


async def test_an_api_model_takes_no_memory() -> None:
    async with pictures(API) as (_, pilot, _screen):
        # An API model opens on its costs, which is what it has to show.
        await pilot.press("1")
        await sees(pilot, "runs at its provider: it takes none of your memory")


async def test_needs_that_cannot_be_read_are_said() -> None:
    raw = copy.deepcopy(RAW)
    raw["needs"] = {"task": {"value": 7}}
    async with pictures(raw) as (_, pilot, _screen):
        for key in "35":
            await pilot.press(key)
            await sees(pilot, "The needs of this recommendation cannot be read")


async def test_another_machine_counts_in_every_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def landscape(needs: Any) -> Any:
        asked.append(needs.hardware.value.text)
        return LANDSCAPE

    monkeypatch.setattr("tools.landscape.landscape", landscape)
    async with pictures() as (_, pilot, _screen):
        await pilot.press("h", *"RTX 4090", "enter")
        await sees(pilot, "RTX 4090")
        await pilot.press("3")
        await until(pilot, lambda: bool(asked) and asked[-1] == "RTX 4090", "the other machine")
