"""`plan pretrain`: how long it trains, what the commands carry out, and the smaller alternative."""

from __future__ import annotations

from functools import cache
from typing import Any

from tools.commands.plan_pretrain import PretrainQuery, plan_pretraining
from tools.commands.requests import parse
from tools.memory.pretrain import pretrain_configs
from tools.planning.pretrain_tables import Wish, decide, plan_tables, votes

CONFIGS = pretrain_configs()


@cache
def _cached(items: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return plan_pretraining(parse(PretrainQuery, dict(items)))


def _plan(**given: Any) -> dict[str, Any]:
    return _cached(tuple(sorted({"hardware": "RTX 3090", **given}.items())))


def test_the_smaller_alternative_has_three_states_and_an_unknown_one() -> None:
    words = {
        size: _plan(config="350M_1024", **({"dataset": size} if size else {}))["scaling"]["smaller_words"]
        for size in ("", "40GB", "5GB", "1MB")
    }
    assert words[""].startswith("unknown")
    assert words["40GB"] == "none needed"
    assert words["5GB"] == "200M; it sees only 256 tokens, not 1,024"
    assert words["1MB"].startswith("none exists")
    tiny = _plan(config="small", dataset="100MB")["scaling"]
    assert tiny["smaller_words"] == "tiny, which reads the same text as about 100 million tokens"
    own = _plan(config="350M_1024", dataset="300MB", vocabulary=8000)["scaling"]
    assert own["smaller_tokens"] == own["unique_tokens"]  # the asked vocabulary holds for the smaller one


def test_iterations_follow_the_configuration_where_no_priority_was_said() -> None:
    counts = {c.name: _plan(config=c.name, hardware="A100 80GB")["phases"][0]["iterations"] for c in CONFIGS}
    rows = {row["configs"][0]: row["iterations"] for row in plan_tables()["tables"]["priority"]["rows"]}
    for name, count in rows.items():
        assert counts[name] == count
    assert counts["tiny"] == rows["small"]
    assert counts["200M"] == rows["150M"]
    assert counts["350M_1024"] == 50_000  # the guide's example of company documents
    fast = _plan(config="750M_1024", hardware="A100 80GB", priority="speed")
    assert fast["phases"][0]["iterations"] == 2000
    why = next(a["why"] for a in fast["assumptions"] if a["slot"] == "iterations")
    assert "for 750M_1024 the guide says 100,000 or more" in why


def test_a_second_phase_that_reads_more_than_the_first_is_warned_of() -> None:
    wish = {"use_case": "domain expert", "domain_data": "200M tokens", "hardware": "A100 40GB PCIe"}
    expert = _plan(dataset="12GB", **wish)
    first, second = expert["phases"]
    assert first["iterations"] == 100_000
    assert second["tokens_seen"] < first["tokens_seen"]
    assert not any("Phase 2 reads more" in text for text in expert["caveats"])
    short_base = _plan(iterations=10_000, **wish)
    assert any("Phase 2 reads more than phase 1" in text for text in short_base["caveats"])


def test_the_commands_carry_out_the_plan() -> None:
    """What train.py takes from its file stands before the command, for each phase."""
    document = _plan(config="750M_1024", phase="both", domain_data="200M tokens", hardware="RTX 3090")
    lines = [(c["label"], c["shell"]) for c in document["commands"]]
    batch = document["batch"]
    assert batch["accumulation_steps"] > 1
    for number, phase in enumerate(document["phases"], 1):
        at = next(i for i, (label, _) in enumerate(lines) if label.startswith(f"Phase {number}"))
        said = next(shell for label, shell in reversed(lines[:at]) if "configuration file" in label)
        assert phase["config_file"] in said
        assert f"batch_size {batch['micro_batch']}," in said
        assert f"gradient accumulation {batch['accumulation_steps']}" in said
        assert f"warmup_iters {phase['warmup_iterations']}" in said
        assert all(line.startswith("# ") for line in said.split("\n"))
        assert phase["file_settings"]["batch_size"] == batch["micro_batch"]
    trial = next(i for i, (label, _) in enumerate(lines) if "short run" in label)
    assert any("configuration file" in label for label, _ in lines[:trial])


def test_what_else_the_file_does_not_say_is_to_be_set_too() -> None:
    checked = _plan(config="750M_1024", hardware="RTX 3060 12GB")
    on = checked["batch"]["gradient_checkpointing"]
    assert checked["phases"][0]["file_settings"].get("gradient checkpointing", False) is on
    other = _plan(config="350M_1024", context=512, vocabulary=32_000)["phases"][0]["file_settings"]
    assert (other["block_size"], other["vocab_size"]) == (512, 32_000)
    usual = _plan(config="small", hardware="H100 SXM5 80GB")["phases"][0]["file_settings"]
    assert set(usual) == {"batch_size", "warmup_iters"}


def test_in_doubt_is_a_sentence_of_its_own() -> None:
    document = _plan(hardware="CPU only, 64 GB RAM")
    assert document["decision"]["decides"] == "in doubt"
    small = decide(votes(Wish(vram_gb=None, dataset_bytes=None)), 256)
    assert "in doubt the guide begins with 150M" in small.why
    below = decide(votes(Wish(vram_gb=2.0)), 256)
    assert below.config.name == "tiny"
    assert below.why == "In doubt the guide begins with 150M, but the card is below the table."
