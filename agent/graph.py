"""The conversation as a LangGraph graph.

    begin -> listen -> understand -> decide | answer -> respond -> listen | confirm
                    -> measure (what was proposed) -> listen
                    -> travel (take back, branch, return) -> listen | confirm
                    -> change (one need) -> decide | respond | listen | confirm
    confirm -> act | understand | respond | travel | change

`listen` and `confirm` hold nothing but the interrupt, because a node runs again from its top when it is
resumed. Nodes return only what changed; what a face shows is written to the custom stream as `agent.events`
objects.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from agent.changing import change_need
from agent.consent import act, take_consent
from agent.nodes import Emit, Services, answer, decide, respond, understand_input
from agent.state import State, first_state
from agent.timeline import remembered
from agent.travel import COMMANDS, travel

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph import StateGraph
    from langgraph.graph.state import CompiledStateGraph

RECURSION_LIMIT = 12
"""Steps of one turn; a turn takes five."""
EXPECTED = {"expects": 'a text, {"text": ...} or {"command": "recommend" | "change" | "undo" | ...}'}
"""What the graph says while it listens."""
CONSENT = {"expects": "yes or no, in the forms of any other input, which ends the wait too"}
"""What it says while a tool waits for the person's word."""
Step = Callable[[State, Services, Emit], Awaitable[State]]


class Node(Protocol):
    """A step as LangGraph calls it."""

    async def __call__(self, state: State) -> State: ...


async def _understand(state: State, services: Services, emit: Emit) -> State:
    change = await understand_input(state, services, emit)
    change["earlier"] = remembered(state)
    return change


async def _measure(state: State, services: Services, emit: Emit) -> State:
    from agent.measuring import measure  # with what sends requests, which few conversations need

    return await measure(state, services, emit)


async def _act(state: State, services: Services, emit: Emit) -> State:
    return await act(state, emit, offline=services.offline)


async def _change(state: State, _services: Services, emit: Emit) -> State:
    change = await change_need(state, emit)
    if change.get("route") != "listen":  # what could not be read is no turn to take back
        change["earlier"] = remembered(state)
    return change


def _as_input(given: object) -> dict[str, Any]:
    """What the graph was resumed with: an input line of `chat --json`, or a bare text."""
    return given if isinstance(given, dict) else {"text": given if isinstance(given, str) else ""}


async def _begin(state: State) -> State:
    # A graph that is served begins with whatever its caller sent.
    return cast("State", {key: value for key, value in first_state().items() if key not in state})


async def _listen(state: State) -> State:
    from langgraph.types import interrupt

    return State(input=_as_input(interrupt(EXPECTED)))


async def _confirm(state: State) -> State:
    from langgraph.types import interrupt

    return take_consent(state, _as_input(interrupt(CONSENT)))


def _after_listening(state: State) -> str:
    command = state.get("input", {}).get("command")
    return "travel" if command in COMMANDS else "change" if command == "change" else "understand"


def _after_understanding(state: State) -> str:
    return state.get("route", "decide")


def _after_changing(state: State) -> str:
    route = state.get("route", "listen")
    return _after_responding(state) if route == "listen" else route


def _after_responding(state: State) -> str:
    return "confirm" if state.get("wish") else "listen"


def _after_confirming(state: State) -> str:
    route = state.get("route", "understand")
    return _after_listening(state) if route == "understand" else route


STEPS: dict[str, Step] = {
    "understand": _understand,
    "change": _change,
    "decide": decide,
    "answer": answer,
    "respond": respond,
    "act": _act,
    "measure": _measure,
}
"""The steps that need services."""


def build_graph(
    services: Services | None, checkpointer: BaseCheckpointSaver[Any] | None, *, as_json: bool = False
) -> CompiledStateGraph[State, None, State, State]:
    """Compiles the graph; imports LangGraph, which takes most of a second.

    Args:
        services: what the steps work with; None to read and write saved states and run no step.
        checkpointer: where states are kept; None where the one who runs the graph brings one.
        as_json: sends events as the dictionaries of `chat --json`, for readers outside this process.
    """
    from langgraph.config import get_stream_writer
    from langgraph.graph import START, StateGraph

    def emit() -> Emit:
        write = get_stream_writer()
        return (lambda event: write(event.as_json())) if as_json else write

    def step(run: Step) -> Node:
        async def node(state: State) -> State:
            if services is None:
                raise RuntimeError("this graph reads and writes saved states only")
            services.account.restore(state.get("spent", {}))
            change = await run(state, services, emit())
            change["spent"] = services.account.as_json()
            return change

        return node

    async def travel_node(state: State) -> State:
        return await travel(state, emit())

    graph = StateGraph(State)
    graph.add_node("begin", _begin)
    graph.add_node("listen", _listen)
    graph.add_node("confirm", _confirm)
    graph.add_node("travel", travel_node)
    for name, run in STEPS.items():
        graph.add_node(name, step(run))
    graph.add_edge(START, "begin")
    _wire(graph)
    return graph.compile(checkpointer=checkpointer)


def _wire(graph: StateGraph[State, None, State, State]) -> None:
    graph.add_edge("begin", "listen")
    graph.add_conditional_edges("listen", _after_listening, ["travel", "change", "understand"])
    graph.add_conditional_edges("change", _after_changing, ["decide", "respond", "listen", "confirm"])
    graph.add_conditional_edges("travel", _after_responding, ["listen", "confirm"])
    graph.add_conditional_edges(
        "understand", _after_understanding, ["decide", "answer", "respond", "measure"]
    )
    graph.add_edge("decide", "respond")
    graph.add_edge("answer", "respond")
    graph.add_conditional_edges("respond", _after_responding, ["listen", "confirm"])
    graph.add_conditional_edges(
        "confirm", _after_confirming, ["act", "respond", "travel", "change", "understand"]
    )
    graph.add_edge("act", "respond")
    graph.add_edge("measure", "listen")
