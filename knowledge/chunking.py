"""Cuts guides into passages by their structure: headings, then paragraphs, lists, tables and code.

A passage belongs to one heading. A table is cut only between rows, with its header repeated; a list only
between items; a paragraph between sentences; code between lines. What leads in to a table, list or code block
("Memory by size:") stays with it, and is repeated with every part of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.asked import asked_of
from knowledge.corpus import Guide, Origin
from knowledge.markdown_blocks import Block, Section, plain, sections

MAX_TOKENS = 220
"""Of MiniLM, heading path included: the model reads 256 and silently drops the rest."""
MAX_CHARACTERS = 2_500
MAX_LEAD_IN_TOKENS = 60

_PIECES = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One passage of a guide, as it is indexed and shown."""

    id: str
    """Stable: the same words under the same heading of the same file keep it when lines move."""
    file: str
    guide: str
    """Title of the guide."""
    heading: tuple[str, ...]
    """Titles from the guide's down to the passage's own."""
    first_line: int
    last_line: int
    """1-based, inclusive; a repeated table header or lead-in is not counted."""
    kind: str
    """`text`, `list`, `table` or `code`, by the largest part."""
    text: str
    as_of: str | None
    origin: Origin = "shipped"
    asked: str = ""
    """Questions that its section answers; read by the search, never shown."""
    provenance: str | None = None
    """Of an own guide: where it came from and when it was added."""

    @property
    def views(self) -> tuple[str, ...]:
        """What the embedder reads: the heading path, then the words without Markdown's marks.

        More than one only where the passage cannot be cut further (a very wide row of a table): each view is
        a part of it with the heading before it, and the passage is as near to a query as its nearest view.
        """
        prefix = " > ".join(self.heading) + "\n"
        text = plain(self.text)
        room = _room(self.heading)
        if estimate_tokens(text) <= room:
            return (prefix + text,)
        parts: list[str] = []
        used = float(room)
        for word in re.split(r"(?<=\s)", text):
            size = _tokens(word)
            if used + size > room:
                parts.append(prefix)
                used = 0.0
            parts[-1] += word
            used += size
        return tuple(parts)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Something that is kept in one passage."""

    text: str
    first: int
    last: int
    kind: str
    closed: bool = False
    """A part of a split block: nothing is packed together with it."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A row, item, sentence or line of code with its first and last line, 1-based."""

    text: str
    first: int
    last: int


def _room(heading: Sequence[str]) -> int:
    """Tokens for the words of a passage under a heading path."""
    return max(60, MAX_TOKENS - estimate_tokens(" > ".join(heading)))


def estimate_tokens(text: str) -> int:
    """MiniLM's tokens in `text`, without its tokenizer: about 15 % off, and rather too many."""
    return round(_tokens(text))


def _tokens(text: str) -> float:
    total = 0.0
    for piece in _PIECES.findall(text):
        if piece[0].isalpha():
            total += 1.12 + 0.16 * max(0, len(piece) - 6)
        elif piece[0].isdigit():
            total += 1 + 0.6 * max(0, len(piece) - 2)
        else:
            total += 1
    return total


def chunk_guides(guides: Iterable[Guide]) -> tuple[Chunk, ...]:
    """All passages of the guides, in reading order, with unique ids."""
    seen: dict[str, int] = {}
    chunks = []
    for guide in guides:
        for chunk in chunk_guide(guide):
            # The same words twice under one heading: the second one is told apart by its place.
            repeat = seen[chunk.id] = seen.get(chunk.id, 0) + 1
            chunks.append(chunk if repeat == 1 else _renamed(chunk, f"{chunk.id}-{repeat}"))
    return tuple(chunks)


def chunk_guide(guide: Guide) -> Iterator[Chunk]:
    """The passages of one guide; ids may repeat where its words do."""
    for section in sections(guide.lines, guide.body_start, guide.title):
        budget = _room(section.heading)
        pieces = [part for piece in _led_in(section.blocks) for part in _fitting(piece, guide.lines, budget)]
        first_line = section.first_line
        for group in _packed(pieces, budget):
            yield _chunk(guide, section, group, first_line)
            first_line = None


def _chunk(guide: Guide, section: Section, group: Sequence[_Piece], first_line: int | None) -> Chunk:
    text = "\n\n".join(piece.text for piece in group).strip("\n")
    sizes: dict[str, int] = {}
    for piece in group:
        sizes[piece.kind] = sizes.get(piece.kind, 0) + len(piece.text)
    return Chunk(
        id=passage_id(guide.file, section.heading, text),
        file=guide.file,
        guide=guide.title,
        heading=section.heading,
        first_line=first_line or group[0].first,
        last_line=max(piece.last for piece in group),
        kind=max(sizes, key=lambda kind: sizes[kind]),
        text=text,
        as_of=guide.as_of,
        origin=guide.origin,
        provenance=guide.provenance,
        asked=asked_of(guide, section.heading[-1]),
    )


def passage_id(file: str, heading: Sequence[str], text: str) -> str:
    """The id of these words under this heading of this file."""
    identity = "\x1f".join((file, *heading, text))
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _renamed(chunk: Chunk, name: str) -> Chunk:
    return replace(chunk, id=name)


def _led_in(blocks: Sequence[Block]) -> Iterator[tuple[Block | None, Block]]:
    """Pairs every list, table and code block with the short paragraph that introduces it."""
    waiting: Block | None = None
    for block in blocks:
        if waiting is not None:
            if block.kind in {"list", "table", "code"}:
                yield waiting, block
                waiting = None
                continue
            yield None, waiting
            waiting = None
        if block.kind == "text":
            waiting = block
        else:
            yield None, block
    if waiting is not None:
        yield None, waiting


def _fitting(pair: tuple[Block | None, Block], lines: Sequence[str], budget: int) -> Iterator[_Piece]:
    """The block with its lead-in as one piece, or as parts that each fit."""
    lead, block = pair
    if block.kind == "table" and not block.cuts:
        block = replace(block, kind="text")  # a header alone has no rows to cut between
    whole = _piece(lines, lead.first if lead else block.first, block.last, block.kind)
    if _fits(whole.text, budget):
        yield whole
        return
    prefix = ""
    if lead is not None:
        opening = "\n".join(lines[lead.first : lead.last])
        if estimate_tokens(opening) > MAX_LEAD_IN_TOKENS:
            yield from _fitting((None, lead), lines, budget)
        else:
            prefix = opening + "\n\n"
    first = lead.first if lead is not None and prefix else block.first
    yield from _split(block, lines, prefix, first, budget)


def _fits(text: str, budget: int) -> bool:
    return len(text) <= MAX_CHARACTERS and estimate_tokens(plain(text)) <= budget


def _piece(lines: Sequence[str], first: int, last: int, kind: str) -> _Piece:
    return _Piece("\n".join(lines[first:last]), first + 1, last, kind)


def _split(block: Block, lines: Sequence[str], prefix: str, first: int, budget: int) -> Iterator[_Piece]:
    """Packs the block's parts (rows, items, sentences, code lines) under a repeated prefix."""
    before, after = prefix, ""
    if block.kind == "table":
        before += "\n".join(lines[block.first : block.first + 2]) + "\n"
    elif block.kind == "code" and lines[block.first].lstrip().startswith(("```", "~~~")):
        fence = lines[block.first].lstrip()[:3]
        before, after = prefix + lines[block.first] + "\n", "\n" + fence
    before = before[: MAX_CHARACTERS // 2]

    def framed(parts: Sequence[_Part]) -> str:
        return before + (" " if block.kind == "text" else "\n").join(part.text for part in parts) + after

    def fits(parts: Sequence[_Part]) -> bool:
        return len(parts) == 1 or _fits(framed(parts), budget)

    room = MAX_CHARACTERS - len(before) - len(after)
    wanted = budget - estimate_tokens(before)
    parts = [piece for whole in _parts(block, lines, wanted) for piece in _cut(whole, room)]
    groups = _groups(parts, fits)
    for number, group in enumerate(groups):
        start = first + 1 if number == 0 else group[0].first
        last = block.last if number == len(groups) - 1 else max(part.last for part in group)
        yield _Piece(framed(group), start, last, block.kind, closed=True)


def _groups(parts: Sequence[_Part], fits: Callable[[Sequence[_Part]], bool]) -> list[list[_Part]]:
    """As few groups as fit, and of about equal size: a last row alone would be a passage that says little."""
    groups: list[list[_Part]] = []
    for part in parts:
        if groups and fits([*groups[-1], part]):
            groups[-1].append(part)
        else:
            groups.append([part])
    share = sum(len(part.text) for part in parts) / max(1, len(groups))
    even: list[list[_Part]] = [[] for _ in groups]
    done = 0.0
    for part in parts:
        even[min(int((done + len(part.text) / 2) / max(share, 1)), len(groups) - 1)].append(part)
        done += len(part.text)
    return even if all(group and fits(group) for group in even) else groups


def _parts(block: Block, lines: Sequence[str], wanted: int) -> Iterator[_Part]:
    """What a block may be cut between.

    An item of a list that alone passes `wanted` tokens is cut like a paragraph.
    """
    if block.kind == "text":
        yield from _sentences(lines, block.first, block.last)
        return
    for first, last in block.cuts:
        text = "\n".join(lines[first:last])
        if block.kind == "list" and estimate_tokens(text) > wanted:
            yield from _sentences(lines, first, last)
        else:
            yield _Part(text, first + 1, last)


def _sentences(lines: Sequence[str], first: int, last: int) -> Iterator[_Part]:
    for index in range(first, last):
        for sentence in _SENTENCE_END.split(lines[index]):
            if plain(sentence).strip():  # not the rule below a header
                yield _Part(sentence, index + 1, index + 1)


def _cut(part: _Part, room: int) -> Iterator[_Part]:
    """A part longer than a passage may be (a line of base64) is cut by force, if possible at a space."""
    text = part.text
    while len(text) > room:
        at = text.rfind(" ", room // 2, room)
        at = room if at < 0 else at
        yield _Part(text[:at], part.first, part.last)
        text = text[at:].lstrip(" ")
    yield _Part(text, part.first, part.last)


def _packed(pieces: Sequence[_Piece], budget: int) -> Iterator[list[_Piece]]:
    """Neighbors of one section share a passage while they fit."""
    group: list[_Piece] = []
    for piece in pieces:
        joined = "\n\n".join([*(held.text for held in group), piece.text])
        if group and (piece.closed or group[-1].closed or not _fits(joined, budget)):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group
