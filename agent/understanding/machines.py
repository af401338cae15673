"""Finds where a message speaks of machines, and what they are for; `tools.hardware` reads what they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from agent.understanding.data import load
from agent.understanding.lexicon import negated
from agent.understanding.text import Text
from tools.needs import HardwareNeed

Purpose = Literal["use", "train"]
Kind = Literal["device", "count", "vague", "memory", "cores", "none", "nothing"]


_TIMES = re.compile(r"\s?x\s?\d{1,2}(?!\w)")
"""A count behind its machine (`Tesla P40 24GB x2`)."""


@dataclass(frozen=True, slots=True)
class MachineMention:
    """A stretch of text that describes one set of hardware."""

    start: int
    end: int
    kinds: frozenset[Kind]
    purpose: Purpose = "use"
    stated_purpose: bool = False
    rented: bool = False


@dataclass(frozen=True, slots=True)
class _Words:
    kinds: tuple[tuple[Kind, re.Pattern[str]], ...]
    counts: re.Pattern[str]
    link: re.Pattern[str]
    train: re.Pattern[str]
    use: re.Pattern[str]
    rented: re.Pattern[str]
    not_hardware: re.Pattern[str]
    not_memory: re.Pattern[str]
    count_after: re.Pattern[str]


@cache
def _words() -> _Words:
    data = load("machines")

    def union(patterns: list[str]) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w.])(?:\d{{1,3}}x)?(?:{'|'.join(patterns)})s?(?!\w)")

    return _Words(
        kinds=(
            ("none", union(data["none"])),
            ("nothing", union(data["nothing"])),
            ("device", union(data["devices"])),
            ("count", union(data["count"])),
            ("vague", union(data["vague"])),
            ("memory", union(data["memory"])),
            ("cores", union(data["cores"])),
        ),
        counts=re.compile(rf"(?<![\w.]){data['counts']}"),
        link=re.compile(data["link"]),
        train=re.compile(rf"\b{data['train']}\b"),
        use=re.compile(rf"\b{data['use']}\b"),
        rented=re.compile(rf"\b(?:{data['rented']})\b"),
        not_hardware=re.compile(rf"\b(?:{data['not_hardware']})\b"),
        not_memory=re.compile(data["not_memory"]),
        count_after=re.compile(data["count_after"]),
    )


def find_machines(text: Text, *, asked: bool = False) -> tuple[MachineMention, ...]:
    """The hardware that a message names, in order.

    Args:
        text: The message.
        asked: Hardware is the pending question, so that a bare size (`16 GB`) speaks of it too.
    """
    words = _words()
    merged = _merge(text, words, _items(text, words))
    strong = any(m.kinds & {"device", "nothing"} for m in merged)
    kept = [m for m in merged if _qualifies(text, words, m, asked or strong)]
    shown = _without_none(text, kept)
    owned = [m for m in kept if m.kinds & {"none", "nothing"} or not negated(shown, m.start, m.end)]
    kept = owned or kept
    return tuple(_with_purpose(text, words, m) for m in kept)


def _without_none(text: Text, mentions: list[MachineMention]) -> Text:
    """The message with what is lacking left blank: `no GPU in our servers` does not deny the servers."""
    low = text.low
    for mention in mentions:
        if mention.kinds == {"none"}:
            low = low[: mention.start] + " " * (mention.end - mention.start) + low[mention.end :]
    return replace(text, low=low)


def _items(text: Text, words: _Words) -> list[tuple[int, int, Kind]]:
    taken: list[tuple[int, int, Kind]] = []
    for kind, pattern in words.kinds:
        for match in pattern.finditer(text.low):
            start, end = match.span()
            if all(end <= s or e <= start for s, e, _ in taken):
                taken.append((start, end, kind))
            if len(taken) > 60:
                break
    return sorted(taken)


def _merge(text: Text, words: _Words, items: list[tuple[int, int, Kind]]) -> list[MachineMention]:
    merged: list[MachineMention] = []
    for item_start, item_end, kind in items:
        times = _TIMES.match(text.low, item_end)
        end = times.end() if times else item_end
        if kind == "memory" and words.not_memory.match(text.low, end):
            continue
        counted = words.counts.search(text.low[max(0, item_start - 28) : item_start])
        start = item_start - len(counted.group()) if counted else item_start
        last = merged[-1] if merged else None
        if last is not None:
            gap = text.low[last.end : max(item_start, last.end)]
            if len(gap) <= 40 and words.link.fullmatch(gap):
                closing = text.low[last.start : end].count("(") > text.low[last.start : end].count(")")
                end += closing and text.low[end : end + 1] == ")"
                merged[-1] = replace(last, end=end, kinds=last.kinds | {kind})
                continue
        merged.append(MachineMention(start, end, frozenset({kind})))
    return merged


def _qualifies(text: Text, words: _Words, mention: MachineMention, welcome: bool) -> bool:
    """A machine, or a size that says of what or stands where machines are spoken of.

    `Two of them` speaks of machines only behind a verb of having. A word like `laptop` alone tells nothing to
    compute with, and so does not fill the slot unasked.
    """
    if mention.kinds == {"count"}:
        return words.count_after.search(text.low[max(0, mention.start - 16) : mention.start]) is not None
    if mention.kinds & {"device", "none", "nothing"} or welcome:
        return True
    if mention.kinds == {"vague"}:
        return False
    if "vague" in mention.kinds:
        return True
    clause = text.clause(mention.start)
    return not words.not_hardware.search(text.low[clause.start : clause.end])


def _with_purpose(text: Text, words: _Words, mention: MachineMention) -> MachineMention:
    """The nearest verb before the mention in its sentence says what it is for, else one behind it."""
    sentence = text.sentence(mention.start)
    before, after = text.low[sentence.start : mention.start], text.low[mention.end : sentence.end][:40]
    train = max((m.end() for m in words.train.finditer(before)), default=-1)
    use = max((m.end() for m in words.use.finditer(before)), default=-1)
    stated = max(train, use) >= 0
    if not stated:
        train = (
            1
            if re.match(r"\W*(?:\w+ ){0,3}?(?:for|to|zum|fürs) (?:the )?" + words.train.pattern, after)
            else -1
        )
        use = (
            1
            if re.match(r"\W*(?:\w+ ){0,3}?(?:for|to|zum|fürs) (?:the )?" + words.use.pattern, after)
            else -1
        )
        stated = max(train, use) >= 0
    rented = bool(words.rented.search(before[-40:] + text.low[mention.start : mention.end]))
    return replace(mention, purpose="train" if train > use else "use", stated_purpose=stated, rented=rented)


def hardware_need(
    text: Text, mentions: tuple[MachineMention, ...], *, training_asked: bool
) -> HardwareNeed | None:
    """The hardware slot of a message.

    Machines for training stand apart only where the person also has another for use, or rents it; a single
    machine of one's own serves both.
    """
    if not mentions:
        return None
    train = [m for m in mentions if m.purpose == "train"]
    use = [m for m in mentions if m.purpose == "use"]
    if train and not use and not training_asked and not any(m.rented for m in train):
        train, use = [], train
    elif training_asked and not train and use and not any(m.stated_purpose for m in use):
        train, use = use, []
    kinds = frozenset().union(*(m.kinds for m in mentions))
    nothing = "nothing" in kinds or (
        kinds == {"none"} and not re.search(r"cpu|integrated|igpu", _said(text, mentions).lower())
    )
    return HardwareNeed(
        text=_said(text, tuple(use)), training_text=_said(text, tuple(train)), none=nothing and not train
    )


def _said(text: Text, mentions: tuple[MachineMention, ...]) -> str:
    return ", ".join(dict.fromkeys(text.quote(m.start, m.end) for m in mentions))
