"""The steps of a turn. Each returns only what changed; what a face shows goes through `emit`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent.asides import aside_reply
from agent.clarify import clarification
from agent.consent import ask_consent
from agent.context import conversation_text
from agent.cost import Account
from agent.dated import age_of
from agent.evaluations import ANYWAY, asks_to_tune, kept_evaluations
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
from agent.followup import guided_reply, told_of_wish
from agent.intake import Intake, question_of, take_in
from agent.interview import next_question
from agent.offer_replies import answered, asks_cost, heard, passed_over
from agent.proposing import propose
from agent.proposing_words import cost_words
from agent.reply import Reply
from agent.shifted import told_changes
from agent.standing import needs_event
from agent.state import Offer, Outcome, Pending, Spoken, State, is_answered, needs_of, spoken
from agent.understanding import Understanding
from agent.understanding.explained import left_unread
from agent.voice import Voice, VoiceError, hint_in_turn
from knowledge.retrieval import Retriever
from tools.candidates import Recommendation as Decision
from tools.needs import Needs
from tools.recommend import recommend

Emit = Callable[[Event], None]
ASKING = ("help", "greeting", "thanks", "quit", "off_topic")
"""Intents that bring the decision no further."""


@dataclass(slots=True)
class Services:
    """What the nodes work with; nothing of it is part of the state."""

    retriever: Retriever
    voice: Voice | None = None
    """A language model that words answers; None in guided mode."""
    account: Account = field(default_factory=Account)
    """What was spent on API models."""
    offline: bool = False
    """The network is forbidden."""

    @property
    def model(self) -> str | None:
        """The model that words answers; None in guided mode."""
        return self.voice.model if self.voice is not None else None


def _route(taken: Intake, state: State) -> str:
    """decide or answer: a question about something is answered, everything else moves the decision on."""
    read, answered = taken.read, is_answered(state)
    if taken.about is not None:
        return "answer" if taken.about.stands else "decide"
    if read.intent == "what_if":
        return "answer" if answered or not taken.changed else "decide"
    if read.intent == "ask":
        return "answer" if answered or not taken.changed else "decide"
    if read.intent in ASKING and not taken.changed:
        return "answer"
    return "decide"


async def understand_input(state: State, services: Services, emit: Emit) -> State:
    """Turns the input into slot updates and chooses the way on."""
    given = state.get("input", {})
    if given.get("command") == "recommend":
        return State(route="decide", outcome=Outcome(kind="recommendation"), pending=None)
    text = str(given.get("text", ""))
    if not text.strip():
        return _nothing_said(state)
    if (said := heard(text, state)) is not None:
        return answered(said, text, state)
    emit(Status("reading your message"))
    taken = await _taken_in(text, state, services, emit)
    read, remarks = taken.read, list(taken.remarks)
    change = State(needs=taken.needs.as_json(), messages=[*state.get("messages", []), spoken("user", text)])
    priced = asks_cost(text, state)
    if priced is not None:
        remarks.append(cost_words(priced))
    change["offered"] = priced or passed_over(state)
    tune = await asyncio.to_thread(asks_to_tune, text, read, state)
    change["evaluated"] = kept_evaluations(state, taken.needs, tune=tune)
    remarks += [ANYWAY] if tune else []
    if taken.changed:
        emit(await asyncio.to_thread(needs_event, taken.needs))
    unclear = None
    if read.intent != "recommend_now":
        unclear = await asyncio.to_thread(clarification, taken, state)
    if unclear is not None:
        clarified = [*state.get("clarified", []), unclear["slot"]]
        unclear["remarks"] = list(read.notes)
        return State(**change | {"outcome": unclear, "route": "respond", "clarified": clarified})
    route = _route(taken, state)
    outcome = Outcome(remarks=remarks)
    change["about"] = None
    if taken.about is not None and taken.about.stands:
        outcome = Outcome(kind="reply", text=taken.about.text, citations=list(taken.about.citations))
    elif route == "answer" or (read.intent == "ask" and not is_answered(state)):
        reply = await asyncio.to_thread(guided_reply, taken, text, services.retriever, state)
        change["about"] = reply.about
        if reply.call is not None:
            emit(reply.call)
        outcome = _reply_outcome(reply, read, text, remarks, before_deciding=route == "decide")
    elif is_answered(state) or (
        read.intent == "recommend_now" and (read.insists or _began(taken.needs, state))
    ):
        outcome["kind"] = "recommendation"
    if route == "decide" and not outcome.get("preface"):
        wished = await asyncio.to_thread(told_of_wish, read, taken.needs)
        if wished is not None:
            outcome |= Outcome(preface=wished.text, citations=wished.citations)
    return State(**change | {"outcome": outcome, "route": route})


def _nothing_said(state: State) -> State:
    """An empty message: the open question once more, marked as such, or how to go on."""
    pending = state.get("pending")
    if pending is None:
        words = aside_reply("empty", open_question=False, answered=is_answered(state)).text
        return State(outcome=Outcome(kind="reply", text=words), route="respond")
    outcome = Outcome(
        kind="question",
        slot=pending["slot"],
        text=pending["text"],
        reason=pending["reason"],
        options=pending["options"],
        clarifies=True,
        again=True,
    )
    return State(outcome=outcome, route="respond")


async def _taken_in(text: str, state: State, services: Services, emit: Emit) -> Intake:
    """The message as the built-in parser reads it, or, where that leaves something, with a model's help."""
    taken = await asyncio.to_thread(take_in, text, state)
    asked, voice = question_of(state), services.voice
    if voice is None or not await asyncio.to_thread(left_unread, text, taken.read, asked):
        return taken
    inferred = await voice.understand(text, needs_of(state), asked, emit)
    return taken if inferred is None else await asyncio.to_thread(take_in, text, state, inferred)


def _began(needs: Needs, state: State) -> bool:
    """Whether anything was said or asked yet; a bare "what should I use?" is answered with a question."""
    return bool(needs.as_json() or state.get("asked"))


def _reply_outcome(
    reply: Reply, read: Understanding, text: str, remarks: list[str], *, before_deciding: bool
) -> Outcome:
    """A reply of its own, or, where needs came with the question, a preface to what is decided on them."""
    if before_deciding:
        outcome = Outcome(remarks=remarks)
        return (
            Outcome(**outcome | {"preface": reply.text, "citations": reply.citations})
            if reply.found
            else outcome
        )
    outcome = Outcome(kind="reply", text=reply.text, citations=reply.citations, remarks=remarks)
    if reply.hypothetical is not None:
        outcome["hypothetical"] = reply.hypothetical.as_json()
    if read.intent == "ask":
        outcome["ask_model"] = read.question or text
    return outcome


async def decide(state: State, services: Services, emit: Emit) -> State:
    """Asks the question that earns its turn, or recommends."""
    outcome = state.get("outcome", Outcome())
    if outcome.get("kind") == "recommendation":
        return State(outcome=outcome)
    needs = needs_of(state)
    emit(Status("weighing what to ask"))
    asked = tuple(state.get("asked", []))
    settled = tuple(state.get("clarified", []))
    proposal = await asyncio.to_thread(next_question, needs, asked, settled)
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
            preface=outcome.get("preface", ""),
            citations=outcome.get("citations", []),
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
        spoken = await services.voice.answer(
            question, needs_of(state), outcome.get("text", ""), emit, conversation_text(state)
        )
    except VoiceError as error:
        emit(Failure(error.code, error.message, hint_in_turn(error)))
        return State(outcome=outcome)
    if spoken.wish is not None:
        wish = {"tool": spoken.wish.tool, "arguments": spoken.wish.arguments}
        return State(outcome=Outcome(**outcome | {"kind": "consent", "wish": wish}))
    # The model's marks count its own passages, so these come first.
    citations = spoken.citations + [c for c in outcome.get("citations", []) if c not in spoken.citations]
    return State(outcome=Outcome(**outcome | {"text": spoken.text, "citations": citations}))


async def respond(state: State, services: Services, emit: Emit) -> State:
    """Words the outcome, checks the wording and sends it."""
    outcome = state.get("outcome", Outcome())
    kind = outcome.get("kind", "recommendation")
    remarks = " ".join(outcome.get("remarks", []))
    if kind == "consent":
        return ask_consent(state, outcome, emit)
    if kind == "question":
        return await _ask(state, outcome, remarks, services, emit)
    if kind == "reply" and not outcome.get("hypothetical"):
        pending = state.get("pending")
        open_question = pending.get("text", "") if pending else ""
        reminder = f"\n\nStill open: {open_question}" if open_question else ""
        text = f"{remarks} {outcome['text']}{reminder}".strip()
        cited = outcome.get("citations", [])
        emit(Message(text, cited, pending["slot"] if pending else "", age_of(cited)))
        said = _said(state, text, outcome.get("citations"))
        if outcome.get("deed"):
            said[-1]["deed"] = True
        return State(messages=said, outcome=Outcome())
    return await give_recommendation(state, outcome, remarks, services, emit)


async def _ask(state: State, outcome: Outcome, remarks: str, services: Services, emit: Emit) -> State:
    text = outcome["text"]
    if outcome.get("again"):
        emit(Question(outcome["slot"], text, outcome["reason"], outcome["options"], clarifies=True))
        return State(messages=_said(state, text), outcome=Outcome())
    if services.voice is not None:
        # A question is shown whole: what is streamed would stand beside it.
        text = await _worded(text, services.voice, _without_deltas(emit), state)
    lead = _prefaced(outcome, remarks, emit)
    emit(Question(outcome["slot"], text, outcome["reason"], outcome["options"], outcome["clarifies"]))
    pending = Pending(
        slot=outcome["slot"],
        text=text,
        options=outcome["options"],
        clarifies=outcome["clarifies"],
        reason=outcome["reason"],
    )
    if "settles" in outcome:
        pending["settles"] = outcome["settles"]
    said = _said(state, f"{lead}\n\n{text}".strip(), outcome.get("citations"))
    return State(pending=pending, messages=said, outcome=Outcome())


def _prefaced(outcome: Outcome, remarks: str, emit: Emit) -> str:
    """Sends what comes before a question: remarks and the answer to what was asked along the way."""
    lead = "\n\n".join(part for part in (remarks, outcome.get("preface", "")) if part)
    if lead:
        cited = outcome.get("citations", [])
        emit(Message(lead, cited, facts=age_of(cited)))
    return lead


async def _decided(needs: Needs, emit: Emit) -> tuple[Decision, dict[str, Any]]:
    """The recommendation and its document, with a word of what was done."""
    emit(Status("comparing models"))
    started = time.monotonic()
    found = await asyncio.to_thread(recommend, needs)
    document = found.as_json()
    summary = {"candidates": [c["model"] for c in document["candidates"]], "error": document.get("error")}
    emit(ToolCall("recommend", {"needs": needs.as_json()}, summary, round(time.monotonic() - started, 3)))
    return found, document


async def give_recommendation(
    state: State,
    outcome: Outcome,
    remarks: str,
    services: Services,
    emit: Emit,
    before: Decision | None = None,
) -> State:
    """Computes the recommendation (of a what-if, where there is one), explains it, and proposes the
    measurement that would decide it.

    Args:
        state: the conversation.
        outcome: what the turn comes to.
        remarks: to be said first.
        services: what words it.
        emit: takes the events.
        before: the last recommendation, where something else than the needs has changed since.
    """
    hypothetical = outcome.get("hypothetical")
    needs = needs_of(state, hypothetical)
    found, document = await _decided(needs, emit)
    if not hypothetical:
        emit(NeedsChanged(needs.as_json(), document["assumptions"]))
    preface = _prefaced(outcome, "", emit)
    text, citations = recommendation_text(found)
    changed = await asyncio.to_thread(
        told_changes, state, outcome, needs, found, before, remarked=bool(remarks)
    )
    lead = " ".join(part for part in (remarks, outcome.get("text", ""), changed) if part)
    draft = f"{lead}\n\n{text}" if lead else text
    emit(Recommendation(document, changed))  # before the wording: a slow model must not hold the table back
    if services.voice is not None:
        draft = await _worded(draft, services.voice, emit, state)
    waits = state.get("pending") if outcome.get("keeps") else None
    offered, proposed = state.get("offered") if hypothetical else None, ""
    if not waits and not hypothetical:
        proposed, offered = await _proposed(found, needs, services, measured=before is not None)
    draft += f"\n\n{proposed}" if proposed else ""
    draft += f"\n\nStill open: {waits['text']}" if waits else ""
    emit(Message(draft, citations, waits["slot"] if waits else "", proposal=proposed))
    sources = [*outcome.get("citations", []), *citations] if preface else citations
    said = _said(state, f"{preface}\n\n{draft}".strip(), sources)
    last = [c.model for c in found.candidates]
    change = State(pending=waits, last=last, answered=True, messages=said, outcome=Outcome(), offered=offered)
    led = state.get("led", [])
    if last and not hypothetical and last[0] not in led[-1:]:
        change["led"] = [*led, last[0]]
    return change


async def _proposed(
    found: Decision, needs: Needs, services: Services, *, measured: bool
) -> tuple[str, Offer | None]:
    """What is proposed with a recommendation; who has just measured is not sent for more downloads."""
    left = services.account.left()
    proposal = await asyncio.to_thread(
        propose, found, needs, offline=services.offline, voice=services.model, left=left
    )
    if proposal is None or (measured and not (proposal.offer or {}).get("models")):
        return "", None
    return proposal.text, proposal.offer


async def _worded(draft: str, voice: Voice, emit: Emit, state: State) -> str:
    """The draft in the model's words, or as it is where the model failed or said something unfounded."""
    said = next((m["text"] for m in reversed(state.get("messages", [])) if m["role"] == "user"), "")
    try:
        return await voice.word(draft, emit, said)
    except VoiceError as error:
        emit(Failure(error.code, error.message, hint_in_turn(error)))
        return draft


def _without_deltas(emit: Emit) -> Emit:
    def pass_on(event: Event) -> None:
        if not isinstance(event, Delta):
            emit(event)

    return pass_on


def _said(state: State, text: str, citations: list[dict[str, str]] | None = None) -> list[Spoken]:
    return [*state.get("messages", []), spoken("advisor", text, citations)]
