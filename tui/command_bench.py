"""`bench`: measures a running model."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click

from knowledge.errors import AdvisorError
from knowledge.progress_line import ProgressLine
from tools.commands.bench import BenchQuery, measured, prepare, recalled
from tools.measuring.events import Began, Event, Working
from tools.measuring.run import Bench
from tui.bench_text import began_text, bench_lines, working_text
from tui.console import leave_on_signals
from tui.invocation import invocation
from tui.output import write_note
from tui.request_command import Face, request_command

HELP = """Measure a running model: time to first token, prompt and generation speed, memory.

MODEL is an Ollama tag (`llama3.1:8b`), a name at the server of --endpoint, or a LiteLLM model with its
provider (`openai/gpt-4.1-mini`). Each length of prompt and number of requests at once is measured several
times after a warm-up; medians are shown with their intervals, and the cold load apart. Every prompt is new to
the server, so that no prompt cache makes it faster than it is. Ctrl+C ends it and keeps what was measured.

The run is kept as this machine's calibration, which later answers use, unless --no-save is given.

NETWORK: asks the server at OLLAMA_HOST (by default this machine's port 11434), that of --endpoint, or the
provider of a LiteLLM model, which may cost money: what it costs at most is said first, and --max-cost stops
it before. --offline refuses. --list, --forget, and --compare without MODEL need no network.

Exit status 130 after Ctrl+C or SIGTERM, 3 where the server fails; the document has what was measured until
then.
"""
INTERRUPTED = "tui.command_bench.interrupted"
EXIT = {"interrupted": 130, "failed": 3}


class _Progress:
    """A bar on a terminal, else a line for each phase and for each tenth of the requests."""

    def __init__(self) -> None:
        self._bar = ProgressLine("Measuring", "requests")
        self._phase = ""
        self._total = 0
        self._tenth = 0
        self._open = False

    def show(self, event: Event) -> None:
        if isinstance(event, Began):
            write_note(began_text(event))
        elif isinstance(event, Working) and event.phase != "measure":
            if event.phase != self._phase:
                write_note(f"{working_text(event).capitalize()}.")
            self._phase = event.phase
        elif isinstance(event, Working):
            self._total, self._open = event.total, True
            self._bar(event.done, event.total, working_text(event))
            tenth = 10 * event.done // max(1, event.total)
            if tenth > self._tenth and not sys.stderr.isatty():
                write_note(f"{event.done}/{event.total} requests, {working_text(event)}")
            self._tenth = tenth
        elif self._open and event.stopped is None:
            self._bar(self._total, self._total)
            self._open = False

    def end(self) -> None:
        """Leaves the bar's line where it was broken off."""
        if self._open and sys.stderr.isatty():
            sys.stderr.write("\n")


async def _measure(bench: Bench, progress: _Progress) -> None:
    task = asyncio.current_task()
    assert task is not None
    leave_on_signals(lambda status: task.cancel())
    async for event in bench.events():
        progress.show(event)


def _bench(query: BenchQuery) -> dict[str, Any]:
    if (
        query.list
        or query.forget is not None
        or (query.compare and query.model is None and not query.endpoint)
    ):
        return recalled(query)
    ctx = click.get_current_context()
    if ctx.meta.get(INTERRUPTED):
        raise KeyboardInterrupt  # of --stdin: what comes after a Ctrl+C is not measured
    bench = prepare(query, offline=invocation(ctx).offline)
    progress = _Progress()
    failed: AdvisorError | None = None
    try:
        asyncio.run(_measure(bench, progress))
    except (KeyboardInterrupt, asyncio.CancelledError):
        ctx.meta[INTERRUPTED] = True
    except AdvisorError as error:
        failed = error
        if not bench.rounds:
            raise
    finally:
        progress.end()
    return measured(bench, query, failed)


def _status(document: dict[str, Any]) -> int:
    return EXIT.get(str(document.get("stopped")), 0)


command = request_command(
    Face(
        name="bench",
        request=BenchQuery,
        answer=_bench,
        show=bench_lines,
        help=HELP,
        positional="model",
        status=_status,
    )
)
