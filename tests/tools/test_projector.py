"""A model that reads images needs its projector beside it, and a long context needs a known window."""

from __future__ import annotations

from knowledge.catalog.store import load_catalog
from tests.tools.asking import answer
from tools.fit import solve
from tools.fit_types import Ask, Refusal
from tools.hardware import read_hardware
from tools.projector import projector_bytes

CARD = read_hardware("RTX 4090").machines[0]


def test_the_projector_counts_where_images_are_read() -> None:
    seeing = answer("vision", "RTX 4090").candidates
    blind = {c.model: c for c in answer("chat", "RTX 4090").candidates}
    checked = 0
    for candidate in seeing:
        model = load_catalog().by_id[str(candidate.model_id).lower()]
        size, other = projector_bytes(model), blind.get(candidate.model)
        memory = candidate.configuration.memory if candidate.configuration else None
        assert memory is not None
        if size is None:
            assert any("projector" in caveat for caveat in candidate.as_json()["caveats"])
            continue
        checked += 1
        assert "projector" in memory.formula
        assert sum(d.total_bytes for d in memory.per_device) == memory.total_bytes
        assert candidate.configuration is not None
        assert memory.total_bytes <= candidate.configuration.available_bytes
        if other is not None and other.configuration is not None and other.configuration.memory is not None:
            assert "projector" not in other.configuration.memory.formula
    assert checked


def test_a_model_of_unknown_window_is_not_planned_for_long_texts() -> None:
    unknown = [
        m for m in load_catalog().models if m.kind == "chat" and m.context_length is None and m.params_total
    ]
    assert unknown
    for model in unknown:
        found = solve(model.id, CARD, Ask(context=32_768))
        assert isinstance(found, Refusal)
        assert found.constraint == "context"


def test_the_active_parameters_of_a_dense_model_are_all_of_them() -> None:
    for candidate in answer("chat", "RTX 4090").candidates:
        model = load_catalog().by_id[str(candidate.model_id).lower()]
        if model.params_active is None and model.architecture and model.architecture.experts is None:
            assert candidate.params_active_b == candidate.params_total_b
