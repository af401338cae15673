"""The conversation as a LangGraph graph.

    listen -> understand -> decide | answer -> respond -> listen | confirm
    confirm -> act | understand | respond

`listen` and `confirm` hold nothing but the interrupt, because a node runs again from its top when it is
resumed. Nodes return only what changed; what a face shows is written to the custom stream as `agent.events`
objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.consent import act, take_consent
from agent.nodes import Services, answer, decide, respond, understand_input
from agent.state import State

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

RECURSION_LIMIT = 12
"""Steps of one turn; a turn takes five."""


def build_graph(
    services: Services, checkpointer: BaseCheckpointSaver[Any]
) -> CompiledStateGraph[State, None, State, State]:
    """Compiles the graph; imports LangGraph, which takes most of a second."""
    from langgraph.config import get_stream_writer
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import interrupt

    def kept(change: State) -> State:
        """The change with what was spent, after the steps in which a model is asked."""
        change["spent"] = services.account.as_json()
        return change

    async def listen(state: State) -> State:
        return State(input=interrupt("say something"))

    async def understand(state: State) -> State:
        return await understand_input(state, services, get_stream_writer())

    async def decide_node(state: State) -> State:
        return await decide(state, services, get_stream_writer())

    async def answer_node(state: State) -> State:
        return kept(await answer(state, services, get_stream_writer()))

    async def respond_node(state: State) -> State:
        return kept(await respond(state, services, get_stream_writer()))

    async def confirm(state: State) -> State:
        return take_consent(state, interrupt("yes or no"))

    async def act_node(state: State) -> State:
        return await act(state, get_stream_writer())

    def after_responding(state: State) -> str:
        return "confirm" if state.get("wish") else "listen"

    def after_understanding(state: State) -> str:
        return state.get("route", "decide")

    graph = StateGraph(State)
    graph.add_node("listen", listen)
    graph.add_node("understand", understand)
    graph.add_node("decide", decide_node)
    graph.add_node("answer", answer_node)
    graph.add_node("respond", respond_node)
    graph.add_node("confirm", confirm)
    graph.add_node("act", act_node)
    graph.add_edge(START, "listen")
    graph.add_edge("listen", "understand")
    graph.add_conditional_edges(
        "understand",
        after_understanding,
        {"decide": "decide", "answer": "answer", "respond": "respond", "end": END},
    )
    graph.add_edge("decide", "respond")
    graph.add_edge("answer", "respond")
    graph.add_conditional_edges("respond", after_responding, ["listen", "confirm"])
    graph.add_conditional_edges("confirm", after_understanding, ["act", "understand", "respond"])
    graph.add_edge("act", "respond")
    return graph.compile(checkpointer=checkpointer)
