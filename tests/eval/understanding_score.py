"""Scores the guided understanding on the labelled utterances; shared by the test and the benchmark.

A line holds `text`, `expect` (slot to value, a list of acceptable values, a mapping of fields, words for
hardware, or null for `must stay empty`), and where they matter `asked`, `options` (those shown with the
question), `last`, `needs` (a sentence said before), `intent`, `critique`, `cleared`, and `may`: slots that a
fair reader may fill or leave, with the value they must hold if filled.

The other files were written before the parser saw them; see `utterances.md`.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent.interview import option_slots
from agent.understanding import Asked, LastAnswer, Understanding, understand
from tools.needs import Needs

UTTERANCES = Path(__file__).with_name("utterances.jsonl")
BLIND = Path(__file__).with_name("utterances_blind.jsonl")
HELD_OUT = Path(__file__).with_name("utterances_held_out.jsonl")
PEOPLE = Path(__file__).with_name("utterances_people.jsonl")
ROUNDS = Path(__file__).with_name("utterances_rounds.jsonl")
PLAIN = Path(__file__).with_name("utterances_plain.jsonl")
_MAIN = {"task": "name", "deployment": "mode", "license": "use", "training": "method"}


@dataclass
class Score:
    """Counts per slot, and what went wrong."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def precision(self, slot: str | None = None) -> float:
        """Right updates among all updates."""
        right, wrong = self._sums(slot, self.right, self.wrong)
        return right / (right + wrong) if right + wrong else 1.0

    def recall(self, slot: str | None = None) -> float:
        """Right updates among all that were expected."""
        right, missed = self._sums(slot, self.right, self.missed)
        return right / (right + missed) if right + missed else 1.0

    def f1(self, slot: str | None = None) -> float:
        """Harmonic mean of precision and recall."""
        precision, recall = self.precision(slot), self.recall(slot)
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    @staticmethod
    def _sums(slot: str | None, one: Counter[str], two: Counter[str]) -> tuple[int, int]:
        return (one[slot], two[slot]) if slot else (one.total() - one["intent"], two.total() - two["intent"])


def load_utterances(path: Path = UTTERANCES) -> list[dict[str, Any]]:
    """The labelled set."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def read_line(line: dict[str, Any]) -> Understanding:
    """What understanding makes of one labelled line."""
    needs = Needs()
    if "needs" in line:
        needs = needs.updated(**understand(line["needs"], needs).updates)
    asked = Asked(line["asked"], tuple(line.get("options", ()))) if "asked" in line else None
    last = LastAnswer(tuple(line["last"])) if "last" in line else None
    read = understand(line["text"], needs, asked=asked, last=last)
    if asked is None or read.option is None:
        return read
    return replace(read, updates=read.updates | option_slots(needs, asked.slot, read.option))


def agrees(slot: str, expected: Any, value: Any) -> bool:
    """Whether a slot's value is what the label says; unnamed fields are not compared."""
    if slot == "hardware" and isinstance(expected, str):
        return expected.lower() in f"{value.text} {value.training_text}".lower()
    if slot in ("languages", "features"):
        return set(expected) == set(value)
    if slot not in _MAIN and isinstance(expected, list):
        return any(_same(one, value) for one in expected)
    if isinstance(expected, dict):
        return all(_same(wanted, getattr(value, name)) for name, wanted in expected.items())
    if slot in _MAIN:
        value = getattr(value, _MAIN[slot])
        return value in expected if isinstance(expected, list) else bool(value == expected)
    return _same(expected, value)


def _same(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, list) and isinstance(got, tuple):
        return set(wanted) <= set(got)
    if isinstance(wanted, list):
        return any(_same(one, got) for one in wanted)
    if isinstance(wanted, int | float) and not isinstance(wanted, bool) and isinstance(got, int | float):
        return abs(wanted - got) <= 0.01 * max(abs(wanted), 1)
    return bool(wanted == got)


def score(lines: list[dict[str, Any]]) -> Score:
    """Compares every line. A slot that the label does not name and that holds a value counts as wrong."""
    result = Score()
    for line in lines:
        got = read_line(line)
        expect: dict[str, Any] = line["expect"]
        for slot in expect.keys() | got.updates.keys():
            said = got.updates.get(slot)
            wanted = expect.get(slot)
            if wanted is None and said is not None and slot in line.get("may", {}):
                wanted = line["may"][slot]
                if agrees(slot, wanted, said.value):
                    continue
            if said is None:
                if wanted is not None:
                    result.missed[slot] += 1
                    result.faults.append(f"missed {slot}={wanted!r}: {line['text']}")
            elif wanted is not None and agrees(slot, wanted, said.value):
                result.right[slot] += 1
            else:
                result.wrong[slot] += 1
                if wanted is not None:
                    result.missed[slot] += 1
                result.faults.append(
                    f"wrong {slot}={said.value!r} ({said.quote!r}), wanted {wanted!r}: {line['text']}"
                )
        _score_intent(line, got, result)
    return result


def _score_intent(line: dict[str, Any], got: Understanding, result: Score) -> None:
    checks = {"intent": got.intent, "critique": got.critique, "cleared": list(got.cleared)}
    for name, value in checks.items():
        if name in line:
            good = (
                value in line[name]
                if name == "intent" and isinstance(line[name], list)
                else value == line[name]
            )
            (result.right if good else result.missed)["intent"] += 1
            if not good:
                result.faults.append(f"{name}={value!r}, wanted {line[name]!r}: {line['text']}")
