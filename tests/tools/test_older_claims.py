"""What the older guides stated, held against what is known now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog.store import load_catalog
from tools.older_claims import Claim, claim_of, claimed_models
from tools.successor import footprint


def _claim(stated: float) -> Claim:
    return Claim("org/model", "Model", "memory_gb", stated, "", ("", ""))


@given(st.floats(0.1, 1e3), st.floats(0.1, 1e3))
def test_the_share_leads_back_to_the_right_value(stated: float, right: float) -> None:
    claim = _claim(stated)
    assert stated / (1 + claim.off(right * 1e9)) == pytest.approx(right)


@pytest.mark.parametrize(
    ("stated", "right", "said"),
    [
        (22.0, 45e9, "wrong: too low by 51%"),
        (2.0, 1e9, "wrong: too high by 100%"),
        (8.0, 8.3e9, "about right"),
    ],
)
def test_what_is_wrong_is_called_wrong(stated: float, right: float, said: str) -> None:
    assert said in _claim(stated).beside(right)


def test_every_claim_is_of_a_known_model_and_cites_a_section_that_is_there() -> None:
    catalog = load_catalog()
    assert len(claimed_models()) >= 20
    for model_id in claimed_models():
        assert model_id.lower() in catalog.by_id
        claims = [claim_of(model_id, what) for what in ("memory_gb", "file_gb", "window_k", "dimensions")]
        assert any(claims)
        for claim in claims:
            if claim is not None:
                (evidence,) = claim.evidence
                assert evidence.kind == "guide"
                assert "#" in evidence.locator


def test_seventy_billion_do_not_take_22_gb() -> None:
    claim = claim_of("meta-llama/Llama-3.1-70B-Instruct", "memory_gb")
    usual = footprint(load_catalog().by_id["meta-llama/llama-3.1-70b-instruct"])
    assert claim is not None
    assert usual is not None
    assert claim.off(usual.bytes) < -0.4


def test_nothing_is_claimed_of_other_models() -> None:
    assert claim_of("Qwen/Qwen3.8-27B", "memory_gb") is None
    assert claim_of("Qwen/Qwen3-0.6B", "window_k") is None
