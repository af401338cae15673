"""Typed claims from sentences and tables: subject, quantity, conditions, place."""

from __future__ import annotations

from knowledge.claims.extract import guide_claims, passage_claims
from knowledge.claims.types import Claim
from knowledge.corpus import Guide, parse_guide


def claims(text: str) -> list[Claim]:
    """The claims of a guide of these words."""
    return list(guide_claims(parse_guide("notes.md", f"# Notes\n\n{text}\n")))


def test_a_sentence_gives_subject_quantity_conditions_and_line() -> None:
    (claim,) = claims("Some words first.\nLlama 3.1 8B in Q4_K_M needs about 6 GB of VRAM at 8K context.")
    assert claim.quantity == "memory"
    assert claim.subject.ids == ("meta-llama/Llama-3.1-8B-Instruct",)
    assert (claim.conditions.quant, claim.conditions.context) == ("Q4_K_M", 8192)
    assert claim.stated is not None
    assert claim.stated.hedge == "about"
    assert (claim.file, claim.line, claim.heading) == ("notes.md", 4, ("Notes",))
    assert claim.words == "Llama 3.1 8B in Q4_K_M needs about 6 GB of VRAM at 8K context."


def test_joined_names_share_a_figure_and_each_list_item_has_its_own() -> None:
    both = claims("Llama 3.1 8B and Mistral 7B v0.3 support a context window of 32K tokens.")
    assert [claim.subject.text for claim in both] == ["Llama 3.1 8B", "Mistral 7B v0.3"]
    apart = claims("Q4_K_M files:\n\n- Llama 3.1 8B: 4.9 GB\n- Qwen3-8B: 5.0 GB")
    assert [(c.subject.text, c.figure_words, c.quantity) for c in apart] == [
        ("Llama 3.1 8B", "4.9 GB", "file"),
        ("Qwen3-8B", "5.0 GB", "file"),
    ]
    assert {claim.conditions.quant for claim in apart} == {"Q4_K_M"}


def test_a_sentence_without_a_name_goes_on_about_the_one_before() -> None:
    last = claims("Phi-4 is small. It has a context window of 16K tokens.")[-1]
    assert (last.subject.text, last.quantity) == ("Phi-4", "window")


def test_tables_read_headers_units_and_rows() -> None:
    found = claims("Sizes in GB.\n\n| model | Q8_0 | Q4_K_M |\n|---|---|---|\n| Qwen3-8B | 8.7 | 5.0 |")
    assert [(c.conditions.quant, c.stated.low if c.stated else 0, c.line) for c in found] == [
        ("Q8_0", 8.7e9, 7),
        ("Q4_K_M", 5.0e9, 7),
    ]


def test_a_turned_table_has_its_models_in_the_header() -> None:
    found = claims(
        "| | Phi-4 | Qwen3-8B |\n|---|---|---|\n| Context window | 16K | 40K |\n| License | MIT | MIT |"
    )
    assert {(c.subject.text, c.quantity, c.figure_words, c.line) for c in found} == {
        ("Phi-4", "window", "16K", 5),
        ("Qwen3-8B", "window", "40K", 5),
        ("Phi-4", "license", "MIT", 6),
        ("Qwen3-8B", "license", "MIT", 6),
    }


def test_what_others_say_is_marked() -> None:
    (told,) = claims("The older guide says that Llama 3.1 70B in Q4_K_M needs 22 GB of VRAM.")
    assert told.attributed
    columns = claims(
        "| model | VRAM (Q4), older claim | VRAM (Q4) |\n|---|---|---|\n| Phi-4 | 8 GB | 10 GB |"
    )
    assert [claim.attributed for claim in columns] == [True, False]


def test_differences_capacities_and_parts_are_no_claims() -> None:
    for text in (
        "Qwen3-8B needs 2 GB more than Phi-4.",
        "I run Qwen3-8B on a 24 GB card.",
        "Keep 2 GB free beside Qwen3-8B.",
        "The compute buffer of Qwen3-8B is 300 MiB.",
    ):
        assert not claims(text), text


def test_a_passage_gives_the_same_claims_with_the_lines_of_its_file() -> None:
    rows = ("| model | VRAM (Q4) |", "| --- | --- |", "| Qwen3-8B | 6 GB |", "| Phi-4 | 10 GB |")
    passage = Guide("notes.md", "Notes", "", None, (), rows, 0, "own")
    found = passage_claims(passage, ("Notes", "Sizes"), (41, 44))
    assert [(claim.subject.text, claim.line) for claim in found] == [("Qwen3-8B", 43), ("Phi-4", 44)]
    # The second half of a table that was cut repeats the header, which stands further up in the file.
    half = passage_claims(passage, ("Notes", "Sizes"), (61, 62))
    assert [claim.line for claim in half] == [61, 62]


def test_pasted_tables_without_rules_are_read() -> None:
    found = claims("SizeQLoRA (4-bit) VRAMLoRA (16-bit) VRAM\n7B~5 GB~19 GB\n14B~9 GB~33 GB")
    assert [(c.subject.text, c.conditions.method, c.figure_words) for c in found] == [
        ("7B", "qlora", "5 GB"),
        ("7B", "lora", "19 GB"),
        ("14B", "qlora", "9 GB"),
        ("14B", "lora", "33 GB"),
    ]
