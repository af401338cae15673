"""Licenses against intended uses, clause by clause."""

from __future__ import annotations

import re

import pytest

from knowledge.catalog.records import CommercialUse, ModelRecord
from knowledge.catalog.store import load_catalog
from tests.tools.asking import model
from tools.licensing import Verdict, is_permissive, judge, terms
from tools.needs import LicenseNeed

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
LLAMA_VISION = "meta-llama/Llama-3.2-11B-Vision-Instruct"
LLAMA_SMALL = "meta-llama/Llama-3.2-3B-Instruct"
QWEN = "Qwen/Qwen3-8B"


def _judge(found: ModelRecord | str, **need: object) -> Verdict:
    record = model(found) if isinstance(found, str) else found
    return judge(record, LicenseNeed.model_validate(need), load_catalog().license_of(record))


def _with(use: CommercialUse, license_: str | None) -> ModelRecord:
    return model(QWEN).model_copy(update={"license": license_, "commercial_use": use})


@pytest.mark.parametrize(
    ("users", "allowed"), [(None, True), (700_000_000, True), (700_000_001, False), (10, True)]
)
def test_metas_threshold(users: int | None, allowed: bool) -> None:
    verdict = _judge(LLAMA, use="commercial", users=users)
    assert verdict.allowed is allowed
    assert ("700 million" in verdict.reason) is not allowed


@pytest.mark.parametrize("use", ["personal", "research", "commercial"])
@pytest.mark.parametrize(
    ("model_id", "region", "allowed"),
    [
        (LLAMA_VISION, "eu", False),
        (LLAMA_VISION, "uk", True),
        (LLAMA_VISION, None, True),
        (LLAMA_SMALL, "eu", True),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "eu", False),
        (LLAMA, "eu", True),
        ("tencent/Hunyuan-A13B-Instruct", "eu", False),
        ("tencent/Hunyuan-A13B-Instruct", "kr", False),
        ("tencent/Hunyuan-A13B-Instruct", "other", True),
        (QWEN, "eu", True),
    ],
)
def test_regions_hold_for_every_use(model_id: str, region: str | None, allowed: bool, use: str) -> None:
    """The EU clauses exclude people as well as companies."""
    assert _judge(model_id, use=use, region=region).allowed is allowed


@pytest.mark.parametrize(
    ("license_", "limit"),
    [
        ("lfm1.0", 10_000_000),
        ("stability-ai-community", 1_000_000),
        ("modified-mit-mistral", 240_000_000),
        ("minimax-community", 20_000_000),
    ],
)
def test_revenue_thresholds(license_: str, limit: float) -> None:
    record = _with("conditional", license_)
    assert _judge(record, use="commercial", revenue_usd=limit).allowed
    over = _judge(record, use="commercial", revenue_usd=limit + 1)
    assert not over.allowed
    assert license_ in over.reason
    assert _judge(record, use="commercial").allowed


def test_unknown_rights_are_no_commercial_rights() -> None:
    for license_ in (None, "other"):
        verdict = _judge(_with("unknown", license_), use="commercial")
        assert not verdict.allowed
        assert "read the license" in verdict.reason
        personal = _judge(_with("unknown", license_), use="personal")
        assert personal.allowed
        assert "read it" in str(personal.figure.note)


def test_every_unknown_license_of_the_catalog_is_excluded_for_commercial_use() -> None:
    for record in load_catalog().models:
        verdict = _judge(record, use="commercial")
        assert verdict.figure.commercial_use == record.commercial_use
        if record.commercial_use in ("unknown", "no"):
            assert not verdict.allowed, record.id
        else:
            assert verdict.allowed, record.id
        assert _judge(record, use="any").allowed


def test_noncommercial_licenses() -> None:
    record = _with("no", "cc-by-nc-4.0")
    assert "forbids" in _judge(record, use="commercial").reason
    assert _judge(record, use="research").allowed
    assert not _judge(record, use="research", redistribute=True).allowed
    assert not _judge(_with("unknown", None), use="personal", redistribute=True).allowed
    assert _judge(QWEN, use="personal", redistribute=True).allowed


@pytest.mark.parametrize(
    ("license_", "permissive"),
    [
        ("apache-2.0", True),
        ("MIT", True),
        ("bsd-3-clause", True),
        ("llama3.1", False),
        ("gemma", False),
        ("modified-mit", False),
        ("cc-by-4.0", False),
        (None, False),
    ],
)
def test_permissive(license_: str | None, permissive: bool) -> None:
    assert is_permissive(license_) is permissive
    record = _with("yes", license_)
    assert _judge(record, use="any", permissive_only=True).allowed is permissive


def test_conditions_are_told() -> None:
    assert "700M" in str(_judge(LLAMA, use="commercial").figure.note)
    assert _judge(QWEN, use="commercial").figure.note is None


def test_terms_stand_on_licenses_that_exist() -> None:
    catalog = load_catalog()
    for term in terms().terms:
        assert term.max_users or term.max_revenue_usd or term.regions
        for license_ in term.licenses:
            assert license_ in catalog.licenses, license_


def test_every_region_that_the_table_excludes_has_a_term() -> None:
    """A license whose text names regions is held against them, whatever it is called."""
    for record in load_catalog().licenses.values():
        if record.limits and re.search(r"\bEU\b", record.limits):
            regions = [t for t in terms().terms if record.id in t.licenses and "eu" in t.regions]
            assert regions, record.id


def test_every_stated_number_of_users_has_a_term() -> None:
    for record in load_catalog().licenses.values():
        found = re.search(r"(\d+)M monthly active users", record.thresholds or "")
        if found and record.commercial_use == "conditional" and "show " not in str(record.thresholds):
            limits = [t.max_users for t in terms().terms if record.id in t.licenses]
            if "differs per model" not in str(record.thresholds):
                assert int(found[1]) * 1_000_000 in limits, record.id
