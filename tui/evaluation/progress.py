"""How an evaluation goes on, on stderr."""

from __future__ import annotations

import sys

from knowledge.progress_line import ProgressLine
from tools.evaluation.runner import Again, Began, Event, Paused, Step, Trouble
from tui.output import write_note
from tui.plaintext import clean, usd


class Progress:
    """A bar on a terminal, else a line where it begins and ends; troubles as they come."""

    def __init__(self) -> None:
        self._bar = ProgressLine("Evaluating", "runs")
        self._open = False
        self._told: set[str] = set()
        self._pause = ""

    def show(self, event: Event) -> None:
        """One event of the run."""
        if isinstance(event, Began):
            if event.done:
                self._say(f"{event.done:,} of {event.total:,} runs are there already.")
            if event.pending:
                self._bar(event.done, event.total)
                self._open = True
        elif isinstance(event, Step):
            mark = "passed" if event.graded.passed else "failed"
            spent = f" {usd(event.usd)}" if event.usd else ""
            key = event.graded.key
            self._bar(event.done, event.total, f"{key.scenario} {mark} ({clean(key.model)}){spent}")
            self._open = event.done < event.total
        elif isinstance(event, Paused):
            # Requests that were sent together are refused together.
            told = f"{clean(event.server)} takes no more requests for now; waiting {event.seconds:.0f} s."
            if told != self._pause:
                self._say(told)
            self._pause = told
        elif isinstance(event, Again):
            # Once: with many requests at once each would say the same.
            if event.error.message not in self._told:
                self._told.add(event.error.message)
                self._say(f"{clean(event.error.message)} It is tried again for a while.")
        elif isinstance(event, Trouble):
            self._say(self._trouble(event))

    def end(self) -> None:
        """Leaves the bar's line."""
        if self._open and sys.stderr.isatty():
            sys.stderr.write("\n")
        self._open = False

    def _trouble(self, event: Trouble) -> str:
        """What happened, with the next step where it was not told yet."""
        what = f"{event.model}, {event.scenario}" if event.scenario is not None else event.model
        hint = "" if event.error.hint in self._told else clean(event.error.hint)
        self._told.add(event.error.hint)
        return f"{clean(what)}: {clean(event.error.message)} {hint}".rstrip()

    def _say(self, text: str) -> None:
        self.end()
        write_note(text)
