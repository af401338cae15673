"""The graph as LangGraph's server runs it: from `langgraph.json`, with a checkpointer of the server's own."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockingError, blockbuster_ctx
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agent import served
from knowledge.home import HOME_VARIABLE
from tests.agent.conversing import NEEDS
from tests.fakes.retriever import FakeRetriever

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _words_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(served, "open_retriever", lambda folder, **_: FakeRetriever(folder))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    yield
    served._retriever.cache_clear()


def factory() -> Any:
    """The factory that the configuration names, imported from its file as the server does."""
    named = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["advisor"]
    path, name = named.split(":")
    spec = importlib.util.spec_from_file_location("served_by_path", ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.open_retriever = served.open_retriever  # type: ignore[attr-defined]
    return getattr(module, name)


def recommended(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The candidates of the last recommendation."""
    found = [event["recommendation"] for event in events if event["type"] == "recommendation"]
    candidates: list[dict[str, Any]] = found[-1]["candidates"]
    return candidates


async def test_a_conversation_through_the_factory() -> None:
    graph = await factory()({"configurable": {}})
    assert graph.checkpointer is None
    graph = graph.copy({"checkpointer": InMemorySaver()})
    config = {"configurable": {"thread_id": "t"}}

    async def turn(payload: object) -> list[dict[str, Any]]:
        return [event async for event in graph.astream(payload, config, stream_mode="custom")]

    assert await turn({}) == []
    (waiting,) = (await graph.aget_state(config)).interrupts
    assert "text" in waiting.value["expects"]
    events = await turn(Command(resume={"text": NEEDS}))
    events += await turn(Command(resume={"command": "recommend"}))
    assert json.loads(json.dumps(events)) == events
    best = recommended(events)
    await turn(Command(resume="I have two RTX 4090 instead"))
    back = await turn(Command(resume={"command": "undo"}))
    assert recommended(back) == best
    assert (await graph.aget_state(config)).interrupts


@pytest.mark.parametrize(
    "given", [None, 3, [], {}, {"text": ""}, {"command": "nonsense"}, {"command": "branch"}]
)
async def test_what_a_client_sends_wrong_is_answered(given: object) -> None:
    graph = (await factory()({"configurable": {}})).copy({"checkpointer": InMemorySaver()})
    config = {"configurable": {"thread_id": "t"}}
    await graph.ainvoke({}, config)
    if given is not None:  # LangGraph itself reads None as no answer
        await graph.ainvoke(Command(resume=given), config)
    assert (await graph.aget_state(config)).interrupts


async def test_no_step_blocks_the_loop() -> None:
    make = factory()
    with blockbuster_ctx():
        with pytest.raises(BlockingError):
            time.sleep(0.01)  # noqa: ASYNC251 - this is what it would catch
        graph = (await make({"configurable": {}})).copy({"checkpointer": InMemorySaver()})
        config = {"configurable": {"thread_id": "t"}}
        await graph.ainvoke({}, config)
        for given in ({"text": NEEDS}, {"command": "recommend"}, "why not Llama 3.3 70B?", "smaller please"):
            await graph.ainvoke(Command(resume=given), config)
        for command in ({"command": "branch", "name": "a"}, {"command": "undo"}, {"command": "return"}):
            await graph.ainvoke(Command(resume=command), config)
    assert (await graph.aget_state(config)).values["messages"]
