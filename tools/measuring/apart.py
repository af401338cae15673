"""A measurement in a process of its own, for a conversation: what draws the screen must not be measured too.

`measured_apart` is an asynchronous generator of the same events as `Bench.events`; the child writes them as
JSON lines. A consumer that is cancelled ends the child, whose finished rounds are kept. No end is waited for
without a limit: the child watches its input and goes where that is closed, also because this process is dead,
and the parent kills a child that does not go.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from knowledge.errors import AdvisorError, NoAnswerError, ServiceError, UsageError
from knowledge.measured_here import MeasuredRun, keep_run
from tools.measuring.events import Began, Ended, Event, Working
from tools.measuring.plan import Plan

_ERRORS: Mapping[int, type[AdvisorError]] = {1: NoAnswerError, 2: UsageError, 3: ServiceError}
# `-P` keeps the folder that the person works in off the path: it may have a folder `tools`, too.
COMMAND = (sys.executable, "-P", "-m", "tools.measuring.apart")
MAX_LINE = 4 << 20
END_SECONDS = 5.0
"""That a child has to end by itself, and as many again once it is killed."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to measure, as `tools.measuring.target.find_target` takes it, and how."""

    model: str | None
    endpoint: str | None = None
    context: int | None = None
    key_variable: str | None = None
    plan: Plan = field(default_factory=Plan)
    keep: bool = True
    """Whether every finished round is kept as this machine's calibration."""
    machine: str | None = None
    """Key of this machine, where it is known already; else it is detected."""


async def measured_apart(order: Order) -> AsyncGenerator[Event]:
    """Measures in a child process; the last event is `Ended`.

    Raises:
        AdvisorError: as `find_target` and `Bench.events`.
    """
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: asyncio.subprocess.SubprocessStreamProtocol(MAX_LINE, loop),
        *COMMAND,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl+C is for the parent; the child ends with its input
    )
    process = asyncio.subprocess.Process(transport, protocol, loop)
    try:
        async for event in _events(process, json.dumps(asdict(order)).encode() + b"\n"):
            yield event
    finally:
        await _end(process, transport)


async def _events(process: asyncio.subprocess.Process, order: bytes) -> AsyncGenerator[Event]:
    assert process.stdin is not None
    assert process.stdout is not None
    ended = False
    with suppress(ConnectionError):  # of a child that is dead already: the end of its output tells
        process.stdin.write(order)
        await process.stdin.drain()
    with suppress(ValueError):  # what is no event is none of a measurement
        while (line := await process.stdout.readline()).endswith(b"\n"):
            event = _event(json.loads(line))
            ended = isinstance(event, Ended)
            yield event
    if not ended:
        raise ServiceError("The measurement broke off.", hint="Try again.", code="cut")


async def _end(process: asyncio.subprocess.Process, transport: asyncio.SubprocessTransport) -> None:
    """Has the child end: its input is closed, which it watches; else it is killed."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except (TimeoutError, asyncio.CancelledError):
        with suppress(ProcessLookupError):
            process.kill()
        # The end is told when the pipes are at theirs: not while they are full, or others hold them.
        if (output := transport.get_pipe_transport(1)) is not None:
            output.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
    finally:
        transport.close()


def _event(row: dict[str, Any]) -> Event:
    kind, body = row["kind"], row["body"]
    if kind == "error":
        raise _ERRORS.get(body["status"], AdvisorError)(body["message"], hint=body["hint"], code=body["code"])
    if kind == "began":
        return Began(**{**body, "notes": tuple(body["notes"])})
    if kind == "working":
        return Working(**body)
    run = body["run"]
    return Ended(None if run is None else MeasuredRun.model_validate(run), body["stopped"])


_OUT = 1
"""The descriptor that events go to; a copy, once what libraries print goes elsewhere."""


def _keep_output() -> None:
    global _OUT
    _OUT = os.dup(1)
    os.dup2(2, 1)


def _told(kind: str, body: Mapping[str, Any]) -> None:
    line = json.dumps({"kind": kind, "body": body}).encode() + b"\n"
    while line:
        line = line[os.write(_OUT, line) :]


def _tell(event: Event) -> None:
    if isinstance(event, Ended):
        run = None if event.run is None else event.run.model_dump(mode="json")
        _told("ended", {"run": run, "stopped": event.stopped})
    else:
        _told("began" if isinstance(event, Began) else "working", asdict(event))


async def _measure(row: dict[str, Any]) -> None:
    from tools.hardware import detect_machine
    from tools.measuring.machine import machine_key
    from tools.measuring.run import Bench
    from tools.measuring.target import find_target

    asked = Order(**{**row, "plan": Plan(**_tuples(row["plan"]))})
    target = await asyncio.to_thread(
        find_target, asked.model, asked.endpoint, asked.context, asked.key_variable
    )
    key = asked.machine or machine_key(await asyncio.to_thread(detect_machine))
    bench = Bench(target, asked.plan, key, keep_run if asked.keep else lambda run: None)
    async for event in bench.events():
        _tell(event)


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


async def _child() -> None:
    """Measures until the end, or until the parent closes the input."""
    line = await asyncio.to_thread(sys.stdin.readline)
    if not line:
        return  # who asked is gone
    work = asyncio.create_task(_measure(json.loads(line)))
    loop = asyncio.get_running_loop()

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        with suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(work.cancel)
        time.sleep(END_SECONDS)
        os._exit(1)  # a thread that does not come back would be waited for

    threading.Thread(target=watch, name="parent", daemon=True).start()
    try:
        await work
    except asyncio.CancelledError:
        pass
    except AdvisorError as error:
        _told("error", {**error.as_json(), "status": error.exit_status})


if __name__ == "__main__":
    _keep_output()
    asyncio.run(_child())
    os._exit(0)  # all is written, and who has stopped it waits: tearing down what was loaded takes its time
