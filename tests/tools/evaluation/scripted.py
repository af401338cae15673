"""Scripted models: what they answer depends on scenario, repeat and model alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tests.fakes.model_script import Answer, Reply, Say
from tests.fakes.model_server import FakeOpenAI, answer_json
from tools.evaluation.calls import Patience
from tools.evaluation.plan import Plan, Settings
from tools.evaluation.reading import parse_rubric
from tools.evaluation.runner import Event, Result, evaluate
from tools.model_calls import client

QUICK = Patience(first_wait=0.01, most_wait=0.02)
Script = Callable[[dict[str, Any]], Reply]


class FakeModels(FakeOpenAI):
    """One server of several models, each with a script of its own."""

    def __init__(self, **scripts: Answer) -> None:
        super().__init__([Say("")])
        self.scripts = {name.replace("_", "-"): script for name, script in scripts.items()}

    async def _route(
        self,
        path: str,
        headers: dict[str, str],
        body: dict[str, Any],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        name = body.get("model", "")
        if name not in self.scripts:
            await answer_json(writer, self.failure(f"The model `{name}` does not exist"), 404)
            return
        self.model, self.replies = name, [self.scripts[name]]
        self._calls = 0
        await self._chat(headers, body, reader, writer)

    @property
    def base(self) -> str:
        """For `--endpoint`."""
        return f"{self.url}/v1"


def asked(body: dict[str, Any]) -> str:
    """The last message of the user in a request."""
    return str([row["content"] for row in body["messages"] if row["role"] == "user"][-1])


def passing(share: Callable[[int, int], bool]) -> Script:
    """A model that answers scenario N (`Question N`) in repeat R rightly where `share` says so."""

    def answer(body: dict[str, Any]) -> Reply:
        number = int(asked(body).split()[-1])
        return [Say("yes" if share(number, int(body["seed"]) - 6) else "no")]

    return answer


def rubric_text(scenarios: int, **more: object) -> str:
    """A rubric of so many scenarios, all of which want `yes`."""
    rows = [
        {"id": f"s{n}", "prompt": f"Question {n}", "tags": ["odd" if n % 2 else "even"]}
        | {"checks": [{"exact": "yes"}]}
        for n in range(1, scenarios + 1)
    ]
    return "\n".join(json.dumps(row) for row in [{"name": "Scripted", **more}, *rows])


def plan_for(server: FakeModels, *models: str, scenarios: int = 20, **settings: Any) -> Plan:
    """A plan over scripted models."""
    return plan_for_address(server.base, *models, scenarios=scenarios, **settings)


def plan_for_address(base: str, *models: str, scenarios: int = 20, **settings: Any) -> Plan:
    """The same over the models of any server."""
    rubric = parse_rubric(rubric_text(scenarios), "r.jsonl")
    return Plan(rubric, models or ("m",), Settings(**settings), endpoint=base)


async def run(plan: Plan, home: Path, **more: Any) -> tuple[Result, list[Event]]:
    """All of a run: its result, and the events before."""
    try:
        events = [event async for event in _events(plan, home, **more)]
    finally:
        await client.close()
    result = events.pop()
    assert isinstance(result, Result)
    return result, events


async def _events(plan: Plan, home: Path, **more: Any) -> AsyncIterator[Event]:
    async for event in evaluate(plan, home, patience=QUICK, **more):
        yield event
