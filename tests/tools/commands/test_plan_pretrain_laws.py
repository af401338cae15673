"""What `plan pretrain` computes beside the guides' tables: laws, memory, first loss, mistakes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import NoAnswerError, UnknownNameError, UsageError
from knowledge.references import read_passage
from tests.tools.commands.test_plan_pretrain import CONFIGS, _config, _plan
from tools.memory.pretrain import estimate_pretraining, usual_request
from tools.planning.pretrain import (
    scaling_of,
)
from tools.planning.pretrain_commands import short
from tools.planning.pretrain_run import (
    memory_of,
)


@given(st.sampled_from(CONFIGS), st.integers(1, 10**12), st.integers(1, 10**12))
def test_the_scaling_laws_hold_together(config: Any, unique: int, seen: int) -> None:
    found = scaling_of(config, unique, seen)
    assert found.needed_tokens == 20 * config.params
    assert found.optimal_params == unique // 20
    assert found.repeated_params is not None
    assert found.repeated_params >= found.optimal_params
    assert found.epochs == pytest.approx(seen / unique)
    # The same text is four times as many tokens where tokens are bytes (tiny).
    counts = {
        c.name: unique * (4 if c.vocab_size == 256 else 1) // (4 if config.vocab_size == 256 else 1)
        for c in CONFIGS
    }
    carried = [c for c in CONFIGS if c.params < config.params and c.params <= 4 * counts[c.name] // 20]
    if found.repeated_params >= config.params:
        assert (found.smaller_state, found.smaller) == ("none needed", None)
    elif carried:
        assert (found.smaller_state, found.smaller) == ("exists", carried[-1].name)
        assert found.smaller_tokens == counts[carried[-1].name]
        assert found.smaller_context == carried[-1].block_size
    else:
        assert (found.smaller_state, found.smaller) == ("none exists", None)


def test_the_laws_and_the_corrections_stand_in_the_caveats() -> None:
    document = _plan(dataset="500MB", use_case="document RAG", iterations=50_000)
    text = " ".join(document["caveats"])
    assert "7.09 billion tokens" in text  # 20 x 354.5M
    assert "read 4.92 times" in text
    assert "smaller alternative is tiny" in text  # 125M tokens, four times, are 25M parameters
    assert "12.5 million to 25 million parameters, but 6.25 million" in text
    assert "linear, not quadratic" in text


def test_memory_by_context_is_linear_with_flash_attention_and_not_without() -> None:
    document = _plan(config="350M_1024")
    rows = {row["block_size"]: row for row in document["memory_by_context"]}
    assert set(rows) == {256, 512, 1024}
    assert rows[512]["activation_factor"] == pytest.approx(2, abs=0.02)
    assert rows[1024]["activation_factor"] == pytest.approx(4, abs=0.02)
    assert rows[1024]["factor"] < 4 < rows[1024]["stated_factor"] + 0.1
    plain = [rows[block]["without_flash_bytes"] for block in (256, 512, 1024)]
    assert (plain[2] - plain[1]) / (plain[1] - plain[0]) > 2.5  # each doubling costs more than double
    flash = [rows[block]["total_bytes"] for block in (256, 512, 1024)]
    assert (flash[2] - flash[1]) / (flash[1] - flash[0]) == pytest.approx(2, abs=0.05)


def test_the_first_loss_is_that_of_a_model_that_knows_nothing() -> None:
    assert _plan()["validation"]["initial_loss"] == round(math.log(50_304), 2) == 10.83
    assert _plan(config="small", vocabulary=50_257)["validation"]["initial_loss"] == 10.82
    assert _plan(config="tiny")["validation"]["initial_loss"] == round(math.log(256), 2)


def test_another_vocabulary_changes_the_parameters_by_its_table() -> None:
    usual, small = _plan(config="small"), _plan(config="small", vocabulary=8000)
    assert usual["config"]["params"] - small["config"]["params"] == (50_304 - 8000) * 384


def test_a_context_sets_the_block_and_the_memory() -> None:
    document = _plan(config="350M_1024", context=512)
    assert document["settings"]["block_size"] == document["config"]["block_size"] == 512
    assert _plan(context=128)["config"]["block_size"] == 128


def test_with_the_domain_alone_the_stated_data_are_the_domains() -> None:
    document = _plan(phase="domain", dataset="50M tokens", config="150M")
    assert [phase["phase"] for phase in document["phases"]] == ["domain"]
    assert document["domain_data"]["tokens"] == 50_000_000
    assert document["scaling"] is None
    assert document["phases"][0]["epochs"] == pytest.approx(4, rel=0.01)


def test_only_the_largest_has_a_domain_configuration_of_its_own() -> None:
    document = _plan(config="350M_1024", phase="both")
    assert document["phases"][1]["config_file"] == "configs/pretrain/350M_1024.json"
    assert any("750M only" in text for text in document["caveats"])


def test_a_use_case_too_large_for_the_size_is_told_from_the_matrix() -> None:
    document = _plan(hardware="GTX 1660 6GB", use_case="code generation")
    assert document["config"]["name"] == "small"
    assert document["matrix"]["answer"] == "no"
    assert any("“code generation?” with “no”" in text for text in document["caveats"])


def test_every_citation_is_a_passage_of_the_guide() -> None:
    document = _plan()
    assert len(document["citations"]) > 12
    for item in document["citations"]:
        assert read_passage(item["locator"]) is not None, item
    assert {item["kind"] for item in document["basis"]} <= {"guide", "tool", "measurement", "catalog"}


def test_several_cards_are_named_and_one_is_planned_for() -> None:
    document = _plan(hardware="2x RTX 3090")
    assert document["hardware"]["cards"] == 2
    assert any("one of 2 cards" in text for text in document["caveats"])


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"dataset": "lots"}, UsageError),
        ({"use_case": "world peace"}, UsageError),
        ({"hardware": "toaster"}, UsageError),
        ({"hardware": "RTX 9990"}, UnknownNameError),
        ({"config": "1B"}, NoAnswerError),
        ({"config": "150M", "context": 1024}, UsageError),
        ({"context": 4096}, NoAnswerError),
        ({"iterations": 0}, UsageError),
        ({"vocabulary": 1}, UsageError),
        ({"phase": "third"}, UsageError),
        ({"phase": "scratch", "domain_data": "50M tokens"}, UsageError),
        ({"phase": "scratch", "domain_iterations": 500}, UsageError),
    ],
)
def test_mistakes_are_one_sentence_with_a_hint(given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as found:
        _plan(**given)
    assert str(found.value).endswith(".")


def test_a_named_configuration_that_does_not_fit_is_shown_and_said() -> None:
    document = _plan(hardware="GTX 1660 6GB", config="750M_1024")
    assert document["memory"]["fits"] is False
    assert any("does not fit" in text for text in document["caveats"])
    assert document["error"]["code"] == "nothing_fits"
    assert "small" in document["error"]["hint"]
    assert "750M_1024" not in document["error"]["hint"]


@pytest.mark.parametrize(("rate", "text"), [(3e-4, "3e-4"), (5e-5, "5e-5"), (1.5e-4, "1.5e-4")])
def test_rates_are_written_as_the_guide_writes_them(rate: float, text: str) -> None:
    assert short(rate) == text


def test_the_usual_request_stays_the_guides() -> None:
    """The plan's memory is the engine's: the same request gives the same bytes."""
    config = _config("150M")
    usual = usual_request(config)
    assert (
        memory_of(config, 256, usual.micro_batch_size).total_bytes == estimate_pretraining(config).total_bytes
    )
