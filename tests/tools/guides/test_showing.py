"""`guides show`: citations, files and lines, and what is not there."""

from __future__ import annotations

import pytest

from knowledge.corpus import Guide, parse_guide
from knowledge.errors import NoAnswerError, UnknownNameError
from knowledge.references import open_lines
from tools.guides.showing import MOST_LINES, ShowQuery, passage_json, show_passage

LOCATOR = "quantization.md#KV cache types f16, q8_0, q4_0:107-107"


def test_a_citation_is_shown_in_its_section() -> None:
    document = show_passage(ShowQuery(passage=LOCATOR))
    assert document["heading"][-1] == "KV cache types f16, q8_0, q4_0"
    assert (document["file"], document["marked"]) == ("quantization.md", [107, 107])
    assert document["origin"] == "shipped"
    first, last = document["lines"]
    assert first <= 107 <= last
    lines = document["text"].split("\n")
    assert len(lines) == last - first + 1
    assert lines[107 - first].startswith("The KV cache can be quantized")
    assert document["notice"] is None


@pytest.mark.parametrize("asked", ["quantization.md:107", "quantization:107", "quantization.md:107-107"])
def test_lines_of_a_guide(asked: str) -> None:
    assert show_passage(ShowQuery(passage=asked)) == show_passage(ShowQuery(passage=LOCATOR))


def test_a_guide_and_a_section() -> None:
    whole = show_passage(ShowQuery(passage="quantization"))
    assert whole["marked"] is None
    assert "KV cache types" in whole["text"]
    assert not whole["text"].startswith("---")
    section = show_passage(ShowQuery(passage="quantization.md#kv cache types F16, q8_0, q4_0"))
    assert section["lines"][0] == 105
    assert section["marked"] is None


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("quantisation.md", "quantization.md"),
        ("kv-cache", "kv-cache-and-attention.md"),
        ("../errors.py:1", "guides list"),
        ("quantization.md#KV cache type f16", "KV cache types f16, q8_0, q4_0"),
    ],
)
def test_what_is_unknown_gets_the_nearest_name(asked: str, hint: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        show_passage(ShowQuery(passage=asked))
    assert hint in caught.value.hint


@pytest.mark.parametrize("asked", ["quantization.md:9999", "quantization.md:0", "quantization.md:20-10"])
def test_lines_that_are_not_there(asked: str) -> None:
    with pytest.raises(NoAnswerError):
        show_passage(ShowQuery(passage=asked))


def _long(lines: int) -> Guide:
    return parse_guide("long.md", "# Long\n\n" + "\n\n".join(f"Line {n}." for n in range(lines)))


def test_of_a_long_section_the_part_around_the_mark_is_shown() -> None:
    cited = open_lines(_long(2000), "Long", (1501, 1501))
    assert cited is not None
    document = passage_json(cited)
    first, last = document["lines"]
    assert last - first + 1 == MOST_LINES
    assert first < 1501 < last
    assert document["whole"] is False
