"""The comparison worked out over the catalog."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.errors import UnknownNameError
from tools.commands.compare import CompareQuery, compare
from tools.commands.recommend import RecommendQuery, recommend
from tui.carding import card_name, load_card
from tui.comparing import Pick, load, options_of


@pytest.fixture(scope="module")
def decision() -> dict[str, Any]:
    return recommend(RecommendQuery(task="code", hardware="RTX 3060 12GB", context=16384))


def test_options_carry_the_figures_of_the_recommendation(decision: dict[str, Any]) -> None:
    picks = options_of(decision)
    view = load(decision, picks).view
    assert view.ids == tuple(one["model_id"] for one in decision["candidates"])
    speeds = next(row for row in view.rows if row.label == "speed")
    first = decision["candidates"][0]["speed"]
    assert speeds.cells[0].value == first["tokens_per_second"]["mid"]
    assert speeds.cells[0].note == first["basis"]


def test_a_model_that_is_added_is_held_against_the_same_machine(decision: dict[str, Any]) -> None:
    loaded = load(decision, options_of(decision), "llama-3.1-8b")
    assert loaded.focus == len(decision["candidates"])
    same = compare(
        CompareQuery(
            models=("llama-3.1-8b", "qwen3-8b"), hardware="RTX 3060 12GB", context=16384, task="code"
        )
    )["models"][0]
    values = {row.label: row.cells[-1].value for row in loaded.view.rows}
    assert values["memory in all"] == -same["memory"]["total_bytes"]
    assert values["speed"] == same["speed"]["tokens_per_second"]["mid"]
    assert values["quality"] == same["quality"]["score"]


def test_a_model_that_is_there_already_gets_the_focus(decision: dict[str, Any]) -> None:
    picks = options_of(decision)
    loaded = load(decision, picks, picks[1].name)
    assert loaded.picks == picks
    assert loaded.focus == 1


def test_an_unknown_machine_is_told_and_the_rest_is_shown() -> None:
    needs = {"needs": {"hardware": {"value": {"text": "RTX 9999 Ultra"}}}}
    loaded = load(needs, (), "qwen3-8b")
    assert loaded.view.names == ("Qwen3-8B",)
    assert loaded.problems


def test_an_option_outside_the_catalog_keeps_its_own_figures() -> None:
    option = {"model": "Own GPT", "model_id": None, "kind": "local", "quant": "BF16", "engine": "pytorch"}
    loaded = load({"candidates": [option]}, (Pick("Own GPT", 0),))
    assert loaded.view.names == ("Own GPT",)


def test_the_card_of_an_option_holds_its_configuration(decision: dict[str, Any]) -> None:
    option = decision["candidates"][0]
    card = load_card(decision, 0, card_name(decision, 0, ""))
    assert card.model_id == option["model_id"]
    assert card.memory is not None
    assert card.memory.configuration.startswith(f"{option['quant']} on {option['engine']}")
    needed = next(row for row in card.memory.rows if row.needed)
    assert needed.total == option["memory"]["total_bytes"]
    assert card.quality is not None
    assert card.quality.text.startswith(f"{option['quality']['score']:.0f} of 100")


def test_without_a_recommendation_a_card_needs_a_name() -> None:
    assert card_name({}, 0, "") == ""
    assert card_name({}, 3, " qwen3 8b ") == "qwen3 8b"
    assert load_card({}, 0, "qwen3 8b").model_id == "Qwen/Qwen3-8B"
    with pytest.raises(UnknownNameError):
        load_card({}, 0, "no such model xyz")


def test_options_behind_an_api_keep_price_and_benchmarks() -> None:
    found = recommend(RecommendQuery(task="rag", deployment="api"))
    view = load(found, options_of(found)).view
    rows = {row.label: [cell.text for cell in row.cells] for row in view.rows}
    assert all(" in, " in price for price in rows["price"]), rows["price"]
    overall = next(cells for label, cells in rows.items() if label.startswith("LiveBench"))
    assert len([cell for cell in overall if cell != "unknown"]) > 1


def test_a_provider_and_its_model_are_the_api_not_the_open_weights() -> None:
    from tools.commands.lookups import any_model_named

    sold, _ = any_model_named("deepseek/deepseek-v4-flash-vision-exp")
    assert getattr(sold, "key", "") == "deepseek/deepseek-v4-flash-vision-exp"
