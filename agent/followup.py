"""Answers to free questions without a language model: a tool where one fits, else a passage of the guides.

Where the guides do not cover a question, that is the answer; nothing is made up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from agent.intake import Intake
from agent.state import State, is_answered
from agent.understanding import Understanding
from knowledge.catalog.records import ModelRecord
from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError
from knowledge.retrieval import Retriever, locator
from tools.brief import Brief, brief_of
from tools.budget import GIB
from tools.candidates import Configuration, evidence_json
from tools.fit import Refusal, solve, with_memory
from tools.memory.types import Evidence
from tools.needs import Needs
from tools.quality import benchmark_evidence, quality_of
from tools.recommend import rank_for
from tools.roles.common import license_verdict
from tools.roles.generator import ask_of

HELLO = (
    "Tell me what the model is for and what machine you have, for example: \u201ca coding assistant on my "
    "RTX 3060 12GB, commercial use\u201d. I ask only what changes the answer; say \u201crecommend\u201d "
    "to have it now."
)
UNCOVERED = (
    "My guides do not cover this. "
    "I can tell you about models, memory, speed, licenses, benchmarks and prices."
)
FEW_WORDS = 6
"""A question this short that names a model asks why it is not the choice."""
MOST_SCORES = 5
EXCERPT_CHARACTERS = 900


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with its sources; `hypothetical` are the needs of a what-if, to be recommended on."""

    text: str
    citations: list[dict[str, str]] = field(default_factory=list)
    hypothetical: Needs | None = None
    found: bool = True
    """False where there was no answer, only words to say so."""


@cache
def _topics() -> tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]:
    data = resources.files("agent").joinpath("data/topics.json").read_bytes()
    rows = TypeAdapter(dict[str, Any]).validate_json(data)["topics"]
    return tuple((row["topic"], tuple(re.compile(p, re.IGNORECASE) for p in row["patterns"])) for row in rows)


def topic_of(question: str) -> str | None:
    """What a question asks for; None where only the guides can tell."""
    return next((t for t, patterns in _topics() if any(p.search(question) for p in patterns)), None)


def guided_reply(taken: Intake, text: str, retriever: Retriever, state: State) -> Reply:
    """The reply to a message that asks something.

    Args:
        taken: the message, taken in.
        text: the message itself.
        retriever: the guides.
        state: the conversation.
    """
    read, needs = taken.read, taken.needs
    if read.intent in ("greeting", "help"):
        return Reply(HELLO, found=False)
    if read.intent == "thanks":
        return Reply("You are welcome. Say what should be different, or ask about any figure.", found=False)
    if not text.strip():
        return Reply(f"I got an empty message. {HELLO}", found=False)
    supposed = needs.updated(**read.hypothetical)
    if read.intent == "what_if" and supposed != needs:
        return Reply("If that were so (your own needs stay as they are):", hypothetical=supposed)
    question = read.question or text
    models = _models_meant(read, state)
    topic = topic_of(question)
    try:
        if models and topic is not None:
            return _about_models(topic, models, needs)
        if models and read.mentions.models and read.intent == "ask" and len(question.split()) <= FEW_WORDS:
            return _about_models("why_not", models, needs)
        if topic == "license" and state.get("last"):
            return _about_models("license", _by_names(state.get("last", [])), needs)
    except AdvisorError as error:
        return Reply(f"{error.message} {error.hint}".strip())
    found = _from_guides(question, retriever)
    if not found.found and not is_answered(state):
        return Reply(f"{found.text} {HELLO}", found=False)
    return found


def _by_names(names: list[str]) -> list[ModelRecord]:
    catalog = load_catalog()
    by_name = {m.name: m for m in catalog.models}
    found = [by_name.get(n) or catalog.by_id.get(n.lower()) for n in names]
    return [m for m in found if m is not None]


def _models_meant(read: Understanding, state: State) -> list[ModelRecord]:
    """The models a question is about: named ones, then places in the last recommendation."""
    catalog = load_catalog()
    named = [catalog.by_id[i.lower()] for i in read.mentions.models if i.lower() in catalog.by_id]
    last = state.get("last", [])
    pointed = _by_names([last[r - 1] for r in read.mentions.ranks if 0 < r <= len(last)])
    if named or pointed:
        return named + pointed
    words = (read.question or "").lower()
    return _by_names(last[:1]) if re.search(r"\b(it|this|that|the first|this model)\b", words) else []


def _about_models(topic: str, models: list[ModelRecord], needs: Needs) -> Reply:
    """Each model in a sentence or two on the topic, from the tools."""
    brief = brief_of(needs)
    teller = {"license": _license, "benchmarks": _benchmarks, "price": _license, "why": _why_not}.get(topic)
    lines, citations = [], []
    for model in models[:4]:
        text, evidence = teller(model, brief) if teller else _placed(model, brief, topic)
        lines.append(f"- **{model.name}**: {text}" if len(models) > 1 else f"**{model.name}**: {text}")
        citations += [row for row in (evidence_json(e) for e in evidence) if row not in citations]
    return Reply("\n".join(lines), citations)


def _license(model: ModelRecord, brief: Brief) -> tuple[str, list[Evidence]]:
    verdict = license_verdict(model, brief)
    record = load_catalog().license_of(model)
    note = f" Conditions: {verdict.figure.note}." if verdict.figure.note else ""
    source = record.source if record is not None else "catalog"
    use = {
        "yes": "yes",
        "conditional": "yes, under conditions",
        "no": "no",
        "unknown": "unknown: read the license",
    }
    text = f"license {verdict.figure.id}; commercial use: {use[verdict.figure.commercial_use]}.{note}"
    return text, [Evidence("catalog", source, verdict.figure.id)]


def _benchmarks(model: ModelRecord, brief: Brief) -> tuple[str, list[Evidence]]:
    quality = quality_of(model.id, brief.task)
    rows = load_catalog().benchmarks.for_model(model.id)
    if not rows:
        return (
            f"no public score of this exact model is in the catalog; expected {quality.score:.0f} of 100 for "
            f"{brief.task}, give or take {quality.spread:.0f}, from size, age and maker.",
            list(quality.basis),
        )
    best = list(quality.basis) or [benchmark_evidence(r) for r in rows[:MOST_SCORES]]
    listed = "; ".join(e.source for e in best[:MOST_SCORES])
    return f"{len(rows)} published scores, the most telling for {brief.task}: {listed}.", best


def _placed(model: ModelRecord, brief: Brief, topic: str) -> tuple[str, list[Evidence]]:
    """Memory and speed of a model on the person's machine, or why it does not run there."""
    if topic == "why_not":
        return _why_not(model, brief)
    solution = _solution(model, brief)
    if isinstance(solution, str):
        return solution, [Evidence("tool", "fit", model.id)]
    c = solution
    assert c.memory is not None
    speed = (
        f" about {c.speed.mid:.0f} tokens per second ({c.speed.low:.0f} to {c.speed.high:.0f}, estimate)"
        if c.speed
        else " speed unknown"
    )
    text = (
        f"{c.quant} with {c.context:,} tokens ({c.kv_cache_type} cache) takes "
        f"{c.memory.total_bytes / GIB:.1f} GiB of {c.available_bytes / GIB:.1f} GiB;{speed}."
    )
    return text, [Evidence("tool", "estimate_memory", c.memory.formula), *c.memory.basis[:2]]


def _solution(model: ModelRecord, brief: Brief) -> Configuration | str:
    if brief.machine is None:
        return "I know of no machine to run it on."
    ask = ask_of(brief)
    found = solve(model.id, brief.machine, ask)
    if isinstance(found, Refusal):
        return f"it {found.reason}." if found.constraint == "memory" else f"{found.reason}."
    return with_memory(model, brief.machine, found.configuration, ask)


def _why_not(model: ModelRecord, brief: Brief) -> tuple[str, list[Evidence]]:
    """Why a model is not (or is) the first choice: license, fit, then quality and speed against the best."""
    verdict = license_verdict(model, brief)
    if not verdict.allowed:
        return f"{verdict.reason}.", [Evidence("catalog", "license table", verdict.figure.id)]
    c = _solution(model, brief)
    if isinstance(c, str):
        return c, [Evidence("tool", "fit", model.id)]
    ranked = rank_for(brief).candidates
    quality = quality_of(model.id, brief.task)
    evidence = list(quality.basis)
    if not ranked or ranked[0].model == model.name:
        return (
            f"it is the first choice: expected quality {quality.score:.0f} of 100 for {brief.task}.",
            evidence,
        )
    best = ranked[0]
    gap = best.quality.score - quality.score
    speed = f", about {c.speed.mid:.0f} tokens per second" if c.speed else ""
    worse = f"{gap:.0f} points below" if gap >= 1 else "close to"
    return (
        f"it would run ({c.quant}{speed}), but its expected quality for {brief.task} is "
        f"{quality.score:.0f} of 100, {worse} {best.model} with {best.quality.score:.0f}.",
        evidence + list(best.quality.basis[:2]),
    )


def _from_guides(question: str, retriever: Retriever) -> Reply:
    try:
        result = retriever.search(question, k=3)
    except AdvisorError:
        return Reply(UNCOVERED, found=False)
    if not result.covered or not result.passages:
        return Reply(UNCOVERED, found=False)
    first = result.passages[0]
    excerpt = (
        first.text
        if len(first.text) <= EXCERPT_CHARACTERS
        else first.text[:EXCERPT_CHARACTERS].rsplit(" ", 1)[0] + " \u2026"
    )
    citations = [{"kind": "guide", "source": p.guide, "locator": locator(p)} for p in result.passages]
    notice = f"\n\n{result.notice}" if result.notice else ""
    return Reply(f"From the guide \u201c{first.guide}\u201d [1]:\n\n{excerpt}{notice}", citations)
