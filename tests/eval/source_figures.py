"""Asking for every figure of the five older guides, and what a right answer must hold.

Rows are in `source_figures.yaml`. What a tool can compute is computed here, in the test, so that no right
value is copied; the rest are the older guides' own figures, which our guides must tell with their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from agent.nodes import Services, understand_input
from agent.reply import Reply
from agent.state import State, first_state
from knowledge.catalog.api_models import resolve_api_model
from knowledge.catalog.records import ModelRecord
from knowledge.figures import Figure, figures
from knowledge.retrieval import Retriever
from tests.eval.conversation import fixed_machine
from tools.commands.lookups import model_named
from tools.memory.estimate import estimate_memory
from tools.memory.types import MemoryRequest
from tools.roles.common import stands_for
from tools.successor import footprint, standing_of

HERE = Path(__file__).resolve().parent
GIB = float(1 << 30)
TOLERANCE = 0.02
Faults = list[str]


@dataclass(frozen=True)
class Case:
    """One question with what its answer must hold."""

    about: str
    ask: str
    expect: dict[str, Any]


def _filled(value: Any, row: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_filled(item, row) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, row) for key, item in value.items()}
    if isinstance(value, str):
        for key, word in row.items():
            value = value.replace(f"{{{key}}}", str(word))
    return value


@cache
def load_cases() -> tuple[Case, ...]:
    """All questions, in the order of the file."""
    return tuple(_cases())


def _cases() -> Iterator[Case]:
    for group in yaml.safe_load((HERE / "source_figures.yaml").read_text(encoding="utf-8")):
        for row in group.get("rows", [{}]):
            for ask in group["asks"]:
                yield Case(group["about"], _filled(ask, row), _filled(group["expect"], row))


async def asked(text: str, retriever: Retriever) -> Reply:
    """What a guided conversation answers to its first message; empty where it asks or recommends instead."""
    state: State = first_state()
    state["input"] = {"text": text}
    with fixed_machine():
        after = await understand_input(state, Services(retriever), lambda event: None)
    outcome = after["outcome"]
    said = outcome.get("text", "") if outcome.get("kind") == "reply" else outcome.get("preface", "")
    return Reply(said, outcome.get("citations", []))


def _same(wanted: Figure, said: Figure) -> bool:
    if wanted.dimension is not None and said.dimension != wanted.dimension:
        return False
    return any(
        abs(mine * wanted.scale - its * said.scale) <= max(TOLERANCE * mine * wanted.scale, 1e-9)
        for mine in wanted.values
        for its in said.values
    )


def holds_number(text: str, wanted: str) -> bool:
    """Whether every number of `wanted` stands in a text, with its unit where both have one."""
    figures_wanted = figures(wanted)
    if not figures_wanted:
        return wanted.lower() in text.lower()
    said = figures(text)
    return all(any(_same(one, other) for other in said) for one in figures_wanted)


def _model(name: str) -> ModelRecord:
    return model_named(name)[0]


def _memory(name: str, reply: Reply) -> Faults:
    model = _model(name)
    usual = footprint(model)
    assert usual is not None
    request = MemoryRequest(quant=usual.quant, context=usual.context)
    if model.embedding is not None:
        request = MemoryRequest(quant="F16", context=usual.context, engine="transformers")
    gib = estimate_memory(model, request).total_bytes / GIB
    return [] if holds_number(reply.text, f"{gib:.1f} GiB") else [f"not {gib:.1f} GiB"]


def _params(name: str, reply: Reply) -> Faults:
    total = _model(name).params_b
    assert total is not None
    return [] if f"{total:.1f}B parameters" in reply.text else [f"not {total:.1f}B"]


def _window(name: str, reply: Reply) -> Faults:
    tokens = _model(name).context_length
    if tokens is None:
        return [f"no window of {name} in the catalog"]
    return [] if f"{tokens:,} tokens" in reply.text else [f"not {tokens:,} tokens"]


def _dimensions(name: str, reply: Reply) -> Faults:
    facts = _model(name).embedding
    assert facts is not None
    assert facts.dimensions is not None
    return [] if f"{facts.dimensions:,} dimensions" in reply.text else [f"not {facts.dimensions}"]


def _price(key: str, reply: Reply) -> Faults:
    model = resolve_api_model(key)
    prices = [model.input_usd_per_mtok, model.output_usd_per_mtok]
    return [f"not ${p} of {key}" for p in prices if not holds_number(reply.text, f"${p:g}")]


def _beaten(wanted: list[str], reply: Reply) -> Faults:
    model = _model(wanted[0])
    standing = standing_of(model.id, wanted[1])
    assert standing is not None
    faults = [] if f"Expected quality for {wanted[1]}" in reply.text else ["no expected quality"]
    if not standing.successors:
        return [*faults, *([] if "Nothing later" in reply.text else ["does not say that nothing is better"])]
    for newer in standing.successors:
        record = _model(newer.model_id)
        assert stands_for(record.id, record.kind, standing.task)
        assert str(record.release_date) > (model.release_date or "")
        points = f"{newer.name} .*\\+{newer.gap:.0f} points, give or take {newer.spread:.0f}"
        if not re.search(points, reply.text):
            faults.append(f"not {points}")
    return faults


def _wrong(older: str, reply: Reply) -> Faults:
    said = re.search(r"older guide states ([\d.]+ GB)[^.]*\bwrong\b", reply.text)
    return [] if said is not None and holds_number(said[1], older) else [f"does not call {older} wrong"]


def _cites(pattern: str, reply: Reply) -> Faults:
    places = [f"{c['source']} {c['locator']}" for c in reply.citations]
    return [] if any(re.search(pattern, place) for place in places) else [f"cites {places[:3]}"]


CHECKS: dict[str, Callable[[Any, Reply], Faults]] = {
    "memory": _memory,
    "params": _params,
    "window": _window,
    "dimensions": _dimensions,
    "price": _price,
    "beaten": _beaten,
    "wrong": _wrong,
    "cites": _cites,
    "numbers": lambda wanted, reply: [f"no {n}" for n in wanted if not holds_number(reply.text, n)],
    "words": lambda wanted, reply: [f"no /{w}/" for w in wanted if not re.search(w, reply.text)],
}


def faults_of(case: Case, reply: Reply) -> Faults:
    """What is missing in an answer; empty where it is right and has a source."""
    found = [fault for kind, wanted in case.expect.items() for fault in CHECKS[kind](wanted, reply)]
    return found if reply.citations else [*found, "no citation"]
