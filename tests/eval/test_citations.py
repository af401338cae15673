"""The hunt for citations that do not hold: everything that cites a guide, against the lines it cites."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from agent.explanation import recommendation_text
from agent.reply import from_guides
from knowledge.evaluation.labeled import load_queries
from knowledge.references import find_section
from knowledge.retrieval import Retriever
from tests.eval.citations import (
    claims,
    faults_of_claim,
    faults_of_document,
    faults_of_reply,
    faults_of_row,
    guide_rows,
)
from tests.eval.source_figures import asked, load_cases
from tests.fakes.retriever import FakeRetriever
from tests.tools.asking import NOWHERE, Place, recommended
from tests.tools.asking import needs as needs_of
from tools.candidates import Recommendation, evidence_json
from tools.citing import find_guide, guide, kept_citations
from tools.memory.pretrain import pretrain_configs
from tools.older_claims import What, claim_of, claimed_models
from tools.planning.pretrain_tables import Wish, plan_tables, votes
from tools.price_claims import find_price_claims
from tools.reasons import rules
from tools.registry import run_tool

TASKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("chat", {}),
    ("code", {"deployment": {"mode": "local", "private": True}, "license": {"use": "commercial"}}),
    ("rag", {}),
    ("embedding", {}),
    ("reranking", {}),
    ("classification", {"dataset": {"labeled": True, "multi_label": True}}),
    ("classification", {"dataset": {"labeled": True, "multi_label": False}}),
    ("chat", {"training": {"method": "qlora"}}),
    ("chat", {"training": {"method": "scratch"}, "dataset": {"bytes": 400_000_000}}),
    ("chat", {"training": {"method": "scratch"}}),
    ("chat", {"concurrency": 20}),
    ("chat", {"context": 65536, "priority": "quality"}),
    ("summarization", {"license": {"use": "commercial"}, "priority": "speed"}),
)
MACHINES: tuple[Place, ...] = (
    "RTX 3090 + 64GB RAM",
    "RTX 4060 8GB",
    "laptop with 8 GB RAM, no GPU",
    "M3 Max 64GB",
    "2x H100 SXM",
    NOWHERE,
)
PLANS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("plan_tokens", {}),
    ("plan_tokens", {"model": "qwen3-8b", "exchanges": 40, "examples": 2000}),
    ("plan_finetune", {"hardware": "RTX 3090"}),
    ("plan_finetune", {"model": "gemma-3-12b", "hardware": "A10G", "base_pass_rate": 0.8}),
    ("plan_pretraining", {"hardware": "RTX 3090"}),
    ("plan_pretraining", {"hardware": "RTX 3060 12GB", "use_case": "code generation", "priority": "quality"}),
    ("plan_pretraining", {"hardware": "A100 80GB", "dataset": "5 GB", "context": 1024}),
    ("plan_cost", {"hardware": "RTX 3090", "input_tokens": 1_000_000, "output_tokens": 200_000}),
    ("plan_retrieval_stack", {"hardware": "RTX 3090", "corpus": "20000 pages"}),
    ("plan_migration", {"base": "qwen3-4b"}),
    ("plan_migration", {"base": "qwen3-4b", "adapters": 3, "switch_date": "2099-09-01"}),
)
WHAT: tuple[What, ...] = ("memory_gb", "file_gb", "window_k", "dimensions")


@pytest.fixture(scope="module")
def guides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retriever]:
    retriever = FakeRetriever(tmp_path_factory.mktemp("guides"))
    yield retriever
    retriever.close()


@cache
def _recommendations() -> tuple[Recommendation, ...]:
    grid = itertools.product(TASKS, MACHINES)
    asked_for = [needs_of(task, place, **slots) for (task, slots), place in grid]
    return tuple(recommended(needs.model_dump_json()) for needs in asked_for)


def test_every_recommendation_cites_what_it_says() -> None:
    found = _recommendations()
    assert len(found) > 70
    cited: Counter[str] = Counter()
    faults = set()
    for one in found:
        document = one.as_json()
        cited.update(row["locator"] for row in guide_rows(document))
        faults.update(faults_of_document(document))
        text, citations = recommendation_text(one)
        faults.update(fault for row in citations for fault in faults_of_row(row))
        assert all(f"[{number}" in text for number in range(1, len(citations) + 1))
    assert not faults
    assert len(cited) >= 15


def test_figures_that_a_tool_computed_carry_its_evidence() -> None:
    """A reason that cites a guide beside other evidence must have what gave its figures among that."""
    for one in _recommendations():
        for candidate in one.candidates:
            for reason in candidate.why:
                kinds = {evidence.kind for evidence in reason.evidence}
                if "guide" in kinds and any(char.isdigit() for char in reason.text):
                    alone = kinds == {"guide"}
                    row = evidence_json(next(e for e in reason.evidence if e.kind == "guide"))
                    assert not alone or not faults_of_claim(reason.text, row), reason.text


@pytest.mark.parametrize(("tool", "arguments"), PLANS, ids=lambda value: str(value)[:60])
def test_every_plan_cites_what_it_says(tool: str, arguments: dict[str, Any]) -> None:
    document = run_tool(tool, arguments)
    assert "error" not in document, document["error"]
    assert faults_of_document(document) == []
    assert list(guide_rows(document))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["heading"])
def test_every_rule_is_what_its_lines_say(rule: dict[str, Any]) -> None:
    assert find_section(rule["file"], rule["heading"]) is not None
    row = evidence_json(guide(rule["file"], rule["heading"], rule["text"]))
    assert faults_of_row(row) + faults_of_claim(rule["text"], row) == []


def test_every_row_of_the_pretraining_tables_is_in_the_guide() -> None:
    tables = plan_tables()["tables"]
    wishes = [Wish(vram_gb=row["to_gb"] or 80) for row in tables["vram"]["rows"]]
    wishes += [Wish(use_case=row["name"]) for row in tables["use_case"]["rows"]]
    wishes += [Wish(dataset_bytes=(row["below_bytes"] or 10**12) - 1) for row in tables["dataset"]["rows"]]
    wishes += [Wish(context=row["block_size"]) for row in tables["context"]["rows"]]
    wishes += [Wish(priority=row["name"]) for row in tables["priority"]["rows"]]
    rows = [evidence_json(vote.evidence) for wish in (Wish(), *wishes) for vote in votes(wish)]
    assert len({row["locator"] for row in rows}) > 20
    assert [fault for row in rows for fault in faults_of_row(row)] == []


@pytest.mark.parametrize("config", pretrain_configs(), ids=lambda config: config.name)
def test_the_figures_of_a_configuration_are_those_of_its_row(config: Any) -> None:
    from tools.memory.pretrain import estimate_pretraining, usual_request

    for block in (256, 1024):
        from dataclasses import replace

        request = replace(usual_request(config), sequence_length=block)
        row = evidence_json(estimate_pretraining(config, request).basis[0])
        assert faults_of_row(row) == []
        assert config.name in row["quote"]


def test_what_older_guides_state_is_told_by_ours() -> None:
    found = [claim for name in claimed_models() for what in WHAT if (claim := claim_of(name, what))]
    assert len(found) > 30
    assert [f for c in found for e in c.evidence for f in faults_of_row(evidence_json(e))] == []
    names = "Claude 3.5 Sonnet, GPT-4o, Gemini 1.5 Pro, Claude 3 Opus, Claude 3 Haiku, DeepSeek-V2"
    prices = find_price_claims(names)
    assert len(prices) == 6
    assert [f for claim in prices for f in faults_of_document(claim.as_json())] == []


async def test_every_answer_quotes_the_lines_it_cites(guides: Retriever) -> None:
    """One phrasing of every fourth figure: test_source_figures asks for all of them."""
    wrong, cited = {}, 0
    for case in load_cases()[::4]:
        reply = await asked(case.ask, guides)
        cited += len(list(guide_rows(reply.citations)))
        if faults := faults_of_reply(reply.text, reply.citations):
            wrong[case.ask] = faults
    assert not wrong
    assert cited > 100


def test_passages_shown_for_the_labeled_queries_are_those_cited(guides: Retriever) -> None:
    wrong, marked, cited = {}, 0, 0
    for query in load_queries():
        reply = from_guides(query.text, guides)
        rows = list(guide_rows(reply.citations))
        cited += len(rows)
        marked += sum("quote" in row for row in rows[:1])
        if faults := faults_of_reply(reply.text, reply.citations):
            wrong[query.text] = faults
    assert not wrong
    assert cited > 500
    assert marked > 150


def test_planted_faults_are_found() -> None:
    """The hunt must be able to fail."""
    rule = next(rule for rule in rules() if "70 %" in rule["text"])
    right = evidence_json(guide(rule["file"], rule["heading"], rule["text"]))
    assert faults_of_row(right) == []
    first = right["locator"].rpartition(":")[2].split("-")[0]
    elsewhere = right | {"locator": right["locator"].replace(f":{first}-{first}", ":10-10")}
    for row in (
        right | {"locator": right["locator"].replace(".md", "-gone.md")},
        right | {"locator": "finetune-chat-base.md"},
        right | {"quote": ""},
        right | {"quote": "Words that stand nowhere in the guide."},
        right | {"source": "Another guide"},
        elsewhere,
    ):
        assert faults_of_row(row), row
    assert faults_of_claim(rule["text"].replace("70 %", "80 %"), right)
    assert faults_of_claim(rule["text"].replace("may not be needed", "is needed"), right)
    document = {"why": [{"text": "A model takes 99 GB.", "evidence": [right]}]}
    assert list(claims(document))
    assert faults_of_document(document)
    reply = "From the guide \u201cElsewhere\u201d [1]:\n\nWords of no guide."
    assert len(faults_of_reply(reply, [right])) == 2


def test_the_kept_citations_are_those_found_anew() -> None:
    """After a change of a guide or a claim: `python scripts/cite_guides.py`."""
    kept = kept_citations()
    assert len(kept) > 100
    assert {key: find_guide(*key) for key in kept} == kept
    assert {(rule["file"], rule["heading"], rule["text"]) for rule in rules()} <= set(kept)
