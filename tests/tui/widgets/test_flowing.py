"""Whatever the pieces in which Markdown comes, it settles as if it had come at once."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Markdown
from textual.widgets._markdown import MarkdownTable
from textual.widgets.markdown import MarkdownBlock, MarkdownFence

from tui.widgets.flowing import FlowingMarkdown, Growing, MarkdownPart, complete, draft, split_parts

BLOCKS = (
    "# Title\n\n",
    "## The cache\n\n",
    "A paragraph with **bold** and `code`,\nof two lines.\n\n",
    "- one\n- two\n\n  still two\n\n- three\n\n",
    "1. first\n\n2. second\n   - inner\n\n10. tenth\n\n",
    "| part | grows |\n| --- | --- |\n| weights | model |\n| cache | context |\n\n",
    "```python\ndef f():\n\n    return g\n\n~~~\n\nnot a paragraph\n```\n\n",
    "~~~~\n```\n\nstill code\n~~~\n~~~~\n\n",
    "> a quote\n\n> another\n\n",
    "    indented code\n\n    more of it\n\n",
    "Setext heading\n---\n\n",
    "para\n- list at once\n\n",
    "***\n\n",
    "[not a definition] in a text\n\n",
)
UNFINISHED = (
    "```python\nprint()\n\nno end",
    "| a | b |\n| --- | --- |\n| c |",
    "| a | b |",
    "- item\n- ",
    "**bo",
    "1. a\n\n2",
)
Shape = list[tuple[str, str]]


class FlowApp(App[None]):
    """Only the Markdown."""

    def __init__(self, *shown: str) -> None:
        super().__init__()
        self._shown = shown

    def compose(self) -> ComposeResult:
        yield FlowingMarkdown(*self._shown)


def shape(parts: list[Markdown]) -> Shape:
    """Each block with its text, in order, as it is on the screen."""
    return [
        (type(block).__name__.lstrip("_"), block.code if isinstance(block, MarkdownFence) else cells(block))
        for part in parts
        for block in part.query(MarkdownBlock)
    ]


def cells(block: MarkdownBlock) -> str:
    if isinstance(block, MarkdownTable):
        headers, rows = block._get_headers_and_rows()
        return "|".join(cell.plain for row in [headers, *rows] for cell in row)
    return block._content.plain


class WholeApp(App[None]):
    """The same text in one update."""

    def compose(self) -> ComposeResult:
        yield Markdown()


async def at_once(text: str) -> Shape:
    async with WholeApp().run_test() as pilot:
        markdown = pilot.app.query_one(Markdown)
        await markdown.update(text)
        return [(name.replace("MarkdownFence", "Fence"), said) for name, said in shape([markdown])]


async def in_pieces(text: str, random: Random) -> tuple[Shape, str, bool]:
    async with FlowApp().run_test() as pilot:
        flow = pilot.app.query_one(FlowingMarkdown)
        place = 0
        while place < len(text):
            size = random.randint(1, 40)
            await flow.write(text[place : place + size])
            await flow._next()
            assert flow.text == text[: place + size]
            place += size
        await flow.settle(text)
        return shape([*flow.query(MarkdownPart)]), flow.text, flow.query_one(Growing).display


@pytest.mark.parametrize("seed", range(12))
async def test_pieces_settle_as_one_update(seed: int) -> None:
    random = Random(seed)
    text = "".join(random.choices(BLOCKS, k=6)) + (random.choice(UNFINISHED) if seed % 2 else "")
    settled, kept, growing = await in_pieces(text, random)
    assert settled == await at_once(text)
    assert kept == text
    assert not growing


@pytest.mark.parametrize("least", [1, 50, 700])
def test_parts_are_the_text(least: int) -> None:
    for seed in range(50):
        text = "".join(Random(seed).choices(BLOCKS, k=8))
        parts = split_parts(text, least)
        assert "".join(parts) == text
        assert all(len(part) >= least for part in parts[:-1])


def test_a_text_whose_links_are_defined_elsewhere_stays_in_one() -> None:
    text = "See [the guide][1].\n\n" * 100 + "[1]: https://example.org\n"
    assert split_parts(text) == [text]


def test_only_what_nothing_can_change_is_complete() -> None:
    assert complete("one\n\ntwo\n") == len("one\n\n")
    assert complete("one\n\ntwo") == 0  # "two" may become anything
    assert complete("```\ncode\n\nmore\n") == 0
    assert complete("- a\n\n- b\n\n") == 0
    assert complete("1. a\n\n2") == 0
    assert complete("| a |\n| - |\n| b |\n\nafter\n") == len("| a |\n| - |\n| b |\n\n")


async def test_what_is_complete_is_laid_out_once_and_stays() -> None:
    async with FlowApp().run_test() as pilot:
        flow = pilot.app.query_one(FlowingMarkdown)
        await flow.write("## Title\n\nFirst.\n\nSecond.\n")
        first = flow.query(MarkdownPart).first()
        await flow.write("\nThird **bold")
        await flow._next()
        assert flow.query_one(Growing).display
        await flow.settle("## Title\n\nFirst.\n\nSecond.\n\nThird **bold**.\n")
        assert flow.query(MarkdownPart).first() is first
        assert shape([*flow.query(MarkdownPart)])[-1] == ("MarkdownParagraph", "Third bold.")


async def test_another_final_text_takes_the_place_of_what_came() -> None:
    async with FlowApp().run_test() as pilot:
        flow = pilot.app.query_one(FlowingMarkdown)
        await flow.write("Right.\n\nWrong.\n\nMore.\n")
        await flow.settle("Right.\n\nMended.\n")
        assert flow.text == "Right.\n\nMended.\n"
        assert [said for _, said in shape([*flow.query(MarkdownPart)])] == ["Right.", "Mended."]


async def test_parts_stand_as_far_apart_as_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.tui.driving import chatting
    from tests.tui.fakes import FakeSession
    from tui.widgets.messages import AdvisorMessage

    text = "".join(BLOCKS)

    async with chatting(FakeSession(), size=(100, 40)) as (app, pilot):
        grown, whole = AdvisorMessage(), AdvisorMessage(text)
        for message in (grown, whole):
            await app.chat.query_one("#conversation").mount(message)
        for place in range(0, len(text), 30):
            await grown.write(text[place : place + 30])
            await grown.query_one(FlowingMarkdown)._next()
        await grown.finish()
        await pilot.pause()
        await asyncio.sleep(0.05)
        assert len(grown.query(MarkdownPart)) > len(whole.query(MarkdownPart))
        assert grown.size.height == whole.size.height


def test_a_draft_has_no_marks() -> None:
    assert draft("## Title\n").plain == "Title"
    assert draft("- **bold** and `code`\n").plain.endswith(" bold and code")
    assert draft("```python\n**kept**\n").plain == "  **kept**"


def test_a_draft_may_be_its_last_lines() -> None:
    assert draft("one\ntwo\nthree\n", last=2).plain == "two\nthree"
    assert draft("text\n```\n**kept**\n*too*\n", last=2).plain == "  **kept**\n  *too*"
    assert draft("```\ncode\n```\nso **bold**\n", last=1).plain == "so bold"


async def test_while_somebody_types_the_last_lines_are_drawn_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.tui.driving import chatting
    from tests.tui.fakes import FakeSession
    from tui.widgets import flowing
    from tui.widgets.messages import AdvisorMessage

    monkeypatch.setattr(flowing, "TYPING_SECONDS", 1000.0)

    async with chatting(FakeSession(), size=(100, 40)) as (app, pilot):
        message = AdvisorMessage()
        await app.chat.query_one("#conversation").mount(message)
        flow = message.query_one(FlowingMarkdown)
        growing = flow.query_one(Growing)
        await message.write("The beginning")
        await pilot.press("x")
        await message.write(".\n\nThe middle.\n\n")
        await flow._next()
        await pilot.pause()
        height = growing.size.height
        assert height == flowing.WINDOW
        for place in range(20):
            await message.write(f"{place}. **line**\n")
            await flow._next()
        await pilot.pause()
        assert growing.size.height == height
        assert not flow.query(MarkdownPart)
        assert str(growing.visual).splitlines()[-1] == "19. line"

        monkeypatch.setattr(flowing, "TYPING_SECONDS", 0.0)
        await flow._next()
        assert flow.query(MarkdownPart)
        await message.finish()
        assert flow.text == message.text
        assert not growing.display


async def test_what_was_held_is_laid_out_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is pressed meanwhile waits for one part, not for all."""
    text = "".join(f"Paragraph {place} of {'many words ' * 30}.\n\n" for place in range(12))
    async with FlowApp().run_test() as pilot:
        flow = pilot.app.query_one(FlowingMarkdown)
        await flow.write(text)
        counts = [len(flow.query(MarkdownPart))]
        while flow._held:
            await flow._next()
            counts.append(len(flow.query(MarkdownPart)))
        assert counts == list(range(1, len(counts) + 1))
        assert len(counts) > 2
        await flow.settle(text)
        assert flow.text == text
