"""What stands beside an embedder where a reranker was asked for too."""

from __future__ import annotations

import pytest

from knowledge.catalog.store import load_catalog
from tests.tools.asking import answer, needs
from tools.candidates import Candidate
from tools.needs import Slot, TaskNeed
from tools.recommend import recommend

BOTH = TaskNeed(name="embedding", also=("reranking",))


def _asked(hardware: str) -> tuple[Candidate, ...]:
    return recommend(needs("embedding", hardware).updated(task=Slot(value=BOTH))).candidates


@pytest.mark.parametrize("hardware", ["RTX 3060 12GB", "RTX 3090", "a laptop with 16 GB RAM, no GPU"])
def test_a_reranker_stands_beside_the_embedder(hardware: str) -> None:
    for candidate in _asked(hardware):
        assert candidate.role == "embedder"
        assert [item.role for item in candidate.companions] == ["reranker"]
        assert not any("does not do reranking" in caveat for caveat in candidate.caveats)


def test_memory_and_commands_are_those_of_both() -> None:
    alone = {c.model: c for c in answer("embedding", "RTX 3060 12GB").candidates}
    for candidate in _asked("RTX 3060 12GB"):
        single, (beside,) = alone[candidate.model], candidate.companions
        both, one = candidate.configuration, single.configuration
        assert both is not None
        assert one is not None
        assert both.memory is not None
        assert one.memory is not None
        assert beside.configuration is not None
        assert beside.configuration.memory is not None
        assert both.memory.total_bytes == one.memory.total_bytes + beside.configuration.memory.total_bytes
        assert both.available_bytes == one.available_bytes
        assert both.memory.total_bytes <= both.available_bytes
        shells = [command.shell for command in candidate.commands]
        assert len(shells) == len(set(shells))
        repo = load_catalog().by_id[str(beside.model_id).lower()].id
        assert any(repo in shell for shell in shells)


def test_a_slow_reranker_is_said_to_be_slow() -> None:
    caveats = [caveat for candidate in _asked("RTX 3060 12GB") for caveat in candidate.caveats]
    assert any("Rerank fewer passages" in caveat and "s a question" in caveat for caveat in caveats)


def test_an_encoder_has_no_floor_of_speed() -> None:
    assumed = answer("embedding", "RTX 3060 12GB").assumptions
    assert all(assumption["slot"] != "min_speed" for assumption in assumed)


def test_nothing_is_said_of_rerankers_beside_a_model_that_retrieves_nothing() -> None:
    task = TaskNeed(name="chat", also=("reranking",))
    slow = recommend(needs("chat", "a laptop with 16 GB RAM, no GPU").updated(task=Slot(value=task)))
    for candidate in slow.candidates:
        assert not candidate.companions
        assert sum("rerank" in caveat for caveat in candidate.caveats) == 1
