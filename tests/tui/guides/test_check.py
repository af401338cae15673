"""`guides check` on the command line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.corpus import Guide, parse_guide
from tests.tui.cli_help import Program
from tools.guides import check

OWN = """# My cards

Llama 3.1 70B in Q4_K_M needs 35 GB of VRAM. The RTX 3090 has 24 GB.

Llama 3.1 8B needs 9 GB of VRAM.

| Model | License |
| --- | --- |
| Qwen2.5-7B | MIT |
"""


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Guide:
    """One own guide beside one shipped one."""
    guide = replace(parse_guide("cards.md", OWN), origin="own")
    shipped = parse_guide("speed.md", "# Speed\n\nThe RTX 4090 has 24 GB.\n")
    monkeypatch.setattr(check, "all_guides", lambda home: (shipped, guide))
    return guide


@pytest.mark.usefixtures("own")
def test_disagreements_are_listed_with_place_figures_and_source(program: Program) -> None:
    said = program("guides", "check")
    assert said.status == 1
    assert said.err == ""
    for words in ("cards.md:3", "cards.md:9", "35 GB", "MIT", "apache-2.0", "Source:", "too low"):
        assert words in said.out
    assert "4 statements checked in 2 guides" in " ".join(said.out.split())
    assert "1 more cannot be checked" in said.out
    assert all(len(line) <= 80 for line in said.out.splitlines())


@pytest.mark.usefixtures("own")
def test_why_lists_what_cannot_be_checked(program: Program) -> None:
    said = program("guides", "check", "--why")
    assert "cards.md:5" in said.out
    assert "the quantization is not said" in " ".join(said.out.split())


@pytest.mark.usefixtures("own")
def test_the_document_holds_every_claim(program: Program) -> None:
    said = program("guides", "check", "--json")
    assert said.status == 1
    document = said.document
    assert "error" not in document
    assert (document["checked"], document["agreeing"], document["disagreeing"], document["unchecked"]) == (
        4,
        2,
        2,
        1,
    )
    assert [(one["line"], one["quantity"]) for one in document["disagreements"]] == [
        (3, "memory"),
        (9, "license"),
    ]
    assert len(document["claims"]) == 5


@pytest.mark.usefixtures("own")
def test_names_and_origins_choose_guides(program: Program) -> None:
    assert program("guides", "check", "--shipped").status == 0
    assert program("guides", "check", "speed").status == 0
    assert program("guides", "check", "My cards").status == 1
    assert [g["file"] for g in program("guides", "check", "--own", "--json").document["guides"]] == [
        "cards.md"
    ]
    assert program("guides", "check", "--own", "--shipped").status == 2
    unknown = program("guides", "check", "card")
    assert unknown.status == 1
    assert "cards.md" in unknown.err


@pytest.mark.usefixtures("own")
def test_a_file_that_is_not_added_can_be_checked(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "draft.md"
    path.write_text("The RTX 4090 has 16 GB.\n", encoding="utf-8")
    said = program("guides", "check", str(path))
    assert said.status == 1
    assert "draft.md:1" in said.out
    path.write_bytes(b"\xff\xfe\x1b[2J The RTX 4090 has 16 GB.\n")
    assert "\x1b" not in program("guides", "check", str(path)).out


@pytest.mark.usefixtures("own")
def test_json_lines_are_answered_one_by_one(program: Program) -> None:
    said = program("guides", "check", "--json", "--stdin", stdin=[{"names": "cards"}, {"names": ["none.md"]}])
    first, second = said.lines
    assert first["disagreeing"] == 2
    assert second["error"]["code"] == "unknown_name"


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from tools.guides.check import CheckQuery, check_guides; "
        "check_guides(CheckQuery(names=('quantization',))); "
        "heavy = {'torch', 'chromadb', 'litellm', 'langgraph', 'sentence_transformers'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
