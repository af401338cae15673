"""The step of a turn that runs the measurement that was proposed, tells what came of it, and decides anew."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from agent.evaluating import evaluate_offered
from agent.events import Failure, Message, Progress, Status, ToolCall
from agent.measured_words import measured_citation, measured_words, run_json
from agent.nodes import Emit, Services, give_recommendation
from agent.offer_replies import heard, passed_over
from agent.proposing import proposed_when_asked
from agent.state import Offer, Outcome, State, needs_of, spoken
from knowledge.errors import AdvisorError
from knowledge.measured_here import MeasuredRun
from tools.brief import brief_of
from tools.calibrated import measurements_of
from tools.calibration.types import Observation
from tools.hardware_types import Machine
from tools.measuring.apart import Order, measured_apart
from tools.measuring.deciding import machine_here
from tools.measuring.events import Ended, Working
from tools.measuring.forecast import OFFERED
from tools.needs import Needs
from tools.recommend import recommend

GONE = "unknown_model"
"""The server has the model no more; others may still be there."""
NOTHING = "Nothing was measured, and the recommendation stays as it is. Say **measure** to look again."
PHASES = {"load": "loading the model", "warm-up": "warming up", "measure": "measuring"}


@dataclass(slots=True)
class _Measured:
    """What came of the models of an offer, in their order."""

    words: list[str] = field(default_factory=list)
    citations: list[dict[str, str]] = field(default_factory=list)
    failed: AdvisorError | None = None


async def measure(state: State, services: Services, emit: Emit) -> State:
    """Runs what was proposed and recommends anew; where nothing was, proposes it, with its time and cost."""
    text = str(state.get("input", {}).get("text", ""))
    said, offer = heard(text, state), state.get("offered")
    needs = needs_of(state)
    if said is None or said.kind != "run" or offer is None or not offer["models"] or services.offline:
        return await _proposed(state, services, emit)
    if offer["tool"] == "evaluate":
        return await evaluate_offered(state, offer, services, emit)
    before = await asyncio.to_thread(recommend, needs)
    found = await _measured(offer, needs, emit)
    if found.failed is not None:
        emit(Failure(found.failed.code, found.failed.message, found.failed.hint))
    if not found.words:
        # What is there may have changed: the next word looks again, before anything runs.
        return _replied(state, NOTHING, Offer(tool="bench", models=[], fresh=True), emit)
    outcome = Outcome(preface="\n".join(found.words), citations=found.citations)
    change = await give_recommendation(state, outcome, "", services, emit, before)
    change["messages"][-1]["deed"] = True
    return change


async def _proposed(state: State, services: Services, emit: Emit) -> State:
    """Answers somebody who asks for a measurement by name, before anything of it runs."""
    needs = needs_of(state)
    wanted = heard(str(state.get("input", {}).get("text", "")), state)
    assert wanted is not None
    emit(Status("looking at what runs here"))
    found = await asyncio.to_thread(recommend, needs)
    proposal = await asyncio.to_thread(
        proposed_when_asked,
        found,
        needs,
        wanted,
        offline=services.offline,
        voice=services.model,
        left=services.account.left(),
    )
    return _replied(state, proposal.text, proposal.offer or passed_over(state), emit)


def _replied(state: State, text: str, offered: Offer | None, emit: Emit) -> State:
    emit(Message(text))
    messages = [*state.get("messages", []), spoken("advisor", text)]
    return State(messages=messages, outcome=Outcome(), offered=offered)


async def _measured(offer: Offer, needs: Needs, emit: Emit) -> _Measured:
    """Measures the models of an offer, one by one; what is finished stays where a later one fails."""
    found = _Measured()
    machine = await asyncio.to_thread(_machine, needs)
    for row in offer["models"]:
        emit(Status(f"measuring {row['tag']}"))
        started = time.monotonic()
        try:
            run = await _run_of(row["tag"], offer.get("machine"), emit)
        except AdvisorError as error:
            found.failed = error
            if error.code == GONE:
                continue
            break
        if run is None:
            continue
        seen = await asyncio.to_thread(_observed, row["model_id"], run, machine)
        found.words.append(measured_words(row["model"], run, seen))
        found.citations.append(measured_citation(run))
        emit(
            ToolCall(
                "bench",
                {"model": row["tag"], "prompt_tokens": list(OFFERED.lengths or ()), "requests_at_once": 1},
                run_json(run, seen),
                round(time.monotonic() - started, 3),
            )
        )
    return found


async def _run_of(tag: str, machine: str | None, emit: Emit) -> MeasuredRun | None:
    """One model, measured in a process of its own; None where not one request was finished.

    Raises:
        AdvisorError: the server fails, or has no such model.
    """
    order = Order(f"ollama_chat/{tag}", plan=OFFERED, machine=machine)
    async with aclosing(measured_apart(order)) as events:
        async for event in events:
            if isinstance(event, Working):
                emit(
                    Progress(
                        "bench",
                        tag,
                        PHASES[event.phase],
                        done=event.done,
                        total=event.total,
                        seconds_left=event.seconds_left,
                    )
                )
            elif isinstance(event, Ended):
                return event.run
    return None


def _machine(needs: Needs) -> Machine | None:
    from tools.hardware import detect_machine

    return machine_here(brief_of(needs).machine, detect_machine)


def _observed(model_id: str, run: MeasuredRun, machine: Machine | None) -> Observation | None:
    """The run held against the estimate; None where it says nothing of it."""
    if machine is None:
        return None
    seen = measurements_of(model_id, replace(machine, calibration=None))
    return next((row for row in seen if row.subject.engine == run.engine), None)
