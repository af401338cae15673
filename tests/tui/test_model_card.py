"""The card read from its document."""

from __future__ import annotations

from tests.tui.fake_facts import CARD
from tui.glyphs import ASCII
from tui.model_card import as_markdown, read_card
from tui.widgets.card_parts import facts_content, memory_content, scores_content


def test_sources_are_numbered_in_the_order_of_the_page() -> None:
    card = read_card(CARD)
    assert [fact.sources for fact in card.identity.facts][:3] == [(1,), (2,), (2,)]
    assert card.quality is not None
    assert card.quality.sources == (4,)
    assert card.sources[3].source == "LiveCodeBench v6 37.1"


def test_what_is_not_known_is_listed_and_not_guessed() -> None:
    card = read_card(CARD)
    assert card.unknown == ("reads images",)
    bare = read_card({"model": "x", "model_id": "o/x", "sources": {"*": "y"}})
    assert {"maker", "parameters", "context", "license", "architecture"} <= set(bare.unknown)


def test_trust_of_a_score_tells_who_ran_it_and_what_speaks_against_it() -> None:
    first, second = read_card(CARD).scores
    assert first.trust == "independent"
    assert second.trust == "its maker; counts little: top models are near its ceiling"


def test_memory_of_several_conversations_is_told_for_one() -> None:
    rows = [CARD["memory"][0] | {"context": 32768, "parallel": 4}]
    memory = read_card(CARD | {"memory": rows}).memory
    assert memory is not None
    assert memory.rows[0].context == "8k"
    assert memory.configuration == "Q4_K_M on ollama, KV cache in q8_0, 4 conversations at once"


def test_bars_are_on_one_scale_and_say_when_they_are_over() -> None:
    memory = read_card(CARD).memory
    assert memory is not None
    lines = memory_content(memory, 80, ASCII).plain.splitlines()
    bars = lines[5:8]
    assert bars[2].endswith(" over")
    assert bars[0].count(".") > bars[1].count(".") > 0
    assert len(bars[0]) == len(bars[1])
    assert max(map(len, memory_content(memory, 54, ASCII).plain.splitlines())) <= 54


def test_parts_keep_to_the_width() -> None:
    card = read_card(CARD)
    for width in (54, 76, 110):
        for content in (scores_content(card.scores, width), facts_content(card.identity.facts, width)):
            assert max(map(len, content.plain.splitlines())) <= width


def test_markdown_holds_every_part() -> None:
    text = as_markdown(read_card(CARD))
    for part in (
        "## License",
        "## Memory on RTX 3060 12GB",
        "## Benchmarks",
        "Unknown: reads images.",
        "[1] ",
    ):
        assert part in text
