"""Why an option was chosen: evidence that leads somewhere, advice where it applies."""

from __future__ import annotations

import re
from typing import Any

import pytest

from knowledge.catalog.store import load_catalog
from knowledge.references import read_passage
from tests.tools.asking import MACHINES, NOWHERE, answer, best, brief
from tools.candidates import Candidate, Reason
from tools.reasons import LOW_QUANTS, advice, rules, tags_of, trade_off

CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("chat", {}),
    ("code", {"deployment": {"mode": "local", "private": True}}),
    ("rag", {}),
    ("embedding", {}),
    ("reranking", {}),
    ("classification", {"dataset": {"labeled": True, "multi_label": True}}),
    ("classification", {"dataset": {"labeled": True, "multi_label": False}}),
    ("chat", {"training": {"method": "qlora"}}),
    ("chat", {"training": {"method": "scratch"}}),
    ("chat", {"concurrency": 20}),
    ("chat", {"deployment": {"mode": "api"}}),
)


def _texts(candidate: Candidate) -> str:
    return " ".join(reason.text for reason in candidate.why)


def _guides(candidate: Candidate) -> list[tuple[Reason, str]]:
    return [(r, e.locator) for r in candidate.why for e in r.evidence if e.kind == "guide" and e.locator]


@pytest.mark.parametrize("text", MACHINES)
@pytest.mark.parametrize(("task", "slots"), CASES, ids=str)
def test_every_citation_leads_to_its_heading(task: str, slots: dict[str, Any], text: str) -> None:
    for candidate in answer(task, text, **slots).candidates:
        for _, locator in _guides(candidate):
            passage = read_passage(locator)
            assert passage is not None, locator
            assert passage.notice is None
            assert passage.section.text.splitlines()[0].lstrip("#").strip() == passage.section.heading
        for reason in candidate.why:
            for evidence in reason.evidence:
                assert evidence.kind in ("guide", "benchmark", "catalog", "tool", "measurement", "user")
                assert evidence.source


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["heading"])
def test_every_rule_has_tags_that_can_hold(rule: dict[str, Any]) -> None:
    """A tag that no option ever carries would silence its advice."""
    roles = {"generator", "embedder", "reranker", "classifier", "finetune-base", "pretrain-config"}
    conditions = {
        "multi_label",
        "single_label",
        "conversations",
        "small",
        "private",
        "quantized_cache",
        "low_quant",
        "ram_8gb",
    }
    engines = set(load_catalog().engines)
    known = roles | conditions | engines | {"local", "api", "rag", "chat", "code"}
    assert set(rule["when"]) <= known
    assert rule["text"].endswith(".")


def test_advice_goes_to_whom_it_concerns() -> None:
    multi = best("classification", dataset={"labeled": True, "multi_label": True})
    single = best("classification", dataset={"labeled": True, "multi_label": False})
    assert "sigmoid" in _texts(multi)
    assert "softmax activation" not in _texts(multi)
    assert "softmax activation" in _texts(single)
    assert "cross-encoder" in _texts(best("reranking"))
    assert "practical ceiling" in _texts(best("chat", training={"method": "qlora"}))
    assert "first 100 steps" in _texts(best("chat", training={"method": "scratch"}))
    assert "Add a reranker" in _texts(best("rag"))
    assert "must not leave your machines" in _texts(
        best("chat", deployment={"mode": "local", "private": True})
    )
    assert "API suits" in _texts(best("chat", NOWHERE))
    assert "under 3 GB" in _texts(best("chat", "laptop with 8 GB RAM, no GPU"))
    assert "under 3 GB" not in _texts(best("chat", "laptop with 32 GB RAM, no GPU"))


def test_a_coarse_quantization_is_warned_of() -> None:
    seen = False
    for gib in ("RTX 3060 12GB", "RTX 4060 8GB", "RTX 3090", "M3 16GB"):
        for candidate in answer("chat", gib, priority="quality").candidates:
            c = candidate.configuration
            assert c is not None
            low = c.quant in LOW_QUANTS
            seen |= low
            assert ("Avoid Q3_K_M" in _texts(candidate)) is low
    ladder = {"Q3_K_M"}
    assert ladder <= set(LOW_QUANTS)


def test_an_option_of_few_bits_is_held_against_the_next_of_more() -> None:
    found = answer("code", "RTX 3060 12GB").candidates
    ranks = {c.model: place for place, c in enumerate(found)}
    said = 0
    for candidate in found:
        against = [reason.text for reason in candidate.why if "Against that advice" in reason.text]
        c = candidate.configuration
        assert c is not None
        assert not against or c.quant in LOW_QUANTS
        for text in against:
            said += 1
            other = next(one for one in found if f"before {one.model} in" in text)
            assert other.configuration is not None
            assert other.configuration.quant not in LOW_QUANTS
            assert ranks[other.model] > ranks[candidate.model]
            assert f"{candidate.quality.score:.0f} of 100" in text
            assert f"against {other.quality.score:.0f}" in text
    assert said


def test_figures_of_the_reasons_are_the_figures_of_the_document() -> None:
    for task in ("chat", "code"):
        for candidate in answer(task).candidates:
            c = candidate.configuration
            assert c is not None
            assert c.memory is not None
            assert c.speed is not None
            text = _texts(candidate)
            assert f"{c.memory.total_bytes / 2**30:.1f} of {c.available_bytes / 2**30:.1f} GiB" in text
            # As the document has it, with one digit.
            assert f"{round(c.speed.mid, 1):.0f} tokens per second" in text
            assert re.search(rf"\b{candidate.quality.score:.0f} of 100\b", text)
            assert candidate.license.id in text


def test_measured_and_expected_quality_are_told_apart() -> None:
    seen = set()
    for text in MACHINES:
        for candidate in answer("chat", text).candidates:
            quality = next(r for r in candidate.why if r.text.startswith("Quality for"))
            assert ("expected" in quality.text) is not candidate.quality.measured
            told = candidate.quality.grade != "expected"
            assert (quality.evidence[0].kind == "benchmark") is told
            seen.add(candidate.quality.measured)
    assert seen == {True, False}


def test_the_cost_of_an_api_is_a_reason_with_its_price() -> None:
    for candidate in answer("code", NOWHERE).candidates:
        cost = next(r for r in candidate.why if r.text.startswith("Costs about"))
        assert f"${candidate.usd_per_month:,.2f}" in cost.text
        assert cost.evidence[0].source.startswith("litellm")
        assert cost.evidence[0].locator == candidate.model_id


def test_a_model_of_ones_own_needs_no_license_reason() -> None:
    found = best("chat", training={"method": "scratch"})
    assert not any(r.text.startswith("License") for r in found.why)
    assert any(r.text.startswith("Training takes") for r in found.why)


def test_tags_follow_the_facts() -> None:
    wanted = brief("chat", deployment={"mode": "local", "private": True})
    tags = tags_of(answer("chat").candidates[0], wanted)
    assert {"generator", "local", "chat", "private", "conversations"} <= tags
    assert not {"ram_8gb", "multi_label", "api", "rag"} & tags
    assert advice(answer("chat").candidates[0], wanted)


def test_trade_offs_say_what_differs() -> None:
    options = answer("chat", "RTX 3090").candidates
    first = options[0]
    for other in options[1:]:
        text = trade_off(other, first)
        gap = other.quality.score - first.quality.score
        assert ("less expected quality" in text) is (gap <= -1)
        assert ("more expected quality" in text) is (gap >= 1)
        assert (f"license {other.license.id}" in text) is (other.license.id != first.license.id)
        mine, its = other.configuration, first.configuration
        assert mine is not None
        assert its is not None
        assert mine.memory is not None
        assert its.memory is not None
        more = mine.memory.total_bytes - its.memory.total_bytes
        if abs(more) >= 2**29:
            assert ("more memory" if more > 0 else "less memory") in text
