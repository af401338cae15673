"""Embedders, rerankers and classifiers: windows, memory, languages, and company for a generator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.tools.asking import GIB, MACHINES, answer, best, box, brief, model
from tools.budget import room_of
from tools.needs import Role
from tools.roles import encoders

ROLES: tuple[tuple[str, Role, str], ...] = (
    ("embedding", "embedder", "embedding"),
    ("reranking", "reranker", "reranker"),
    ("classification", "classifier", "encoder"),
)


@pytest.mark.parametrize(("task", "role", "kind"), ROLES)
@pytest.mark.parametrize("text", MACHINES)
def test_options_are_of_the_kind_and_fit(task: str, role: Role, kind: str, text: str) -> None:
    for context in (256, 512, 4096):
        for candidate in answer(task, text, context=context).candidates:
            record = model(str(candidate.model_id))
            assert record.kind == kind
            assert candidate.role == role
            assert candidate.context_length is None or candidate.context_length >= context
            c = candidate.configuration
            assert c is not None
            assert c.memory is not None
            assert c.memory.kv_cache_bytes == 0
            assert c.memory.total_bytes <= c.available_bytes
            place = brief(task, text).machine
            assert place is not None
            sizes = room_of(place).device_bytes
            for row, size in zip(c.memory.per_device, sizes, strict=False):
                assert row.total_bytes <= size


def test_an_encoder_sits_on_one_device() -> None:
    """Two small cards are not one larger card to a model that is not split."""
    record = model("Qwen/Qwen3-Embedding-8B")
    wanted = brief("embedding", model={"named": (record.id,)})
    whole = encoders.rank(replace(wanted, machine=box(24)), "embedder").candidates[0]
    need = encoders.memory_of(whole) / GIB
    halves = encoders.rank(replace(wanted, machine=box(0.7 * need, 0.7 * need)), "embedder")
    assert not halves.candidates
    assert halves.rejected[0].constraint == "memory"
    uneven = encoders.rank(replace(wanted, machine=box(4, 24)), "embedder").candidates[0]
    assert encoders.memory_of(uneven) == encoders.memory_of(whole)
    assert uneven.configuration is not None
    assert uneven.configuration.available_bytes == room_of(box(24)).total_bytes


def test_longer_texts_exclude_short_windows() -> None:
    found = answer("embedding", context=8192)
    assert all((c.context_length or 10**9) >= 8192 for c in found.candidates)
    short = answer("embedding", model={"named": ("sentence-transformers/all-MiniLM-L6-v2",)}, context=8192)
    assert short.rejected[0].constraint == "context"


def test_languages_decide() -> None:
    for candidate in answer("embedding", languages=("de", "fr")).candidates:
        record = model(str(candidate.model_id))
        assert record.multilingual or not record.languages or {"de", "fr"} <= set(record.languages)
    multi = best("classification", "laptop with 16 GB RAM", languages=("multi",))
    assert model(str(multi.model_id)).multilingual is not False


@pytest.mark.parametrize("license_", [{"use": "commercial"}, {"use": "commercial", "permissive_only": True}])
@pytest.mark.parametrize(("task", "role", "kind"), ROLES)
def test_licenses_decide(task: str, role: Role, kind: str, license_: dict[str, Any]) -> None:
    for candidate in answer(task, license=license_).candidates:
        assert candidate.license.commercial_use in ("yes", "conditional")
        if "permissive_only" in license_:
            assert candidate.license.id.lower() in ("apache-2.0", "mit", "bsd-3-clause")


def test_a_processor_takes_lighter_models_than_a_card() -> None:
    for task, _, _ in ROLES:
        heavy = best(task, "RTX 3090", priority="quality").params_total_b or 0
        light = best(task, "laptop with 16 GB RAM, no GPU", priority="speed").params_total_b or 0
        assert light <= heavy


def test_weights_are_halved_on_an_accelerator() -> None:
    card, processor = best("embedding", "RTX 3090"), best("embedding", "laptop with 16 GB RAM")
    assert card.configuration is not None
    assert processor.configuration is not None
    assert (card.configuration.quant, processor.configuration.quant) == ("F16", "F32")


def test_a_named_embedder_is_the_answer() -> None:
    found = answer("embedding", model={"named": ("BAAI/bge-m3",)})
    assert [c.model_id for c in found.candidates] == ["BAAI/bge-m3"]
    assert found.candidates[0].extra["dimensions"] == 1024


def test_company_takes_a_quarter_of_the_memory_at_most() -> None:
    for text in MACHINES:
        wanted = brief("rag", text)
        assert wanted.machine is not None
        room = room_of(wanted.machine).total_bytes
        for candidate in answer("rag", text).candidates:
            beside = sum(encoders.memory_of(c) for c in candidate.companions)
            assert beside <= room * 0.25


def test_company_obeys_license_and_languages() -> None:
    found = best("rag", license={"use": "commercial", "permissive_only": True}, languages=("de",))
    assert len(found.companions) == 2
    for companion in found.companions:
        record = model(str(companion.model_id))
        assert companion.license.id.lower() in ("apache-2.0", "mit")
        assert record.multilingual or not record.languages or "de" in record.languages


def test_wishes_for_the_generator_are_none_for_its_company() -> None:
    for wish in ({"families": ("gemma",)}, {"min_params_b": 10.0}, {"named": ("google/gemma-3-12b-it",)}):
        found = best("rag", model=wish)
        assert [c.role for c in found.companions] == ["embedder", "reranker"]
