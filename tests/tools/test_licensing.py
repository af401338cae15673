"""Licenses against intended uses, clause by clause."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog.records import CommercialUse, License, ModelRecord
from knowledge.catalog.store import load_catalog
from tests.tools.asking import model
from tools.license_clauses import clauses_of, held_against
from tools.licensing import Verdict, inherited_by, is_permissive, judge, terms
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
        assert "read the license" in str(personal.figure.note)


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
    assert "700 million" in str(_judge(LLAMA, use="commercial").figure.note)
    assert _judge(QWEN, use="commercial").figure.note is None


def _conditional() -> list[License]:
    return [r for r in load_catalog().licenses.values() if r.commercial_use == "conditional"]


def test_clauses_stand_on_licenses_that_exist() -> None:
    catalog = load_catalog()
    for clause in terms().clauses:
        for license_ in clause.licenses:
            assert license_ in catalog.licenses, license_
        numbers = clause.max_users or clause.max_revenue_usd
        assert clause.kind not in ("users", "revenue") or numbers or clause.effect == "unread", clause
        assert bool(clause.regions) is (clause.kind == "region"), clause
        assert clause.kind != "field" or clause.fields, clause


def test_every_license_with_conditions_has_its_clauses_with_source_and_date() -> None:
    for record in _conditional():
        found = held_against(record.id, record, model(QWEN), LicenseNeed(use="commercial"))
        assert found, record.id
        assert any(clause.kind == "outputs" for clause in found), record.id
        for clause in found:
            assert clause.source, record.id
            assert clause.text, record.id
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", clause.as_of), record.id


def test_every_license_that_forbids_commercial_use_has_the_clause() -> None:
    for record in load_catalog().licenses.values():
        kinds = [c.kind for c in clauses_of(record.id) if c.effect == "no-rights"]
        assert ("use" in kinds) is (record.commercial_use == "no"), record.id


def test_every_license_of_the_catalog_has_a_record() -> None:
    catalog = load_catalog()
    for record in catalog.models:
        assert record.license is None or catalog.license_of(record) is not None, record.id


def test_every_region_that_the_table_excludes_has_a_clause() -> None:
    """A license whose text names regions is held against them, whatever it is called."""
    for record in load_catalog().licenses.values():
        if record.limits and re.search(r"\bEU\b", record.limits):
            assert [c for c in clauses_of(record.id) if "eu" in c.regions], record.id


def test_every_stated_number_of_users_has_a_clause() -> None:
    for record in load_catalog().licenses.values():
        found = re.search(r"(\d+)M monthly active users", record.thresholds or "")
        if found:
            limits = [clause.max_users for clause in clauses_of(record.id)]
            assert int(found[1]) * 1_000_000 in limits, record.id


def test_every_stated_revenue_has_a_clause() -> None:
    for record in load_catalog().licenses.values():
        found = re.search(r"USD (\d+)M", record.thresholds or "")
        if found:
            limits = {clause.max_revenue_usd for clause in clauses_of(record.id)} - {None}
            millions = float(found[1]) * 1e6
            assert limits & {millions, 12 * millions}, record.id


def test_military_use_is_excluded_where_the_license_names_it() -> None:
    for record in load_catalog().licenses.values():
        if "military" in (record.limits or ""):
            assert [c for c in clauses_of(record.id) if "military" in c.fields and c.effect == "no-rights"]
    lite = model("deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct")
    assert _judge(lite, use="commercial").allowed
    assert _judge(lite, use="commercial", field="medical").allowed
    for use in ("personal", "research", "commercial", "any"):
        verdict = _judge(lite, use=use, field="military")
        assert not verdict.allowed
        assert "military" in verdict.reason


@pytest.mark.parametrize(
    ("license_", "use", "allowed"),
    [
        ("llama2", "research", False),
        ("llama3", "commercial", False),
        ("llama3.1", "commercial", True),
        ("qwen", "commercial", True),
        ("tongyi-qianwen", "personal", False),
        ("tencent-hunyuan", "commercial", False),
        ("apache-2.0", "commercial", True),
        ("glm-4", "commercial", False),
        ("glm-4", "personal", True),
    ],
)
def test_training_on_outputs(license_: str, use: str, allowed: bool) -> None:
    """What was not read is not promised for commercial use, and is the person's own to read otherwise."""
    record = _with(load_catalog().licenses[license_].commercial_use, license_)
    verdict = _judge(record, use=use, train_on_outputs=True)
    assert verdict.allowed is allowed
    assert _judge(record, use=use).allowed
    if license_ == "glm-4" and not allowed:
        assert "read the license" in verdict.reason


@pytest.mark.parametrize(
    ("users", "revenue", "status"),
    [
        (None, None, "may bind"),
        (200_000_000, None, "binds"),
        (100_000_000, None, "may bind"),
        (100_000_000, 240_000_000, "clear"),
        (10, 240_000_001, "binds"),
        (None, 300_000_000, "binds"),
    ],
)
def test_a_duty_of_display_binds_and_never_excludes(
    users: int | None, revenue: float | None, status: str
) -> None:
    verdict = _judge("moonshotai/Kimi-K2-Instruct", use="commercial", users=users, revenue_usd=revenue)
    assert verdict.allowed
    display = next(c for c in verdict.figure.clauses if c.kind == "display")
    assert (display.status, display.effect) == (status, "duty")
    assert ("Kimi K2" in str(verdict.figure.note)) is (status == "binds")


def test_one_tag_with_two_texts_has_two_sets_of_clauses() -> None:
    verdict = _judge("MiniMaxAI/MiniMax-M2.5", use="commercial")
    assert any("MiniMax M2.5" in c.text for c in verdict.figure.clauses)
    assert "Kimi" not in str(verdict.figure.as_json())


@given(
    st.sampled_from(sorted({m.license for m in load_catalog().models if m.license})),
    st.integers(1, 10**10),
    st.integers(1, 10**10),
    st.sampled_from([None, "eu", "uk", "kr", "other"]),
)
def test_more_users_never_free_a_model(license_: str, some: int, more: int, region: str | None) -> None:
    record = _with(load_catalog().licenses[license_].commercial_use, license_)
    few, many = (
        _judge(record, use="commercial", users=n, region=region).allowed for n in sorted((some, more))
    )
    assert few or not many


def test_a_derivative_is_as_free_as_the_strictest_license_that_binds_it() -> None:
    distilled = model("deepseek-ai/DeepSeek-R1-Distill-Llama-8B")
    verdict = _judge(distilled, use="commercial")
    assert verdict.allowed
    assert verdict.figure.id == "mit"
    assert verdict.figure.commercial_use == distilled.commercial_use == "conditional"
    assert "llama3.1 of its base meta-llama/Llama-3.1-8B" in str(verdict.figure.note)
    over = _judge(distilled, use="commercial", users=800_000_000)
    assert not over.allowed
    assert "700 million" in over.reason
    assert not _judge(distilled, use="any", permissive_only=True).allowed
    assert not _judge(distilled, use="commercial", field="military").allowed


@pytest.mark.parametrize(
    ("model_id", "license_"),
    [
        ("nvidia/Llama-3.1-Nemotron-Nano-8B-v1", "llama3.1"),
        ("nvidia/Llama-3_3-Nemotron-Super-49B-v1", "llama3.3"),
        ("dphn/dolphin-2.9.1-llama-3-8b", "llama3"),
        ("lmsys/vicuna-13b-v1.5-16k", "llama2"),
    ],
)
def test_bases_of_the_catalog(model_id: str, license_: str) -> None:
    assert [one.license for one in inherited_by(model(model_id))] == [license_]


@pytest.mark.parametrize(
    "model_id", ["TinyLlama/TinyLlama-1.1B-Chat-v1.0", QWEN, LLAMA, "google/gemma-3-4b-it"]
)
def test_models_of_their_own_inherit_nothing(model_id: str) -> None:
    assert inherited_by(model(model_id)) == ()
