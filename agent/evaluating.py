"""Runs the scenarios that were proposed, tells what came of them, and decides anew."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from agent.evaluated_words import decided_words, results_words
from agent.evaluations import as_kept, evaluated_of, with_evaluation
from agent.events import Failure, Message, Progress, Status, ToolCall
from agent.nodes import Emit, Services, give_recommendation
from agent.offer_replies import passed_over
from agent.proposed_evaluation import command_of, plan_for
from agent.state import Offer, Outcome, State, needs_of, spoken
from agent.wording import listed
from knowledge.errors import AdvisorError
from tools.evaluated import Evaluated
from tools.recommend import recommend

if TYPE_CHECKING:
    from tools.evaluation.plan import Plan

Document = dict[str, Any]
NOTHING = "Nothing was evaluated."
TOLD = ("passed", "answers", "pass_rate", "interval_95", "verdict", "error")
"""What the call's result holds of a model."""


async def evaluate_offered(state: State, offer: Offer, services: Services, emit: Emit) -> State:
    """One evaluation; a run that was stopped is taken up by the next one, nothing is asked twice.

    What it decides is kept with the conversation, and the recommendation is made anew with it.
    """
    emit(Status("loading the scenarios"))
    started = time.monotonic()
    try:
        offer = await asyncio.to_thread(_limited, offer, services.account.left())
        plan = await asyncio.to_thread(plan_for, offer)
        document = await _evaluated(plan, offer, services, emit)
    except AdvisorError as error:
        emit(Failure(error.code, error.message, error.hint))
        emit(Message(NOTHING))
        return _replied(state, NOTHING, [], offered=passed_over(state))
    emit(_call(document, offer, round(time.monotonic() - started, 3)))
    text, citations = results_words(document, command_of(offer, judged=plan.judged))
    found = await asyncio.to_thread(evaluated_of, document, offer, needs_of(state))
    if found is None:
        emit(Message(text, citations))
        return _replied(state, text, citations, offered=passed_over(state))
    return await _counted(state, found, Outcome(preface=text, citations=citations), services, emit)


def _call(document: Document, offer: Offer, seconds: float) -> ToolCall:
    rows = [{"model": row["model"], **{key: row[key] for key in TOLD}} for row in document["models"]]
    if len(rows) == 1:
        return ToolCall(
            "evaluate", {"model": rows[0].pop("model"), "rubric": offer["rubric"]}, rows[0], seconds
        )
    arguments = {"models": [row["model"] for row in rows], "rubric": offer["rubric"]}
    return ToolCall("evaluate", arguments, {"models": rows, "differences": document["differences"]}, seconds)


async def _counted(state: State, found: Evaluated, outcome: Outcome, services: Services, emit: Emit) -> State:
    """Tells the results and recommends anew with them."""
    before = await asyncio.to_thread(recommend, needs_of(state))
    known = with_evaluation(needs_of(state), found).evaluated
    if found not in known:  # the person's own scenarios were run before, and say more
        emit(Message(outcome["preface"], outcome["citations"]))
        return _replied(state, outcome["preface"], outcome["citations"], passed_over(state))
    kept = as_kept(known)
    outcome["decided"] = decided_words(found)
    now = State(**{**state, "evaluated": kept, "offered": passed_over(state)})
    change = await give_recommendation(now, outcome, "", services, emit, before)
    change["messages"][-1]["deed"] = True
    change["offered"] = change.get("offered") or passed_over(state)
    change["evaluated"] = kept
    return change


def within_ceiling(offer: Offer, left: float | None) -> Offer:
    """An offer that costs no more than is left of the conversation's ceiling."""
    if left is None or "max_usd" not in offer:
        return offer
    return Offer(**{**offer, "max_usd": min(offer["max_usd"], left)})


def _limited(offer: Offer, left: float | None) -> Offer:
    """The offer within the conversation's ceiling, in which earlier parts of the same run are counted."""
    return offer if left is None else within_ceiling(offer, left + _spent(plan_for(offer)))


def _spent(plan: Plan) -> float:
    """Dollars that the record of a run counts so far."""
    from tools.evaluation.journal import FILE, read_journal, run_folder

    return read_journal(run_folder(plan) / FILE).usd


async def _evaluated(plan: Plan, offer: Offer, services: Services, emit: Emit) -> Document:
    """The document of the run.

    Raises:
        AdvisorError: the record cannot be kept, or another process runs the same.
    """
    from tools.evaluation.document import document_of
    from tools.evaluation.runner import Again, Began, Paused, Result, Step, Trouble, evaluate
    from tools.model_calls import client

    names = listed([row["tag"].rpartition("/")[2] for row in offer["models"]])
    began: float | None = None
    first = 0
    before = await asyncio.to_thread(_spent, plan)

    def tell(done: int, total: int, left: float | None = None) -> None:
        emit(Progress("evaluate", names, "scenarios", done=done, total=total, seconds_left=left))

    try:
        async with aclosing(evaluate(plan)) as events:
            async for event in events:
                if isinstance(event, Began):
                    tell(event.done, event.total)
                elif isinstance(event, Step):
                    now, left = time.monotonic(), None
                    if began is None:  # loading comes before the first one, and says nothing of the rest
                        began, first = now, event.done
                    elif event.done > first:
                        left = (now - began) / (event.done - first) * (event.total - event.done)
                    tell(event.done, event.total, left)
                elif isinstance(event, Paused):
                    emit(Status(f"{event.server} asks to wait for {event.seconds:.0f} s"))
                elif isinstance(event, Again):
                    emit(Status(f"{event.error.message} Asking again in {event.seconds:.0f} s"))
                elif isinstance(event, Trouble):
                    emit(Status(f"{event.model}: {event.error.message}"))
                elif isinstance(event, Result):
                    return await asyncio.to_thread(document_of, event)
    finally:
        services.account.charge(_spent(plan) - before)
        if services.voice is None:  # else the conversation's own model closes them at its end
            await client.close()
    raise AssertionError


def _replied(state: State, text: str, citations: list[dict[str, str]], offered: Offer | None) -> State:
    said = spoken("advisor", text, citations)
    said["deed"] = True
    return State(messages=[*state.get("messages", []), said], outcome=Outcome(), offered=offered)
