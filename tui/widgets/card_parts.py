"""Draws the parts of a model card: facts, scores, memory by context, sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.claims import Claim
from tui.glyphs import Glyphs, glyphs
from tui.model_card import Card, Fact, Group, Held, Memory, Score
from tui.plaintext import GIB, gib
from tui.widgets.fold import Fold
from tui.widgets.memory_bar import STYLES, cells
from tui.widgets.messages import SourceLines
from tui.widgets.text import FittedText, PlainText, crop, hanging, pad, styled

LABEL = 18
NARROW = 70
"""Cells below which labels get less room."""
CONTEXT, FIGURE = 10, 7
"""Cells of the columns of the memory table."""
SCORES_SHOWN = 8
WORDS = ("weights", "KV cache", "compute", "overhead")


def parts_of(card: Card) -> list[Widget]:
    """Everything under the title, in the order of use."""
    parts: list[Widget] = [PlainText(card.note, classes="note")] if card.note else []
    parts += _group(card.identity)
    if card.quality is not None:
        parts += [_title(f"Quality for {card.task}"), _claims([card.quality])]
    parts += [_title("Memory by context"), *_memory(card), *_group(card.terms), *_benchmarks(card)]
    if card.overtaken:
        parts += [_title("What has overtaken it"), _claims(card.overtaken)]
    parts += [part for group in card.about for part in _group(group)]
    if card.commands:
        parts += [_title("How to get it (y copies a line)"), _commands(card)]
    if card.unknown:
        parts += [_title("Unknown"), PlainText(", ".join(card.unknown), classes="unknown")]
    parts += [_title("Sources (a digit opens one, s lists them)"), SourceLines(card.sources)]
    return [*parts, *(PlainText(words, classes="unknown") for words in (*card.caveats, card.age) if words)]


def _title(text: str) -> PlainText:
    return PlainText(text, classes="section")


def _marks(numbers: Sequence[int]) -> tuple[str, str]:
    return "".join(f" [{number}]" for number in numbers), "$accent"


def _group(group: Group) -> list[Widget]:
    if not group.facts:
        return []
    return [_title(group.title), FittedText(lambda width: facts_content(group.facts, width))]


def facts_content(facts: Sequence[Fact], width: int) -> Content:
    """Labels in a column, texts beside them, each with the numbers of its sources."""
    label = LABEL if width >= NARROW else 15
    rows = []
    for fact in facts:
        name = pad(crop(fact.label, label, glyphs().ellipsis), label)
        rows.append((styled((f"{name}  ", "$foreground-muted")), styled(fact.text, _marks(fact.sources))))
    return hanging(rows)(width)


def _claims(claims: Sequence[Claim]) -> FittedText:
    bullet = styled((f"{glyphs().bullet} ", "$foreground-muted"))
    return FittedText(hanging([(bullet, styled(one.text, _marks(one.sources))) for one in claims]))


def _commands(card: Card) -> Static:
    lines: list[Content] = []
    for command in card.commands:
        lines.append(styled((f"# {command.label}", "$foreground-muted")))
        lines.append(styled(command.shell))
    return Static(Content("\n").join(lines), markup=False, classes="commands")


def _benchmarks(card: Card) -> list[Widget]:
    title = _title(f"Benchmarks, what says most about {card.task} first" if card.task else "Benchmarks")
    if not card.scores:
        said = "No published score of it is known here; unmeasured does not mean weak."
        return [title, PlainText(said, classes="unknown")]
    first, rest = card.scores[:SCORES_SHOWN], card.scores[SCORES_SHOWN:]
    parts: list[Widget] = [title, FittedText(_scores(first))]
    if rest:
        more = styled(f"{len(rest)} more score" + ("s" if len(rest) > 1 else ""))
        parts.append(Fold(more, lambda: [FittedText(_scores(rest))]))
    return parts


def _scores(scores: Sequence[Score]) -> Callable[[int], Content]:
    return lambda width: scores_content(scores, width)


def scores_content(scores: Sequence[Score], width: int) -> Content:
    """A table: benchmark, score, date, who ran it, source; below each what it was measured on."""
    figures = [max(len("score"), *(len(one.score) for one in scores)), 10, 11, 4]
    room = max(10, min(44, width - sum(figures) - 2 * len(figures)))
    head = ["benchmark", "score", "date", "run by", ""]

    def line(first: str, score: str, *others: str) -> str:
        cropped = pad(crop(first, room, glyphs().ellipsis), room)
        shown = [pad(text, wide) for text, wide in zip(others, figures[1:], strict=True)]
        return "  ".join([cropped, pad(score, figures[0], right=True), *shown]).rstrip()

    lines = [styled((line(*head), "$foreground-muted"))]
    for one in scores:
        by, _, doubt = one.trust.partition("; ")
        lines.append(styled((line(one.benchmark, one.score, one.day, by, f"[{one.source}]"), "bold")))
        told = "; ".join(part for part in (one.detail, doubt) if part)
        if told:
            lines.append(hanging([(Content("  "), styled((told, "$foreground-muted")))])(width))
    return Content("\n").join(lines)


def _memory(card: Card) -> list[Widget]:
    memory = card.memory
    if memory is None:
        return [PlainText(card.memory_problem or "Its memory cannot be estimated.", classes="unknown")]
    where = f" on {memory.machine}" if memory.machine else ""
    numbers = (memory.source,) if memory.source is not None else ()
    parts: list[Widget] = [
        FittedText(
            hanging([(Content(""), styled(f"{memory.configuration}{where}, estimated", _marks(numbers)))])
        ),
        FittedText(lambda width: memory_content(memory, width, glyphs())),
    ]
    if memory.caveats:
        parts.append(_claims([Claim(caveat) for caveat in memory.caveats]))
    return parts


def memory_content(memory: Memory, width: int, signs: Glyphs) -> Content:
    """The table in GiB, then one bar for each context on one scale."""
    return Content("\n").join([*_table(memory, width, signs), Content(""), *_bars(memory, width, signs)])


def _table(memory: Memory, width: int, signs: Glyphs) -> list[Content]:
    head = "".join(pad(word, FIGURE, right=True) for word in ("weights", "KV", "rest", "in all"))
    lines = [styled((pad("  context", CONTEXT) + head + "  GiB", "$foreground-muted"))]
    for row in memory.rows:
        weights, cache, compute, overhead = row.parts
        figures = (weights, cache, compute + overhead, row.total)
        text = "".join(pad(f"{amount / GIB:,.1f}", FIGURE, right=True) for amount in figures)
        told = [row.verdict, "needed" if row.needed and width >= NARROW else ""]
        told.append(f"{gib(row.host)} in system memory" if row.host > GIB else "")
        lead = f"{signs.pointer} " if row.needed else "  "
        line = pad(lead + row.context, CONTEXT) + text + "  " + ", ".join(part for part in told if part)
        lines.append(styled((line.rstrip(), "bold" if row.needed else "")))
    return lines


def _bars(memory: Memory, width: int, signs: Glyphs) -> list[Content]:
    """All on one scale, which ends at the machine's memory or at the largest total."""
    largest = max(row.total for row in memory.rows)
    scale = max(largest, memory.available or 0) or 1
    room = max(10, min(64, width - CONTEXT - 5))
    lines = [_bar(row, scale, memory.available, room, signs) for row in memory.rows]
    legend = [
        part for place, word in enumerate(WORDS) for part in ((signs.bar[place], STYLES[place]), f" {word}  ")
    ]
    there = f"{signs.bar[4]} free of {gib(memory.available)}" if memory.available else ""
    return [*lines, hanging([(Content(" " * CONTEXT), styled(*legend, there))])(width)]


def _bar(row: Held, scale: int, available: int | None, room: int, signs: Glyphs) -> Content:
    free = max(0, (available or 0) - row.total)
    filled = max(1, round(room * (row.total + free) / scale))
    shares = cells([*row.parts, free], filled)
    lead = pad(f"{signs.pointer if row.needed else ' '} {row.context}", CONTEXT)
    drawn = [(signs.bar[place] * share, STYLES[place]) for place, share in enumerate(shares) if share]
    over = " over" if available is not None and row.total > available else ""
    return styled(lead, *drawn, (over, "bold $error"))
