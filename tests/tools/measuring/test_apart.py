"""A measurement in a process of its own: the same events, errors and kept rounds."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from knowledge.errors import NoAnswerError, ServiceError
from knowledge.home import HOME_VARIABLE
from knowledge.measured_here import load_runs
from tests.fakes.paced_server import Pace, PacedServer
from tests.waiting import not_waited_for
from tools.measuring import apart
from tools.measuring.apart import Order, measured_apart
from tools.measuring.events import Began, Ended, Working
from tools.measuring.plan import Plan

PLAN = Plan((64,), (1, 2), output_tokens=16, repeats=2)


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))


async def test_the_events_and_the_run_come_over() -> None:
    with PacedServer(Pace(0.05, tps=200)) as server:
        order = Order(server.pace.model, server.url, plan=PLAN)
        events = [event async for event in measured_apart(order)]
    assert isinstance(events[0], Began)
    assert events[0].requests == 6
    assert any(isinstance(event, Working) and event.phase == "measure" for event in events)
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert ended.run is not None
    assert (ended.stopped, ended.run.complete, len(ended.run.points)) == (None, True, 2)
    assert load_runs() == (ended.run,)


async def test_nothing_is_kept_where_it_is_not_wanted() -> None:
    once = Plan((64,), (1,), output_tokens=8, repeats=1)
    with PacedServer(Pace(0.02, tps=400)) as server:
        async for _ in measured_apart(Order(server.pace.model, server.url, plan=once, keep=False)):
            pass
    assert load_runs() == ()


async def test_errors_come_over_as_they_are() -> None:
    with PacedServer(Pace()) as server, pytest.raises(NoAnswerError) as caught:
        await anext(measured_apart(Order("nope", server.url)))
    assert caught.value.code == "unknown_model"
    with pytest.raises(ServiceError):
        await anext(measured_apart(Order("m", "http://127.0.0.1:1")))


async def test_a_cancelled_consumer_ends_the_child_and_keeps_the_rounds() -> None:
    measuring = asyncio.Event()

    async def consume(url: str) -> None:
        async for event in measured_apart(Order("llama3.1:8b", url, plan=Plan((64,), (1,), 16, repeats=100))):
            if isinstance(event, Working) and event.done >= 2:
                measuring.set()

    with PacedServer(Pace(0.05, tps=200)) as server:
        task = asyncio.create_task(consume(server.url))
        waiting = asyncio.create_task(measuring.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), task.exception()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (kept,) = load_runs()
    assert not kept.complete
    assert kept.points[0].samples >= 2


def _instead(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Another program in the child's place."""
    monkeypatch.setattr(apart, "COMMAND", (sys.executable, "-S", "-c", program))
    monkeypatch.setattr(apart, "END_SECONDS", 0.3)


@pytest.mark.parametrize(
    "program",
    [
        "raise ImportError",
        "import os; os.close(0); os._exit(1)",
        "import os; os.kill(os.getpid(), 9)",
        """print('{"kind": "working", "bo', end="", flush=True)""",
        "print('hello')",
        "import os\nwhile True: os.write(1, b' ' * 65536)",
    ],
)
async def test_a_child_that_dies_is_said(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    _instead(monkeypatch, program)
    with pytest.raises(ServiceError) as caught:
        await anext(measured_apart(Order("m")))
    assert caught.value.code == "cut"


WORKING = """print('{"kind": "working", "body": {"phase": "load", "done": 0, "total": 1}}', flush=True)"""


@pytest.mark.parametrize(
    "program",
    [
        "import time; time.sleep(600)",
        f"while True: {WORKING}",
        "import subprocess, sys\nsubprocess.Popen([sys.executable, '-Sc', 'import time; time.sleep(4)'])",
    ],
)
async def test_no_child_is_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """One that is silent, one that fills the pipe, and one whose own child holds the pipe open."""
    _instead(monkeypatch, f"{WORKING}\n{program}")

    async def consume() -> None:
        async for _ in measured_apart(Order("m")):
            came.set()
            await asyncio.sleep(600 if "while" in program else 0)

    came = asyncio.Event()
    task = asyncio.create_task(consume())
    await asyncio.wait_for(came.wait(), 20)
    await asyncio.sleep(0.2)
    task.cancel()
    with not_waited_for(), pytest.raises(asyncio.CancelledError):
        await task


PARENT = """
import asyncio, sys
from tools.measuring.apart import Order, measured_apart
from tools.measuring.plan import Plan

async def follow():
    async for event in measured_apart(Order("llama3.1:8b", sys.argv[1], plan=Plan((64,), (1,), 16, 1000))):
        print(type(event).__name__, flush=True)

asyncio.run(follow())
"""


def test_a_child_goes_where_its_parent_was_killed() -> None:
    with PacedServer(Pace(0.05, tps=200)) as server:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, server.url], stdout=subprocess.PIPE, start_new_session=True
        )
        assert parent.stdout is not None
        with parent.stdout as told:
            assert told.readline() == b"Began\n"
        (child,) = psutil.Process(parent.pid).children()
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        assert psutil.wait_procs([child], timeout=30)[0] == [child]
