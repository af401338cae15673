"""The steps of a turn. Each returns only what changed; what a face shows goes through `emit`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent.critique import apply_critique
from agent.events import (
    Delta,
    Event,
    Failure,
    Message,
    NeedsChanged,
    Question,
    Recommendation,
    Status,
    ToolCall,
)
from agent.explanation import recommendation_text
from agent.followup import Reply, guided_reply
from agent.interview import next_question, option_value
from agent.state import Outcome, Pending, Spoken, State, needs_of
from agent.understanding import Asked, LastAnswer, Understanding, understand
from agent.voice import Voice, VoiceError
from knowledge.errors import AdvisorError
from knowledge.retrieval import Retriever
from tools.brief import brief_of
from tools.needs import Needs, Slot
from tools.recommend import recommend

Emit = Callable[[Event], None]
ASKING = ("ask", "help", "greeting", "thanks", "off_topic")
OPENERS = ("greeting", "help", "thanks")


@dataclass(slots=True)
class Services:
    """What the nodes work with; nothing of it is part of the state."""

    retriever: Retriever
    voice: Voice | None = None
    """A language model that words answers; None in guided mode."""


def _read(text: str, state: State, needs: Needs) -> Understanding:
    pending = state.get("pending")
    asked = Asked(pending["slot"], tuple(pending["options"])) if pending else None
    return understand(text, needs, asked=asked, last=LastAnswer(tuple(state.get("last", []))))


def _chosen_option(text: str, pending: Pending | None) -> dict[str, Slot[Any]]:
    """The slot value of an option that was picked by its exact words."""
    if pending is None or text.strip() not in pending["options"]:
        return {}
    value = option_value(pending["slot"], text.strip())
    return {} if value is None else {pending["slot"]: value}


def _clarification(read: Understanding, state: State) -> Outcome | None:
    """A question about a slot that was answered ambiguously or against itself; once per slot."""
    done = state.get("clarified", [])
    for item in read.ambiguous:
        if item.slot not in done:
            return Outcome(
                kind="question",
                slot=item.slot,
                text=f"Which one do you mean by \u201c{item.mention}\u201d?",
                reason="the answer depends on it",
                options=list(item.options),
                clarifies=True,
            )
    for clash in read.conflicts:
        if clash.slot not in done:
            return Outcome(
                kind="question",
                slot=clash.slot,
                text=f"You said \u201c{clash.first}\u201d and \u201c{clash.second}\u201d. Which one holds?",
                reason="both together cannot be met",
                options=[clash.first, clash.second],
                clarifies=True,
            )
    return None


def _route(read: Understanding, state: State, changed: bool) -> str:
    """decide, answer or respond: a question is answered, everything else moves the decision on."""
    if read.intent in ("ask", "what_if") or (read.intent in ASKING and not changed and state.get("last")):
        return "answer"
    if read.intent in ("off_topic", *OPENERS) and not changed and state.get("pending") is None:
        return "answer"
    return "decide"


async def understand_input(state: State, services: Services, emit: Emit) -> State:
    """Turns the input into slot updates and chooses the way on."""
    given = state.get("input", {})
    if given.get("command") == "recommend":
        return State(route="decide", outcome=Outcome(kind="recommendation"), pending=None)
    text = str(given.get("text", ""))
    messages = [*state.get("messages", []), Spoken(role="user", text=text)]
    needs = needs_of(state)
    emit(Status("reading your message"))
    read = await asyncio.to_thread(_read, text, state, needs)
    updates: dict[str, Any] = {**read.updates, **_chosen_option(text, state.get("pending"))}
    updates |= {slot: None for slot in read.cleared if slot not in updates}
    remarks = list(read.notes)
    if read.critique is not None and state.get("last"):
        critiqued, remark = await asyncio.to_thread(apply_critique, read.critique, needs.updated(**updates))
        updates |= critiqued
        remarks.append(remark)
    after = needs.updated(**updates)
    change = State(needs=after.as_json(), messages=messages, outcome=Outcome(remarks=remarks))
    if updates:
        await _emit_needs(after, emit)
    clarification = _clarification(read, state)
    if clarification is not None and read.intent != "recommend_now":
        clarification["remarks"] = remarks
        return State(
            **change
            | {
                "outcome": clarification,
                "route": "respond",
                "clarified": [*state.get("clarified", []), clarification["slot"]],
            }
        )
    route = _route(read, state, bool(updates))
    outcome = Outcome(remarks=remarks)
    if route == "answer":
        hypothetical = needs.updated(**read.hypothetical) if read.hypothetical else None
        reply = await asyncio.to_thread(
            guided_reply, read, text, after, hypothetical, services.retriever, state
        )
        outcome = _reply_outcome(reply, read, text, remarks)
    elif read.intent == "recommend_now" or state.get("last"):
        outcome["kind"] = "recommendation"
    return State(**change | {"outcome": outcome, "route": route})


def _reply_outcome(reply: Reply, read: Understanding, text: str, remarks: list[str]) -> Outcome:
    outcome = Outcome(kind="reply", text=reply.text, citations=reply.citations, remarks=remarks)
    if reply.hypothetical is not None:
        outcome["hypothetical"] = reply.hypothetical.as_json()
    if read.intent == "ask":
        outcome["ask_model"] = read.question or text
    return outcome


async def _emit_needs(needs: Needs, emit: Emit) -> None:
    try:
        brief = await asyncio.to_thread(brief_of, needs)
        assumptions = [a.as_json() for a in brief.assumptions]
    except AdvisorError:
        assumptions = []
    emit(NeedsChanged(needs.as_json(), assumptions))


async def decide(state: State, services: Services, emit: Emit) -> State:
    """Asks the question that earns its turn, or recommends."""
    outcome = state.get("outcome", Outcome())
    if outcome.get("kind") == "recommendation":
        return State(outcome=outcome)
    needs = needs_of(state)
    emit(Status("weighing what to ask"))
    asked = tuple(state.get("asked", []))
    proposal = await asyncio.to_thread(next_question, needs, asked)
    if proposal is None:
        return State(outcome=Outcome(**outcome | {"kind": "recommendation"}))
    return State(
        asked=[*asked, proposal.slot],
        outcome=Outcome(
            kind="question",
            slot=proposal.slot,
            text=proposal.text,
            reason=proposal.reason,
            options=list(proposal.options),
            clarifies=False,
            remarks=outcome.get("remarks", []),
        ),
    )


async def answer(state: State, services: Services, emit: Emit) -> State:
    """Lets a language model answer a free question with the tools; the guided reply stands where there is
    none.
    """
    outcome = state.get("outcome", Outcome())
    question = outcome.get("ask_model")
    if services.voice is None or not question:
        return State(outcome=outcome)
    emit(Status("asking the model"))
    try:
        spoken = await services.voice.answer(question, needs_of(state), outcome.get("text", ""), emit)
    except VoiceError as error:
        emit(Failure(error.code, error.message, error.hint))
        return State(outcome=outcome)
    # The model's marks count its own passages, so these come first.
    citations = spoken.citations + [c for c in outcome.get("citations", []) if c not in spoken.citations]
    return State(outcome=Outcome(**outcome | {"text": spoken.text, "citations": citations}))


async def respond(state: State, services: Services, emit: Emit) -> State:
    """Words the outcome, checks the wording and sends it."""
    outcome = state.get("outcome", Outcome())
    kind = outcome.get("kind", "recommendation")
    remarks = " ".join(outcome.get("remarks", []))
    if kind == "question":
        return await _ask(state, outcome, remarks, services, emit)
    if kind == "reply" and not outcome.get("hypothetical"):
        text = f"{remarks} {outcome['text']}".strip()
        emit(Message(text, outcome.get("citations", [])))
        return State(messages=_said(state, text), outcome=Outcome())
    return await _recommend(state, outcome, remarks, services, emit)


async def _ask(state: State, outcome: Outcome, remarks: str, services: Services, emit: Emit) -> State:
    text = outcome["text"]
    if services.voice is not None:
        # A question is shown whole: what is streamed would stand beside it.
        text = await _worded(text, services.voice, _without_deltas(emit), state)
    if remarks:
        emit(Message(remarks))
    emit(Question(outcome["slot"], text, outcome["reason"], outcome["options"], outcome["clarifies"]))
    pending = Pending(slot=outcome["slot"], options=outcome["options"], clarifies=outcome["clarifies"])
    return State(pending=pending, messages=_said(state, f"{remarks} {text}".strip()), outcome=Outcome())


async def _recommend(state: State, outcome: Outcome, remarks: str, services: Services, emit: Emit) -> State:
    """Computes the recommendation (of a what-if, where there is one) and explains it."""
    hypothetical = outcome.get("hypothetical")
    needs = Needs.model_validate(hypothetical) if hypothetical else needs_of(state)
    emit(Status("comparing models"))
    started = time.monotonic()
    found = await asyncio.to_thread(recommend, needs)
    document = found.as_json()
    summary = {"candidates": [c["model"] for c in document["candidates"]], "error": document.get("error")}
    emit(ToolCall("recommend", {"needs": needs.as_json()}, summary, round(time.monotonic() - started, 3)))
    if not hypothetical:
        emit(NeedsChanged(needs.as_json(), document["assumptions"]))
    text, citations = recommendation_text(found)
    lead = " ".join(part for part in (remarks, outcome.get("text", "")) if part)
    draft = f"{lead}\n\n{text}" if lead else text
    if services.voice is not None:
        draft = await _worded(draft, services.voice, emit, state)
    emit(Recommendation(document))
    emit(Message(draft, citations))
    last = [c.model for c in found.candidates]
    return State(pending=None, last=last, messages=_said(state, draft), outcome=Outcome())


async def _worded(draft: str, voice: Voice, emit: Emit, state: State) -> str:
    """The draft in the model's words, or as it is where the model failed or said something unfounded."""
    said = next((m["text"] for m in reversed(state.get("messages", [])) if m["role"] == "user"), "")
    try:
        return await voice.word(draft, emit, said)
    except VoiceError as error:
        emit(Failure(error.code, error.message, error.hint))
        return draft


def _without_deltas(emit: Emit) -> Emit:
    def pass_on(event: Event) -> None:
        if not isinstance(event, Delta):
            emit(event)

    return pass_on


def _said(state: State, text: str) -> list[Spoken]:
    return [*state.get("messages", []), Spoken(role="advisor", text=text)]
