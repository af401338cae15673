"""Holds the conversations of `personas.yaml` in this process and checks what was recommended against the
catalog and against what the person would accept.
"""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from pydantic import TypeAdapter

from agent.session import GraphSession, open_session
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from tests.eval.citations import faults_of_document
from tests.fakes.retriever import FakeRetriever
from tools.hardware_types import Machine

GIB = 1 << 30
NO_PREFERENCE = "No preference, you decide."
MOST_TURNS = 20
HERE = Path(__file__).parent
PERMISSIVE = re.compile(r"(?i)^(apache-2\.0|mit|bsd-[23]-clause|isc|cc0-1\.0|unlicense)$")
DETECTED = Machine(name="16GB RAM", ram_bytes=16 * GIB, ram_bandwidth_gbs=51.2, detected=True)
"""What hardware detection finds in these conversations, wherever they run."""

Failures = list[str]
Json = dict[str, Any]


@dataclass
class Held:
    """What came of a conversation."""

    recommendation: Json | None = None
    questions: int = 0
    faults: Failures = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    log: list[Json] = field(default_factory=list)


def load_personas() -> list[Json]:
    """The personas, in the order of the file."""
    rows = yaml.safe_load((HERE / "personas.yaml").read_text(encoding="utf-8"))
    return TypeAdapter(list[dict[str, Any]]).validate_python(rows)


def fixed_machine(machine: Machine = DETECTED) -> AbstractContextManager[object]:
    """Detection finds the same machine everywhere, so that the same words give the same answer."""
    return patch("tools.brief.detect_machine", lambda: machine)


async def converse(persona: Json) -> Held:
    """Holds one conversation; `says`, then answers to what is asked, then each of `then`."""
    held = Held()
    with tempfile.TemporaryDirectory() as folder, fixed_machine():
        home = Path(folder)
        session = await open_session(home=home, retriever=FakeRetriever(home), offline=True)
        try:
            async for event in session.open():
                if event.type == "question":
                    held.faults.append("asks before the first input")
            await _talk(session, persona, held)
        finally:
            await session.close()
    return held


async def _talk(session: GraphSession, persona: Json, held: Held) -> None:
    asked: set[str] = set()
    pending: list[str | None] = [persona["says"]]
    later: list[str] = list(persona.get("then", []))
    for _ in range(MOST_TURNS):
        if not pending:
            if held.recommendation is None:
                pending.append(None)
            elif later:
                held.recommendation = None
                pending.append(later.pop(0))
            else:
                return
        question = await _turn(session, pending.pop(0), held)
        if question is None:
            continue
        slot = question["slot"]
        if slot in asked and not question["clarifies"]:
            held.faults.append(f"asks for {slot} again")
        asked.add(slot)
        if held.recommendation is None:
            pending.append(str(persona["answers"].get(slot, NO_PREFERENCE)))
    held.faults.append(f"no end after {MOST_TURNS} turns")


async def _turn(session: GraphSession, text: str | None, held: Held) -> Json | None:
    """One turn, None for "recommend now"; gives the question that was asked, if any."""
    held.log.append({"type": "user", "text": text})
    started = time.perf_counter()
    stream = session.recommend() if text is None else session.say(text)
    events = [event.as_json() async for event in stream]
    held.seconds.append(time.perf_counter() - started)
    held.log += events
    kinds = [event["type"] for event in events]
    held.texts += [event["text"] for event in events if event["type"] in ("message", "question")]
    for event in events:
        if event["type"] == "recommendation":
            held.recommendation = event["recommendation"]
    questions = [event for event in events if event["type"] == "question"]
    held.questions += len(questions)
    if len(questions) > 1:
        held.faults.append("several questions in a turn")
    if questions and "recommendation" in kinds:
        held.faults.append("a question beside a recommendation")
    if kinds.count("turn_end") != 1 or kinds[-1] != "turn_end":
        held.faults.append("a turn does not end once")
    return questions[0] if questions else None


def _spoken(recommendation: Json, texts: Sequence[str]) -> str:
    """What a person reads."""
    parts = list(texts)
    for candidate in recommendation["candidates"]:
        parts += [reason["text"] for reason in candidate["why"]] + candidate["caveats"]
        parts += [command["shell"] for command in candidate["commands"]]
    parts += [row["reason"] for row in recommendation["rejected"]]
    parts += [f"{row['if']} {row['then']}" for row in recommendation["would_change"]]
    return "\n".join(parts)


def check(persona: Json, held: Held) -> Failures:
    """What is wrong with a conversation; empty where it went as the person would want it."""
    expect = persona["expect"]
    failed = list(held.faults)
    found = held.recommendation
    if found is None:
        return [*failed, "no recommendation"]
    if held.questions > expect.get("max_questions", 5):
        failed.append(f"{held.questions} questions")
    text = _spoken(found, held.texts)
    if "text_any" in expect and not any(re.search(p, text) for p in expect["text_any"]):
        failed.append(f"text has none of {expect['text_any']}")
    failed += [f"text lacks {p}" for p in expect.get("text_all", []) if not re.search(p, text)]
    if expect.get("would_change") and not found["would_change"]:
        failed.append("says nothing of what would change the answer")
    if not found["candidates"]:
        return failed if expect.get("none_or_caveat") else [*failed, "no candidate"]
    return (
        failed
        + faults_of_document(found)
        + _against_expectation(found["candidates"][0], expect)
        + _against_catalog(found["candidates"][0])
    )


def _against_expectation(top: Json, expect: Json) -> Failures:
    """The first candidate against what the person would accept, key by key."""
    return [
        said for key, rule in RULES.items() if key in expect and (said := rule(top, expect[key])) is not None
    ]


Rule = Callable[[Json, Any], str | None]


def _at_most(read: Callable[[Json], float | None], unit: str) -> Rule:
    def rule(top: Json, limit: float) -> str | None:
        value = read(top)
        return None if value is not None and 0 < value <= limit else f"{value} {unit}, at most {limit}"

    return rule


def _at_least(read: Callable[[Json], float | None], unit: str) -> Rule:
    def rule(top: Json, limit: float) -> str | None:
        value = read(top)
        return None if value is not None and value >= limit else f"{value} {unit}, at least {limit}"

    return rule


def _holds(read: Callable[[Json], bool], what: str) -> Rule:
    def rule(top: Json, wanted: bool) -> str | None:
        return None if read(top) or not wanted else what

    return rule


def _name(top: Json) -> str:
    return f"{top['model']} {top['model_id']}"


def _some(patterns: Sequence[str], text: str) -> bool:
    return any(re.search(pattern, text) for pattern in patterns)


def _memory(top: Json, limit: float) -> str | None:
    if top["kind"] == "api":
        return None
    total = top["memory"]["total_bytes"] or 0
    if not 0 < total <= limit * GIB:
        return f"takes {total / GIB:.1f} GiB, at most {limit}"
    return None if top["memory"]["fits"] else "says that it does not fit"


def _role(top: Json, wanted: str | list[str]) -> str | None:
    roles = [wanted] if isinstance(wanted, str) else wanted
    return None if top["role"] in roles else f"role {top['role']}"


def _training(top: Json) -> float | None:
    return top["training"]["total_bytes"] / GIB if top["training"] else None


def _speed(top: Json) -> float | None:
    figures = top["speed"]["tokens_per_second"]
    return figures["mid"] if figures else None


RULES: dict[str, Rule] = {
    "kind": lambda top, kind: None if top["kind"] == kind else f"kind {top['kind']}",
    "role": _role,
    "memory_gib": _memory,
    "training_gib": _at_most(_training, "GiB of training"),
    "min_context": _at_least(lambda top: min(top["context"] or 0, top["context_length"] or 0), "tokens"),
    "commercial": _holds(
        lambda top: top["license"]["commercial_use"] in ("yes", "conditional"), "not commercial"
    ),
    "permissive": _holds(lambda top: PERMISSIVE.match(top["license"]["id"]) is not None, "not permissive"),
    "min_speed": _at_least(_speed, "tokens per second"),
    "max_total_params_b": _at_most(lambda top: top["params"]["total_b"], "B parameters"),
    "max_active_params_b": _at_most(lambda top: top["params"]["active_b"], "B active parameters"),
    "min_total_params_b": _at_least(lambda top: top["params"]["total_b"], "B parameters"),
    "released_after": lambda top, date: (
        None if (top["release_date"] or "9999") >= date else f"released {top['release_date']}"
    ),
    "any_of": lambda top, names: None if _some(names, _name(top)) else f"{_name(top)} is none of {names}",
    "none_of": lambda top, names: f"{_name(top)} is excluded" if _some(names, _name(top)) else None,
    "vision": _holds(lambda top: "vision" in top["features"], "no vision"),
    "engine_any": lambda top, names: None if _some(names, str(top["engine"])) else f"engine {top['engine']}",
    "parallel_min": _at_least(lambda top: top["parallel"], "at once"),
    "cost_max_usd": _at_most(lambda top: top["cost"]["usd_per_month"], "dollars a month"),
    "companions": lambda top, roles: (
        None if set(roles) <= {c["role"] for c in top["companions"]} else f"companions {top['companions']}"
    ),
    "companion_any": lambda top, names: (
        None if any(_some(names, _name(c)) for c in top["companions"]) else f"no companion of {names}"
    ),
}
CONVERSATION_KEYS = frozenset({"max_questions", "text_any", "text_all", "would_change", "none_or_caveat"})


def _against_catalog(top: Json) -> Failures:
    """What is said of the model against the catalog, and whether every claim has evidence."""
    failed = []
    if not top["why"] or not all(reason["evidence"] for reason in top["why"]):
        failed.append("a reason without evidence")
    if top["kind"] == "api" or top["role"] == "pretrain-config":
        return failed
    if not top["commands"]:
        failed.append("no command to run it")
    record: ModelRecord | None = load_catalog().by_id.get(str(top["model_id"]).lower())
    if record is None:
        return [*failed, f"unknown model {top['model_id']}"]
    if record.license is not None and record.license != top["license"]["id"]:
        failed.append(f"license {top['license']['id']}, {record.license} in the catalog")
    if record.context_length is not None and top["context"] > record.context_length:
        failed.append(f"plans {top['context']} tokens of {record.context_length}")
    if record.params_total and abs(top["params"]["total_b"] * 1e9 / record.params_total - 1) > 0.05:
        failed.append(f"{top['params']['total_b']} B parameters, {record.params_total} in the catalog")
    return failed


@dataclass(frozen=True)
class Figures:
    """How a set of conversations went."""

    failed: dict[str, Failures]
    pass_share: float
    mean_questions: float
    median_turn_s: float
    slowest_turn_s: float

    def lines(self) -> list[str]:
        return [
            *(f"{name}: {'; '.join(said)}" for name, said in self.failed.items()),
            f"{self.pass_share:.0%} pass; {self.mean_questions:.2f} questions on average; "
            f"{self.median_turn_s:.2f} s median turn, {self.slowest_turn_s:.2f} s slowest",
        ]


async def hold_all(personas: Sequence[Json], transcripts: Path | None = None) -> Figures:
    """Holds the conversations one after the other; writes what was said where a folder is given."""
    failed: dict[str, Failures] = {}
    questions, seconds = [], []
    for persona in personas:
        held = await converse(persona)
        said = check(persona, held)
        if said:
            failed[persona["id"]] = said
        questions.append(held.questions)
        seconds += held.seconds[1:] or held.seconds
        if transcripts is not None:
            lines = [json.dumps(row, ensure_ascii=False) for row in held.log]
            (transcripts / f"{persona['id']}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Figures(
        failed,
        1 - len(failed) / len(personas),
        statistics.mean(questions),
        statistics.median(seconds),
        max(seconds),
    )
