"""`fit` through the command line: a model on a machine, the largest models, the hardware for a model."""

from __future__ import annotations

from tests.tui.cli_help import Program

MODEL = "Qwen/Qwen3-30B-A3B"


def _fits_80_columns(text: str) -> bool:
    return max(map(len, text.split("\n"))) <= 80


def test_what_is_in_system_memory_is_said_and_the_command_places_it(program: Program) -> None:
    outcome = program("fit", MODEL, "--hardware", "RTX 3060 12GB + 32GB RAM", "--why")
    assert outcome.status == 0
    assert "Chosen so" in outcome.out
    assert "in system memory" in outcome.out
    assert "--n-cpu-moe " in outcome.out
    assert "No configuration beats these in everything" in outcome.out
    assert _fits_80_columns("\n".join(line for line in outcome.out.split("\n") if "llama-server" not in line))


def test_the_loss_of_quality_is_told_with_the_measurements_behind_it(program: Program) -> None:
    asked = ("fit", "llama-3.1-8b", "--hardware", "RTX 2060", "--kv-cache-type", "q8_0", "--quant", "Q4_K_M")
    told = program(*asked, "--why").out
    loss = told[told.index("Loss by quantization") :].split("\n\n")[0]
    assert "Q4_K_M and a q8_0 cache cost about 1.2 points" in loss
    assert "matt-c1/llama-3-quant-comparison" in loss
    assert "2025-08" in loss
    assert "Loss by quantization" not in program(*asked).out
    assert _fits_80_columns(loss)
    unquantized = program("fit", "llama-3.1-8b", "--hardware", "H100 80GB", "--quant", "BF16", "--why")
    assert unquantized.status == 0
    assert "Loss by quantization" not in unquantized.out


def test_each_of_several_cards_gets_its_line(program: Program) -> None:
    outcome = program("fit", MODEL, "--hardware", "2x RTX 3090", "--quant", "Q8_0")
    assert outcome.status == 0, outcome.err
    assert outcome.out.count("RTX 3090") >= 2
    document = program("fit", MODEL, "--hardware", "2x RTX 3090", "--quant", "Q8_0", "--json").document
    rows = document["memory"]["per_device"]
    assert len(rows) == 2
    assert sum(row["total_bytes"] for row in rows) == document["memory"]["total_bytes"]


def test_without_a_model_the_largest_that_fit_are_listed(program: Program) -> None:
    outcome = program("fit", "--hardware", "RTX 3090 + 64GB RAM")
    assert outcome.status == 0
    assert outcome.out.startswith("The largest of ")
    assert "On the accelerators alone" in outcome.out
    assert "With a part in system memory" in outcome.out
    assert _fits_80_columns(outcome.out)
    document = program("fit", "--hardware", "RTX 3090 + 64GB RAM", "--json").document
    assert document["fitting"] > len(document["models"]) > 0


def test_the_hardware_a_model_needs(program: Program) -> None:
    outcome = program("fit", MODEL, "--find-hardware")
    assert outcome.status == 0
    assert "Memory on one card" in outcome.out
    assert "Smallest sets that hold it" in outcome.out
    assert _fits_80_columns(outcome.out)


def test_a_mistake_is_said_before_anything_is_weighed(program: Program) -> None:
    text_only = program("fit", MODEL, "--hardware", "RTX 3090", "--vision")
    unknown = program("fit", MODEL, "--hardware", "RTX 3090", "--engine", "llamacpp2")
    for outcome in (text_only, unknown):
        assert outcome.status == 2
        assert "Hint: " in outcome.err


def test_mistakes_get_one_sentence_and_a_hint(program: Program) -> None:
    for words in (("fit", "--find-hardware"), ("fit", MODEL, "--find-hardware", "--hardware", "RTX 3090")):
        outcome = program(*words)
        assert outcome.status == 2
        assert "`find_hardware`" in outcome.err
        assert "Hint: " in outcome.err
    beyond = program("fit", MODEL, "--find-hardware", "--context", "2M")
    assert beyond.status == 1
    assert "its window is" in beyond.err
