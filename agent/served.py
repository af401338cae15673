"""The graph for LangGraph's server, which brings its own checkpoints: `langgraph.json` names `graph`.

A thread is begun with an empty input, and then says what it expects in its interrupt; every turn resumes it
with a text, or with an input line of `chat --json`. Events come on the custom stream as the lines that
`chat --json` prints.
"""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.graph import build_graph
from agent.models import Models
from agent.modes import AUTO, GUIDED, Choice, find_model, limits_of
from agent.nodes import Services
from knowledge.home import home
from knowledge.retrieval import Retriever, open_retriever
from knowledge.settings import load_settings

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph

    from agent.state import State


@cache
def _retriever(folder: Path) -> Retriever:
    """One for all threads of the server: the embedder takes seconds to load."""
    return open_retriever(folder, wait=False)


def _graph(folder: Path, model: str) -> CompiledStateGraph[State, None, State, State]:
    # Services of its own for each run: what a thread spent is its own, and is kept in its state.
    settings = load_settings()
    services = Services(_retriever(folder))
    services.account.max_usd = settings.max_cost
    choice = find_model() if model == AUTO else Choice(model)
    Models(services, limits_of(settings), offline=False).begin(choice)
    return build_graph(services, None, as_json=True)


async def graph(config: RunnableConfig) -> CompiledStateGraph[State, None, State, State]:
    """The graph of a run; `configurable.model` names the model that words the answers (default `guided`)."""
    configurable: dict[str, Any] = config.get("configurable") or {}
    # Opening the guides reads files, which must not hold up the server's loop.
    return await asyncio.to_thread(_graph, home(), str(configurable.get("model") or GUIDED))
