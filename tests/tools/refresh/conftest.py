"""A hub, a price map and leaderboard files on loopback, and a state folder that starts empty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knowledge.catalog.store import forget_added
from knowledge.today import DAY_VARIABLE
from tests.fakes.http_server import Asked, FakeServer, Reply
from tests.fakes.hub import FakeHub
from tools.refresh.board_sources import BoardSource
from tools.refresh.prices import VARIABLE

DAY = "2027-01-03"


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "state"))
    monkeypatch.setenv(DAY_VARIABLE, DAY)
    forget_added()
    yield
    forget_added()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that HF_ENDPOINT names."""
    with FakeHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        yield server


class FakeFiles(FakeServer):
    """Serves files by path; `replies` may be set at any time."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.replies: dict[str, Reply] = {}

    def _answer(self, asked: Asked) -> Reply:
        return self.replies.get(asked.path, Reply(status=404))

    def put(self, path: str, value: Any) -> None:
        """A JSON file."""
        self.replies[path] = Reply(json.dumps(value).encode())


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeFiles]:
    """A server of files, with the price map under /map.json and one leaderboard under /board.json."""
    with FakeFiles() as server:
        monkeypatch.setenv(VARIABLE, f"{server.url}/map.json")
        one = board(f"{server.url}/board.json")
        monkeypatch.setattr("tools.commands.refresh.board_sources", lambda: (one,))
        yield server


def board(url: str | None, **changes: Any) -> BoardSource:
    """EvalPlus as it is shipped, at another address."""
    plain: dict[str, Any] = {
        "name": "EvalPlus",
        "url": url,
        "format": "json",
        "where": {"prompted": True},
        "needs": ["pass@1"],
        "columns": [{"path": ["pass@1", "humaneval+"], "benchmark": "HumanEval+"}],
        "unit": "pass@1 percent",
        "setting": "greedy, EvalPlus harness, chat prompt",
        "source": "github evalplus/evalplus.github.io results.json",
        "as_of": "2026-11-21",
    }
    return BoardSource.model_validate({**plain, **changes})
