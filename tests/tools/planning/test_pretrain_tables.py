"""Every row of the pretraining guide's tables: held against the guide's text, and reached by a plan."""

from __future__ import annotations

import re
from typing import Any

import pytest

from knowledge.errors import UsageError
from knowledge.references import find_section
from tools.memory.pretrain import pretrain_config, pretrain_configs
from tools.planning.pretrain_tables import (
    Wish,
    by_size,
    context_row,
    decide,
    plan_tables,
    use_case_row,
    votes,
    vram_row,
)

GUIDE = "pretrain-small-gpt.md"
TABLES = plan_tables()["tables"]


def _guide_rows(heading: str) -> list[list[str]]:
    """The cells of the Markdown table under a heading, without its head."""
    section = find_section(GUIDE, heading)
    assert section is not None, heading
    lines = [line for line in section.text.split("\n") if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines[2:]]


def _names(cell: str) -> list[str]:
    return re.findall(r"(\w+)\.json", cell)


def _headings(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [text for key, text in value.items() if key.endswith("heading") and isinstance(text, str)]
        own += value["headings"] if isinstance(value.get("headings"), list) else []
        return own + [text for item in value.values() for text in _headings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _headings(item)]
    return []


def test_every_cited_heading_is_in_the_guide() -> None:
    headings = _headings(plan_tables())
    assert len(headings) > 15
    assert [heading for heading in headings if find_section(GUIDE, heading) is None] == []


@pytest.mark.parametrize("table", ["vram", "use_case", "priority"])
def test_rows_with_configurations_are_the_guides(table: str) -> None:
    rows = [row for row in TABLES[table]["rows"] if "heading" not in row]
    guide = _guide_rows(TABLES[table]["heading"])
    assert len(rows) == len(guide)
    for row, cells in zip(rows, guide, strict=True):
        assert row["configs"] == _names(cells[1]), cells


def test_the_dataset_table_is_the_guides() -> None:
    rows, guide = TABLES["dataset"]["rows"], _guide_rows(TABLES["dataset"]["heading"])
    for row, cells in zip(rows, guide, strict=True):
        assert cells[0].startswith(row["name"])
        assert [row["minimum"], *row["configs"]] == [*_names(cells[1]), *_names(cells[2])]


def test_the_context_table_is_the_guides() -> None:
    rows, guide = TABLES["context"]["rows"], _guide_rows(TABLES["context"]["heading"])
    for row, cells in zip(rows, guide, strict=True):
        assert [str(row["block_size"]), row["words"], row["why"]] == cells


def test_the_rates_and_combinations_are_the_guides() -> None:
    rates = plan_tables()["learning_rates"]
    for row, cells in zip(rates["rows"], _guide_rows(rates["heading"]), strict=True):
        assert row["name"] == cells[0]
        assert [row["low"], row["high"]] == pytest.approx(_span(cells[1]))
    sizes = plan_tables()["combinations"]
    for row, cells in zip(sizes["rows"], _guide_rows(sizes["heading"]), strict=True):
        assert row["name"] == cells[0]
        assert [row["batch_low"], row["batch_high"]] == _span(cells[1])
        assert [row["rate_low"], row["rate_high"]] == pytest.approx(_span(cells[2]))
        assert row["dropout"] == float(cells[3])


def _span(cell: str) -> list[float]:
    """`24-32` or `1e-4 to 3e-4` as two numbers; one number counts twice."""
    found = re.findall(r"\d+(?:\.\d+)?e-\d+|\d+(?:\.\d+)?", cell)
    return [float(found[0]), float(found[-1])]


def test_the_domain_table_and_the_matrix_are_the_guides() -> None:
    domain = plan_tables()["domain"]
    for row, cells in zip(domain["rows"], _guide_rows(domain["heading"]), strict=True):
        assert row["name"] == cells[0]
        assert [row["tokens_low"] / 1e6, row["tokens_high"] / 1e6] == _span(cells[1])
        assert row["remark"] == cells[2]
    matrix = plan_tables()["matrix"]
    for row, cells in zip(matrix["rows"], _guide_rows(matrix["heading"]), strict=True):
        assert [row["question"], *row["answers"]] == cells


def test_the_overviews_are_those_of_the_configurations() -> None:
    for heading in (
        "Overview of the standard-context configurations (256 tokens)",
        "Overview of the high-context configurations (1024 tokens)",
    ):
        for name, _, vram, *_ in _guide_rows(heading):
            config = pretrain_config(name)
            assert config is not None
            assert f"{config.stated_vram_gb:g} GB" == vram
            assert name.removesuffix(".json") in plan_tables()["stated_time"]["hours"]


@pytest.mark.parametrize(
    ("gb", "row"),
    [
        (2, None),
        (4, "4-6 GB"),
        (6, "4-6 GB"),
        (7, "4-6 GB"),
        (8, "8-12 GB"),
        (11, "8-12 GB"),
        (12, "8-12 GB"),
        (14, "12-16 GB"),
        (16, "12-16 GB"),
        (20, "16-24 GB"),
        (23.6, "16-24 GB"),
        (24, "16-24 GB"),
        (32, "24-40 GB"),
        (39.6, "40+ GB (A100)"),
        (40, "40+ GB (A100)"),
        (80, "40+ GB (A100)"),
    ],
)
def test_every_row_of_gpu_memory_is_reached_and_edges_take_the_lower(gb: float, row: str | None) -> None:
    found = vram_row(gb)
    assert (found["name"] if found else None) == row


def _decided(context: int = 256, *, must_hold: bool = False, **wish: Any) -> tuple[str, str]:
    found = decide(votes(Wish(**wish)), context, must_hold=must_hold)
    return found.config.name, found.decides


@pytest.mark.parametrize("row", TABLES["vram"]["rows"], ids=lambda row: str(row["name"]))
def test_memory_alone_decides_by_its_table(row: dict[str, Any]) -> None:
    inside = row["from_gb"] + 0.9 if row["from_gb"] > 4 else 5
    for context in (256, 1024):
        name, decides = _decided(context, vram_gb=inside)
        assert decides == "vram"
        assert name in row["configs"]
    if len(row["configs"]) > 1:
        assert {_decided(c, vram_gb=inside)[0] for c in (256, 1024)} == set(row["configs"])


@pytest.mark.parametrize("row", TABLES["use_case"]["rows"], ids=lambda row: str(row["name"]))
def test_every_use_case_is_reached_by_each_of_its_words(row: dict[str, Any]) -> None:
    for word in (row["name"], *row["words"]):
        assert use_case_row(word) is row, word
        name, decides = _decided(use_case=word, vram_gb=80.0)
        assert decides == "use_case"
        assert name in row["configs"]


@pytest.mark.parametrize("row", TABLES["dataset"]["rows"], ids=lambda row: str(row["name"]))
def test_every_dataset_row_is_reached_at_both_ends(row: dict[str, Any]) -> None:
    top = row["below_bytes"] or 10**12
    for size in (top // 10 if row["below_bytes"] != 10_000_000 else 1, top - 1):
        cast = votes(Wish(dataset_bytes=size, vram_gb=80.0))
        vote = next(v for v in cast if v.table == "dataset")
        assert (vote.row, vote.minimum) == (row["name"], row["minimum"])
        assert decide(cast, 256, must_hold=False).config.name == row["configs"][0]


@pytest.mark.parametrize("row", TABLES["priority"]["rows"], ids=lambda row: str(row["name"]))
def test_every_sweet_spot_is_reached(row: dict[str, Any]) -> None:
    assert _decided(priority=row["name"], vram_gb=80.0) == (row["configs"][0], "priority")
    config = pretrain_config(row["configs"][0])
    assert config is not None
    assert config.block_size == row["block_size"]


@pytest.mark.parametrize("row", TABLES["context"]["rows"], ids=lambda row: str(row["name"]))
def test_every_block_size_is_reached(row: dict[str, Any]) -> None:
    assert context_row(row["block_size"]) is row
    assert context_row(row["block_size"] - 1) is row
    vote = next(v for v in votes(Wish(context=row["block_size"])) if v.table == "context")
    long = row["block_size"] > 256
    assert vote.configs
    assert all(name.endswith("_1024") is long for name in vote.configs)


def test_beyond_the_last_block_there_is_no_row() -> None:
    assert context_row(1025) is None


def test_where_tables_disagree_the_tighter_limit_decides() -> None:
    assert _decided(use_case="code generation", vram_gb=6.0) == ("small", "vram")
    assert _decided(use_case="code generation", vram_gb=80.0, dataset_bytes=5_000_000) == ("small", "dataset")
    assert _decided(use_case="code", vram_gb=10.0, dataset_bytes=5_000_000) == ("small", "dataset")
    assert _decided(use_case="testing", vram_gb=80.0, dataset_bytes=10**11) == ("small", "use_case")
    assert _decided(use_case="chat", priority="speed", vram_gb=80.0) == ("200M", "use_case")
    assert _decided() == ("150M", "in doubt")


def test_a_card_below_the_table_gets_the_smallest() -> None:
    assert _decided(vram_gb=2.0, use_case="chat") == ("tiny", "vram")


def test_a_stated_context_is_held_even_against_the_other_tables() -> None:
    name, decides = _decided(1024, must_hold=True, vram_gb=6.0)
    assert (name, decides) == ("150M_1024", "context")


def test_a_vote_without_a_question_says_so_and_still_cites_its_table() -> None:
    for vote in votes(Wish()):
        assert vote.asked is None
        assert vote.configs == ()
        assert vote.why == "not stated"
        assert re.fullmatch(rf"{GUIDE}#.+:\d+-\d+", vote.evidence.locator)


def test_an_unknown_use_case_names_those_there_are() -> None:
    with pytest.raises(UsageError) as error:
        use_case_row("world peace")
    assert "document RAG" in error.value.hint


def test_rows_by_size_cover_every_configuration() -> None:
    rows = plan_tables()["combinations"]["rows"]
    reached = {by_size(rows, config.params)["name"] for config in pretrain_configs()}  # type: ignore[index]
    assert reached == {row["name"] for row in rows}
    domain = plan_tables()["domain"]["rows"]
    assert by_size(domain, 40_000_000) is None
    assert {by_size(domain, c.params)["name"] for c in pretrain_configs()[2:]} == {  # type: ignore[index]
        row["name"] for row in domain
    }
