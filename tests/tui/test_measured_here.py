"""What `bench` measured here, as people read it: estimate and measurement side by side."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knowledge.measured_here import MeasuredRun, keep_run
from knowledge.today import DAY_VARIABLE
from tests.tools.calibration.simulated import LLAMA, QWEN, detected, run
from tests.tui.cli_help import Program
from tools.commands.card import CardQuery, model_card
from tools.commands.compare import CompareQuery, compare
from tools.commands.doctor_measured import OLD_DAYS, calibration
from tui.answer import read_answer
from tui.glyphs import ASCII
from tui.model_card import read_card
from tui.pictures.speed import speed_rows, speed_table, speed_words
from tui.recommendation_text import recommendation_lines
from tui.side_by_side import read_side_by_side
from tui.widgets.speed_axis import draw_speeds

HERE = detected("RTX 3060 12GB, 32 GB RAM")
NEEDS = ("recommend", "--task", "code", "--context", "8k")


@pytest.fixture
def here(program: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The program on a computer with an RTX 3060."""
    monkeypatch.setattr("tools.hardware_detect.detect_machine", lambda: HERE)
    return program


def kept(*runs: MeasuredRun) -> None:
    for one in runs:
        keep_run(one)


def recommended(program: Program) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(program(*NEEDS, "--json").out)
    return document


def test_without_a_run_every_answer_is_as_before(here: Program) -> None:
    asked = (("fit", QWEN), ("fit", QWEN, "--why", "--json"), (*NEEDS, "--json"), ("compare", QWEN, LLAMA))
    before = [here(*words).out for words in asked]
    kept(run(HERE).model_copy(update={"local": False}))
    assert [here(*words).out for words in asked] == before
    assert "measured here" not in "".join(before)


def test_fit_says_what_was_measured_and_what_is_estimated(here: Program) -> None:
    kept(run(HERE, prompt_factor=0.7))
    own = here("fit", LLAMA, "--quant", "Q4_K_M", "--engine", "ollama").out
    lines = own.split("\n")
    at = next(place for place, line in enumerate(lines) if line.strip().startswith("speed"))
    assert "(estimate)" not in lines[at]
    assert lines[at + 1].strip().startswith("measured here on 2026-11-20: 1")
    assert lines[at + 2].strip().startswith("estimate alone 5")
    assert max(map(len, lines)) <= 80
    other = here("fit", QWEN, "--engine", "llama.cpp", "--why").out
    told = " ".join(other.split())
    assert "corrected by Llama-3.1-8B-Instruct, measured here on 2026-11-20" in told
    assert "measured with ollama, another engine: counts in part" in told
    assert max(len(line) for line in other.split("\n") if "llama-server" not in line) <= 80


def test_a_recommendation_says_it_in_json_text_and_reasons(here: Program) -> None:
    before = recommended(here)["candidates"]
    kept(run(HERE, factor=0.6))
    document = recommended(here)
    first = next(one for one in document["candidates"] if one["engine"] == "ollama")
    speed = first["speed"]
    assert speed["estimate"]["tokens_per_second"]["mid"] > speed["tokens_per_second"]["mid"]
    assert speed["calibration"]["engines"] == ["ollama"]
    reasons = [one for one in first["why"] if "tokens per second" in one["text"]]
    assert any("estimate alone" in one["text"] for one in reasons)
    assert any(e["kind"] == "measurement" for one in reasons for e in one["evidence"])
    text = "\n".join(recommendation_lines(document))
    assert "corrected by Llama-3.1-8B-Instruct, measured here on 2026-11-20" in text
    assert "; measured here" not in "\n".join(line for line in text.split("\n") if "license" in line)
    assert before != document["candidates"]
    shown = read_answer(document).candidates[0]
    assert shown.speed_note in (shown.speed_basis, "")


def test_a_machine_that_is_named_like_this_one_counts_as_this_one(here: Program) -> None:
    kept(run(HERE))
    typed = json.loads(here("fit", QWEN, "--hardware", "RTX 3060 12GB", "--engine", "ollama", "--json").out)
    assert "this machine has the accelerators that were named" in typed["speed"]["basis"]
    other = json.loads(here("fit", QWEN, "--hardware", "RTX 4090", "--engine", "ollama", "--json").out)
    assert "estimate" not in other["speed"]


@pytest.mark.usefixtures("here")
def test_models_side_by_side_say_which_was_measured() -> None:
    kept(run(HERE))
    query = CompareQuery(models=(LLAMA, QWEN), hardware="RTX 3060 12GB", quant="Q4_K_M", engine="ollama")
    document = compare(query)
    first, second = (one["speed"] for one in document["models"])
    assert first["measured"]["date"] == "2026-11-20"
    assert second["measured"] is None
    rows = read_side_by_side(document)
    cells = next(row.cells for row in rows.rows if row.label == "speed")
    assert cells[0].text.endswith("measured")
    assert not cells[1].text.endswith("measured")


def test_the_picture_draws_a_measurement_before_its_estimate(here: Program) -> None:
    kept(run(HERE))
    asked = ("fit", LLAMA, "--quant", "Q4_K_M", "--engine", "ollama", "--context", "4k", "--json")
    own, other = json.loads(here(*asked).out), json.loads(here("fit", QWEN, *asked[2:]).out)
    rows = speed_rows({"candidates": [own, other]})
    assert [(row.measured, row.corrected) for row in rows] == [(True, True), (False, True)]
    drawn = draw_speeds(rows, None, 0, 100, ASCII).plain.split("\n")
    assert rows[0].alone is not None
    assert f"est. {rows[0].alone[1]:.0f}" in drawn[0]
    assert ASCII.interval[4] in drawn[0]
    assert "measured here" in drawn[-1]
    words = speed_words(rows, (None, False))
    assert "1 was measured on this machine; the estimate alone is" in words
    assert "2 is corrected by what was measured." in words
    table = speed_table(rows)
    assert table[0][-1] == "estimate alone"
    assert [row[5] for row in table[1:]] == ["measured", "corrected estimate"]


@pytest.mark.usefixtures("here")
def test_the_card_of_a_model_lists_what_was_measured_of_it() -> None:
    assert "measured_here" not in model_card(CardQuery(model=LLAMA))
    kept(run(HERE, parallel=(1, 8)))
    card = read_card(model_card(CardQuery(model=LLAMA)))
    group = next(one for one in card.about if one.title == "Measured on this machine")
    assert [fact.label for fact in group.facts] == ["Q4_K_M on ollama", "Q4_K_M on ollama, 8 at once"]
    assert group.facts[0].text.startswith("2026-11-20: ")
    assert "estimate alone" in group.facts[0].text
    assert card.sources[group.facts[0].sources[0] - 1].kind == "measurement"
    assert "measured_here" not in model_card(CardQuery(model=QWEN))


@pytest.mark.usefixtures("here")
def test_doctor_tells_of_the_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import date, timedelta

    day = date(2026, 11, 21)
    monkeypatch.setenv(DAY_VARIABLE, day.isoformat())
    assert calibration()[0] == "skipped"
    kept(run(HERE).model_copy(update={"machine": "another"}))
    state, found, step = calibration()
    assert (state, step) == ("warning", "llm-advisor bench MODEL")
    assert "none of which counts" in found
    kept(run(HERE, factor=1.5), run(HERE, QWEN, 0.5, engine="vllm", quant="AWQ"))
    state, found, step = calibration()
    assert (state, step) == ("ok", "")
    assert "2 of 3 runs count, the newest of 2026-11-20" in found
    assert "ollama: 1.50 times the estimated speed (1 model)" in found
    assert "vllm: 0.50 times" in found
    monkeypatch.setenv(DAY_VARIABLE, (day + timedelta(days=OLD_DAYS + 1)).isoformat())
    assert calibration()[0] == "warning"


def test_lists_of_speeds_say_what_corrects_them(here: Program) -> None:
    asked = ("fit", "--context", "8k")
    assert "Speeds are corrected" not in here(*asked).out
    kept(run(HERE), run(HERE, QWEN))
    told = " ".join(here(*asked).out.split())
    assert "Speeds are corrected by what was measured on this machine (2 models with ollama" in told
    assert "others not at all" in told
    assert "Speeds are corrected" not in " ".join(here(*asked, "--hardware", "RTX 4090").out.split())


def test_compare_says_beside_its_table_what_its_speeds_rest_on(here: Program) -> None:
    asked = ("compare", LLAMA, QWEN, "--hardware", "RTX 3060 12GB")
    assert "measured on this machine" not in here(*asked).out
    kept(run(HERE))
    told = " ".join(here(*asked, "--engine", "ollama").out.split())
    assert "Llama-3.1-8B-Instruct: measured here on 2026-11-20: 1" in told
    assert "Qwen3-8B: corrected by Llama-3.1-8B-Instruct, measured here on 2026-11-20" in told
    assert "estimate alone 5" in told
    other = " ".join(here(*asked, "--engine", "llama.cpp").out.split())
    assert other.count("measured with ollama, another engine") == 2


def test_this_machine_can_be_named(here: Program) -> None:
    kept(run(HERE))
    for words in ("this machine", "My Computer"):
        told = here("compare", LLAMA, QWEN, "--hardware", words, "--engine", "ollama", "--json").document
        assert told["models"][0]["speed"]["measured"]["exact"] is True
    named = here(*NEEDS, "--hardware", "this machine", "--json").document
    assert named["candidates"] == recommended(here)["candidates"]
    assert here("fit", QWEN, "--hardware", "that machine").status == 2


def test_bench_compare_says_that_the_hardware_has_changed(
    here: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(run(HERE))
    assert here("bench", "--compare").status == 0
    monkeypatch.setattr("tools.hardware_detect.detect_machine", lambda: detected("RTX 4090, 32 GB RAM"))
    told = here("bench", "--compare")
    assert told.status == 1
    assert "hardware changed" in told.err
    (row,) = here("bench", "--list", "--json").document["runs"]
    assert row["this_machine"] is False
