"""What beats an older model in its memory, and by how much."""

from __future__ import annotations

import math

import pytest

from knowledge.catalog.store import load_catalog
from tools.needs import Task
from tools.quality import quality_of
from tools.successor import (
    Standing,
    footprint,
    shown_tasks,
    standing_of,
    successor_caveat,
    superseded_line,
    usual_task,
)

OLD: list[tuple[str, Task]] = [
    ("meta-llama/Llama-3.1-8B-Instruct", "chat"),
    ("meta-llama/Llama-3.1-70B-Instruct", "chat"),
    ("codellama/CodeLlama-34b-Instruct-hf", "code"),
    ("bigcode/starcoder2-15b", "code"),
    ("mistralai/Mixtral-8x7B-Instruct-v0.1", "chat"),
    ("01-ai/Yi-34B-200K", "chat"),
    ("microsoft/Phi-3-medium-128k-instruct", "reasoning"),
]


def _standing(model_id: str, task: Task) -> Standing:
    found = standing_of(model_id, task)
    assert found is not None
    return found


@pytest.mark.parametrize(("model_id", "task"), OLD)
def test_the_older_models_are_superseded(model_id: str, task: Task) -> None:
    standing = _standing(model_id, task)
    assert standing.superseded
    assert standing.evidence


@pytest.mark.parametrize(("model_id", "task"), OLD)
def test_a_successor_is_later_better_and_no_larger(model_id: str, task: Task) -> None:
    standing = _standing(model_id, task)
    for newer in standing.successors:
        record = load_catalog().by_id[newer.model_id.lower()]
        mine = footprint(record)
        assert mine is not None
        assert newer.release_date > (standing.release_date or "")
        assert mine.bytes <= standing.memory.bytes
        its, old = quality_of(newer.model_id, task), quality_of(model_id, task)
        assert newer.gap == pytest.approx(its.score - old.score)
        assert newer.spread == pytest.approx(math.hypot(its.spread, old.spread))
        assert newer.clear is (newer.gap > newer.spread)


def test_nothing_supersedes_itself_nor_the_best_of_its_successors() -> None:
    for model_id, task in OLD:
        best = _standing(model_id, task).successors[0]
        after = _standing(best.model_id, task)
        assert model_id not in [newer.model_id for newer in after.successors]
        assert best.model_id not in [newer.model_id for newer in after.successors]


def test_what_reads_images_or_many_languages_is_replaced_by_what_does_too() -> None:
    catalog = load_catalog()
    for model_id in ("google/gemma-3-12b-it", "BAAI/bge-m3"):
        old = catalog.by_id[model_id.lower()]
        for newer in _standing(model_id, usual_task(old)).successors:
            record = catalog.by_id[newer.model_id.lower()]
            assert record.vision or not old.vision
            assert record.multilingual is not False


def test_a_gap_within_the_uncertainty_is_told_as_such() -> None:
    standing = _standing("BAAI/bge-m3", "embedding")
    assert not standing.superseded
    assert standing.successors
    line = superseded_line(standing)
    assert "clearly better" in line
    assert standing.successors[0].name in line
    assert successor_caveat("BAAI/bge-m3", "embedding") is None


def test_the_caveat_says_by_how_much_and_since_when() -> None:
    caveat = successor_caveat("codellama/CodeLlama-34b-Instruct-hf", "code")
    assert caveat is not None
    best = _standing("codellama/CodeLlama-34b-Instruct-hf", "code").successors[0]
    assert f"+{best.gap:.0f} points, give or take {best.spread:.0f}" in caveat
    assert best.release_date in caveat
    assert successor_caveat("no/such-model", "code") is None


def test_a_model_is_judged_for_what_its_kind_can_do() -> None:
    catalog = load_catalog()
    assert usual_task(catalog.by_id["baai/bge-m3"], "chat") == "embedding"
    assert usual_task(catalog.by_id["meta-llama/llama-3.1-8b-instruct"], "embedding") == "chat"
    assert usual_task(catalog.by_id["meta-llama/llama-3.1-8b-instruct"], "classification") == "classification"
    assert shown_tasks(catalog.by_id["codellama/codellama-34b-instruct-hf"]) == ("code",)


def test_of_a_model_of_unknown_shape_nothing_is_said() -> None:
    unknown = [m for m in load_catalog().models if footprint(m) is None]
    for model in unknown[:3]:
        assert standing_of(model.id, usual_task(model)) is None
