"""What the pictures show, without the screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tui.pictures_data import BOUGHT, DOCUMENT, LANDSCAPE, OWNED, RAW
from tools.planning.cost_months import Course
from tui.answer import Bar
from tui.glyphs import ASCII, UNICODE
from tui.pictures.chart import even_ticks, table
from tui.pictures.cost import (
    assumed_words,
    cost_chart,
    cost_words,
    crossings,
    legend,
    recommended_words,
    top_of,
)
from tui.pictures.quality import quality_chart, quality_words
from tui.pictures.score import score_words, scored
from tui.pictures.speed import curve_chart, speed_rows, speed_words, users_curve, wanted_speed
from tui.pictures.training import training_bar, training_words
from tui.widgets.context_slider import Scale, cell_of, context_at, draw_track
from tui.widgets.memory_bar import draw_bars
from tui.widgets.score_bars import draw_scores
from tui.widgets.speed_axis import draw_speeds

GIB = 1 << 30
SCALE = Scale(1024, 131072, 16384, 40960)


@pytest.mark.parametrize("width", [20, 56, 100])
def test_every_cell_of_a_slider_stands_for_a_context_in_its_range(width: int) -> None:
    found = [context_at(cell, SCALE, width) for cell in range(width)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (SCALE.least, SCALE.most)
    assert 40960 in found
    assert all(abs(cell_of(context, SCALE, width) - cell) <= 3 for cell, context in enumerate(found))


def test_a_slider_tells_the_limits_in_words_and_signs() -> None:
    track, labels = draw_track(SCALE, 80, ASCII).plain.split("\n")
    assert len(track) == 80
    assert track.count("O") == 1
    assert track.index("|") > track.index("O")
    assert set(track[track.index("|") + 1 :]) == {"."}
    assert "40k fits" in labels
    assert labels.endswith("128k model's limit")
    assert "nothing fits" in draw_track(Scale(1024, 131072, 16384, 0), 80, ASCII).plain
    unknown, words = draw_track(Scale(1024, 131072, 16384, None), 80, ASCII).plain.split("\n")
    assert "." not in unknown
    assert "fits" not in words


def test_several_devices_share_a_legend_and_system_memory_has_its_own_bar() -> None:
    parts = (("weights", 5 * GIB), ("KV cache", GIB), ("compute", 0), ("overhead", 0))
    cards = [Bar("A", parts, 8 * GIB), Bar("B", parts, 5 * GIB)]
    host_bar = Bar("System memory", (("weights and buffers", GIB),), 32 * GIB)
    text = draw_bars([*cards, host_bar], 70, ASCII).plain
    lines = text.split("\n")
    assert "6.0 GiB needed, 5.0 GiB there: over by 1.0 GiB" in text
    assert "room ends at 5.0 GiB" in text
    assert lines[-1] == "# weights 10.0 GiB   = KV cache 2.0 GiB   . free 2.0 GiB"
    host = lines[lines.index("System memory  1.0 GiB of 32.0 GiB") + 1]
    assert set(host) == {"#", "."}


def test_speeds_are_intervals_and_measurements_look_different() -> None:
    rows = speed_rows(RAW)
    text = draw_speeds(rows, 12.0, 0, 80, ASCII).plain
    assert text.count("o") > 3
    assert "12" not in text.split("\n")[0]
    measured = {**RAW, "candidates": [dict(RAW["candidates"][0])]}
    speed = {**measured["candidates"][0]["speed"], "measured": {"exact": True}}
    measured["candidates"][0]["speed"] = speed
    line = draw_speeds(speed_rows(measured), None, 0, 80, ASCII).plain.split("\n")[0]
    assert "#" in line
    assert "|-" not in line
    assert "All are measured." in speed_words(speed_rows(measured), (None, False))


def test_an_option_behind_an_api_that_is_not_drawn_is_told_beside_the_costs() -> None:
    entry = {"model": "m", "kind": "api", "cost": {"usd_per_month": 4.93}}
    assert "$4.93 a month" in recommended_words(entry, ["other"])[0]
    assert recommended_words(entry, ["m"]) == ()
    assert recommended_words({**entry, "kind": "local"}, []) == ()
    assert recommended_words(None, []) == ()


def test_speed_behind_an_api_is_the_providers_and_not_a_gap_in_the_catalog() -> None:
    rows = speed_rows({"candidates": [{"model": "m", "kind": "api", "quant": "provider"}]})
    assert "at their providers" in speed_words(rows, (8.0, True))


def test_speed_words_say_who_stays_below_what_is_wanted() -> None:
    assert wanted_speed(RAW) == (12.0, True)
    words = speed_words(speed_rows(RAW), (12.0, True))
    assert "12 are wanted (assumed): 2 may stay below." in words
    assert "stays below" in speed_words(speed_rows(RAW), (20.0, False))
    assert "all reach it" in speed_words(speed_rows(RAW), (5.0, False))
    assert speed_words((), (None, False)).startswith("No speed is known")


def test_users_that_do_not_fit_have_another_sign() -> None:
    chart = curve_chart(users_curve(RAW["candidates"][0]), "users", ASCII)
    assert [(one.sign, len(one.points)) for one in chart.series if not one.line] == [("#", 2), ("x", 2)]


def test_a_score_tells_what_adds_and_what_takes_away() -> None:
    options = scored(RAW)
    text = draw_scores(options, 0, 120, ASCII).plain
    taken = next(line for line in text.split("\n") if "taken off" in line)
    assert " - " in taken or "--" in taken
    assert "-4.0" in taken
    assert "no ready-made file" in taken
    assert "It leads Qwen3-14B by 13.6: +12.0 by speed, -2.4 by quality." in score_words(options)
    assert score_words(()) == "The parts of the score are not told for these options."


def test_quality_marks_front_recommended_and_limit() -> None:
    chart = quality_chart(LANDSCAPE, RAW, UNICODE)
    signs = {one.sign: len(one.points) for one in chart.series if not one.line}
    assert signs == {"○": 4, "●": 4, "1": 1, "2": 1, "3": 1}
    assert chart.limits[0] == pytest.approx(11.5)
    words = " ".join(quality_words(LANDSCAPE, RAW, UNICODE))
    assert "8 models meet the needs for code, 4 are on the front." in words
    assert "1 of them lies partly in system memory." in words


def test_cost_marks_the_month_and_leaves_a_dwarfing_way_to_the_edge() -> None:
    assert [(own, rival, round(month)) for own, rival, month in crossings(BOUGHT)] == [
        ("A", "D", 2),
        ("A", "B", 17),
        ("A", "C", 150),
    ]
    chart = cost_chart(BOUGHT)
    assert [round(month) for month in chart.limits] == [2, 17]
    assert top_of(BOUGHT.courses) == 720
    assert max(y for one in chart.series for _, y in one.points) <= chart.y_range[1]
    assert "runs out of the picture" in legend(BOUGHT)[3]
    assert "beyond the picture" in cost_words(BOUGHT)[-1]
    assert crossings(OWNED) == ()
    assert cost_chart(OWNED).limits == ()


def test_cost_names_volume_prices_and_dates() -> None:
    words = assumed_words(DOCUMENT)
    assert words[0] == "300,000 tokens in and 60,000 out a day."
    assert words[1] == "Electricity: $0.180 per kWh (U.S. EIA average, 2026-02)."
    assert words[2] == "API prices: litellm 1.106.2."


@pytest.mark.parametrize(("low", "high"), [(0, 11.7), (0, 0.4), (18, 63), (0, 7000)])
def test_ticks_are_round_and_in_range(low: float, high: float) -> None:
    ticks = even_ticks(low, high, 5)
    assert 2 <= len(ticks) <= 7
    assert all(low <= at <= high + 1e-9 for at, _ in ticks)


def test_a_table_is_aligned() -> None:
    assert table((("a", "bb"), ("ccc", "1"))) == "a    bb\nccc   1"


def test_an_api_is_told_with_its_quality_its_price_and_what_it_is_as_good_as() -> None:
    local = replace(OWNED.courses[0], quality=74.0)
    bill = "(300,000 x $0.3 + 60,000 x $1.2) per million x 30.4 days"
    api = Course("api", "API, as good", "big-model", "Maker", (0, 0, 0), (4, 5, 6), "", 76.0, bill)
    mine, other = legend(replace(OWNED, courses=(local, api)))
    assert f"{local.model} (quality 74 of 100)" in mine
    assert f"cheapest API as good as {local.model}, big-model (quality 76 of 100)" in other
    assert bill in other
    (cheap,) = legend(replace(OWNED, courses=(replace(api, label="API, under $20"),)))
    assert cheap.startswith("A best API under $20, big-model")


TRAINED = {
    "model": "base",
    "training": {
        "method": "qlora",
        "sequence_length": 8192,
        "weights_bytes": 7 * GIB,
        "adapter_bytes": GIB,
        "gradient_bytes": GIB,
        "optimizer_bytes": GIB,
        "activation_bytes": 3 * GIB,
        "logits_bytes": GIB,
        "overhead_bytes": GIB,
        "total_bytes": 15 * GIB,
        "low_bytes": 13 * GIB,
        "high_bytes": 18 * GIB,
        "hardware": {"name": "RTX 4090", "available_bytes": 23 * GIB},
    },
}


def test_a_base_to_train_shows_the_run_beside_its_use() -> None:
    bar = training_bar(TRAINED)
    assert bar is not None
    assert bar.used == TRAINED["training"]["total_bytes"]  # type: ignore[index]  # a plain document
    text = draw_bars([bar], 80, ASCII).plain
    assert "Training on RTX 4090  15.0 GiB of 23.0 GiB" in text
    assert "adapters, gradients, optimizer 3.0 GiB" in text
    use, told = training_words(TRAINED)
    assert "use" in use
    assert told == (
        "Training (QLoRA) with examples of 8k tokens takes about 15.0 GiB, "
        "between 13.0 GiB and 18.0 GiB (estimate)."
    )


def test_a_model_that_is_not_trained_shows_no_run() -> None:
    assert training_bar({"model": "m", "training": None}) is None
    assert training_bar(None) is None
    assert training_words({"model": "m"}) == ()


def test_a_model_that_is_better_is_called_better_and_not_as_good() -> None:
    best = next(place for place in LANDSCAPE.places if place.on_front)
    for gap, how in ((9.0, "better"), (0.2, "as good")):
        other = replace(best, model="other", model_id="Qwen/Qwen3-4B", score=best.score - gap, on_front=False)
        land = replace(LANDSCAPE, places=(best, other))
        words = " ".join(quality_words(land, RAW, ASCII))
        assert f"{best.model} is {how} in no more memory" in words
