"""`chat --plain`: the conversation as lines of text, without a screen; works without a terminal as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from agent.events import (
    Branch,
    Confirm,
    Cost,
    Event,
    Failure,
    Message,
    Mode,
    Progress,
    Question,
    Ready,
    Recommendation,
    ToolCall,
)
from agent.protocol import Session, SessionFactory
from knowledge.errors import AdvisorError
from tui.actions import ACTIONS
from tui.age_text import age_lines, age_notes
from tui.answer import read_answer
from tui.claims import Source, SourceList
from tui.error_log import note_error
from tui.event_stream import each
from tui.export.files import export_named
from tui.guides.showing import passage_lines
from tui.markdown_lines import plain_lines
from tui.model_commands import HELP as MODEL_HELP
from tui.model_commands import cost_turn, cost_words, mode_words, progress_words, typed
from tui.output import wrapped, write_error, write_lines, write_note
from tui.plain_input import line_reader
from tui.recommendation_text import command_lines, option_lines, recommendation_lines

COMMANDS = (
    *("/recommend", "/option", "/source", "/change", "/undo", "/branch", "/return"),
    *("/export", "/bench", "/model", "/pull", "/cost", "/help", "/quit"),
)
ADVISOR = "Advisor: "
HELP = (
    "Say what you need in your own words. /recommend answers now, /option N tells about one option, "
    "/source N opens a source of the last answer, /change NEED VALUE changes one need, /undo takes "
    "the last answer back, /branch NAME goes aside for a what-if, /return comes back, "
    "/export [FILE] writes the conversation (.md, .json or .html), "
    "/bench measures what was recommended on this machine, "
    f"{MODEL_HELP}, /help shows this, /quit ends."
)
YES = ("y", "yes")
NO = ("n", "no")
STEPS = 10
"""Lines in which progress is told."""
STOPPED = {
    "pull": "Stopped. What came is kept: /pull goes on from there.",
    "bench": "Stopped. What was measured is kept and counts; /recommend answers with it.",
    "evaluate": "Stopped. Finished scenarios are kept; the next evaluation goes on from there.",
}


class Repl:
    """Reads lines, shows events."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._options: list[str] = []
        self._branches = ""
        self._sources: Sequence[Source] = ()
        """Those of the last answer."""
        self._decision: Mapping[str, Any] = {}
        """The last recommendation."""
        self._untold = False
        """It was not told yet."""
        self._to_pull: str | None = None
        """What is pulled at the next yes."""
        self._told = ""
        """The last line on a download."""
        self._kept = False
        """Something that runs has finished in part."""
        self.stoppable = ""
        """What runs that can be stopped without ending the conversation: `pull`, `bench` or `evaluate`."""

    def opening(self) -> AsyncIterator[Event]:
        """What the session says at once."""
        return self._session.open()

    def turn(self, line: str) -> AsyncIterator[Event] | None:
        """The events that a line asks for; None where it was answered here."""
        text = line.strip()
        self.stoppable, self._told, self._kept = "", "", False
        to_pull, self._to_pull = self._to_pull, None
        if to_pull is not None and text.lower() in (*YES, *NO):
            return self._pull(to_pull, text.lower() in YES)
        if (command := typed(text)) is not None:
            return self._on_model(*command)
        if text.startswith("/"):
            return self._command(*text.split(maxsplit=1))
        return self._session.say(self._chosen(text))

    def _pull(self, name: str, wanted: bool) -> AsyncIterator[Event] | None:
        if not wanted:
            _advisor("Nothing is downloaded.")
            return None
        self.stoppable = "pull"
        return self._session.models.pull(name, confirmed=True)

    def _on_model(self, command: str, name: str) -> AsyncIterator[Event] | None:
        """The turn of `/model`, `/pull` or `/cost`."""
        if command == "cost":
            return cost_turn(self._session.models)
        if not name:
            _advisor(f"/{command} takes a name. {MODEL_HELP}.")
            return None
        return self._session.models.switch(name) if command == "model" else self._session.models.pull(name)

    def stopped(self) -> None:
        """Says that a download or a measurement was stopped."""
        kept = self._kept or self.stoppable == "pull"
        _advisor(STOPPED[self.stoppable] if kept else "Stopped. Nothing was finished.")
        self.stoppable = ""

    def _command(self, command: str, argument: str = "") -> AsyncIterator[Event] | None:
        turns = {
            "/recommend": self._session.recommend,
            "/undo": self._session.undo,
            "/return": self._session.leave,
            "/bench": self._measure,
        }
        if command in turns and not argument:
            return turns[command]()
        if command == "/branch" and argument:
            return self._session.branch(argument)
        if command == "/change":
            return self._change(*argument.split(maxsplit=1))
        if command == "/export":
            return self._export(argument.strip())
        if command == "/source":
            self._open(argument.strip())
        elif command == "/option":
            self._option(argument.strip())
        elif command == "/help":
            _advisor(HELP)
        elif command == "/branch":
            _advisor(f"{self._branches} Give a branch a name: /branch bigger-card.".strip())
        elif command in turns:
            _advisor(f"{command} stands alone. {HELP}")
        else:
            _advisor(_no_command(command))
        return None

    def _measure(self) -> AsyncIterator[Event]:
        """Measures what was recommended; what it takes is told before."""
        return self._session.say("measure")

    def _change(self, slot: str = "", text: str = "") -> AsyncIterator[Event] | None:
        """Changes one need; without a value it is taken back."""
        if slot:
            return self._session.change(slot, text)
        _advisor("/change takes a need and its value: /change context 64k. Without a value it is taken back.")
        return None

    async def _export(self, argument: str) -> AsyncIterator[Event]:
        """Writes the conversation: into the file that is named, or a new one of the format that is named."""
        path = await asyncio.to_thread(export_named, await self._session.transcript(), argument)
        yield Message(f"The conversation is written to `{path}`.")

    def _open(self, number: str) -> None:
        """Shows one source of the last answer: the passage of a guide, or what kind of fact it is."""
        known = {str(source.number): source for source in self._sources}
        source = known.get(number.strip("[]"))
        if source is None:
            numbers = f"1 to {len(known)}" if len(known) > 1 else "1"
            asked = f"/source takes a number: {numbers}." if known else "The last answer has no sources."
            _advisor(asked)
            return
        passage = None
        if source.kind == "guide" and source.locator:
            passage = self._session.passage(source.locator, source.quote)
        if passage is None:
            places = dict.fromkeys(text for text in (source.source, source.locator) if text)
            write_lines(wrapped(f"[{source.number}] {source.kind}: {'; '.join(places)}"))
        else:
            write_lines(passage_lines(passage))

    def _chosen(self, text: str) -> str:
        """The option that a bare number picks, or the text itself."""
        if text in self._options or not text.isascii() or not text.isdigit() or len(text) > 3:
            return text
        number = int(text)
        return self._options[number - 1] if 1 <= number <= len(self._options) else text

    async def show(self, events: AsyncIterator[Event]) -> None:
        """Shows the events of a turn; an error ends the turn and not the conversation."""
        self._options = []
        try:
            await each(events, self._show)
            self._tell_decision()
        except AdvisorError as error:
            write_error(error.as_json())
        except BrokenPipeError:
            raise  # nobody reads any more
        except Exception as error:
            note_error(error)
            write_error(
                {
                    "message": f"Something went wrong inside the advisor ({type(error).__name__}).",
                    "hint": "The conversation is kept; say it again in other words.",
                }
            )

    def _show(self, event: Event) -> None:
        """One event; signs of life and partial texts are for screens that can take them back."""
        if isinstance(event, Message):
            self._message(event)
        elif isinstance(event, Question):
            self._question(event)
        elif isinstance(event, Recommendation):
            self._recommended(event.recommendation)
        elif isinstance(event, Failure):
            write_error({"message": event.message, "hint": event.hint})
        elif isinstance(event, ToolCall):
            write_note(f"({event.name}, {event.seconds:.1f} s)")
        elif isinstance(event, Branch):
            self._branches = f"Branches: {', '.join(event.branches)}." if event.branches else ""
        elif isinstance(event, Ready):
            write_note(f"Session {event.session}, {event.mode} mode. {HELP}")
            if event.note:
                write_note(event.note)
        else:
            self._show_model(event)

    def _message(self, event: Message) -> None:
        """A message; what it proposes comes last, next to where it is answered."""
        _advisor(event.text.removesuffix(event.proposal).rstrip())
        self._list_sources(event.citations)
        for note in age_notes(event.facts):
            write_lines(["", *wrapped(note)])
        if self._untold:  # it was told in words just now
            self._untold = False
            told = [*command_lines(self._decision), *self._other_options()]
            write_lines([*told, *age_lines(self._decision)])
        if event.proposal:
            write_lines([""])
            _advisor(event.proposal)

    def _recommended(self, decision: Mapping[str, Any]) -> None:
        """A decision; it is told at the end of the turn unless a message words it."""
        self._decision, self._untold = decision, True
        if not decision.get("candidates"):
            self._tell_decision()

    def _tell_decision(self) -> None:
        if not self._untold:
            return
        self._untold = False
        _advisor("This is what I recommend." if self._decision.get("candidates") else "Nothing fits.")
        self._sources = read_answer(self._decision).sources
        write_lines([*recommendation_lines(self._decision, tables=False), *self._other_options()])
        if "error" in self._decision:
            write_error(self._decision["error"])

    def _other_options(self) -> list[str]:
        count = len(self._decision.get("candidates") or ())
        told = f"/option 1 to /option {count} tell about one option, with its sources."
        return ["", *wrapped(told)] if count > 1 else []

    def _option(self, number: str) -> None:
        """The details of one option of the last recommendation."""
        count = len(self._decision.get("candidates") or ())
        rank = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
        lines, sources = option_lines(self._decision, rank)
        if lines:
            self._sources = sources
            write_lines(lines)
        elif count:
            _advisor(f"/option takes a number from 1 to {count}.")
        else:
            _advisor("There is no recommendation yet. /recommend makes one.")

    def _show_model(self, event: Event) -> None:
        """Events on the model behind the conversation."""
        if isinstance(event, Mode):
            _advisor(mode_words(event))
        elif isinstance(event, Confirm):
            self._to_pull = event.model
            _advisor(f"{event.text} (yes or no)")
        elif isinstance(event, Cost):
            write_note(f"Cost so far: {cost_words(event)}.")
        elif isinstance(event, Progress):
            self.stoppable, self._kept = event.action, self._kept or bool(event.done)
            # A line for each tenth: a bar is noise to a screen reader.
            told = f"{event.model} {event.step} {int((event.share or 0.0) * STEPS)}"
            if told != self._told:
                self._told = told
                write_note(progress_words(event, bar=False))

    async def close(self) -> None:
        """Lets go of the session."""
        await self._session.close()

    def _list_sources(self, citations: Sequence[Mapping[str, Any]]) -> None:
        numbered = SourceList()
        for citation in citations:
            numbered.add(citation)
        self._sources = numbered.all()
        for source in self._sources:
            if source.locator or source.source:
                text = source.locator or source.source
                write_lines(wrapped(text, indent="      ", first=f"  [{source.number}] "))

    def _question(self, question: Question) -> None:
        _advisor(question.text)
        write_lines(wrapped(f"Why I ask: {question.reason}", "  ", "  ") if question.reason else [])
        self._options = list(question.options)
        write_lines(
            line
            for number, option in enumerate(question.options, 1)
            for line in wrapped(option, "     ", f"  {number}. ")
        )


def _advisor(text: str) -> None:
    lines = plain_lines(text)
    write_lines([ADVISOR + (lines[0] if lines else ""), *lines[1:]])


def _hold(runner: asyncio.Runner, repl: Repl, turn: AsyncIterator[Event]) -> None:
    """One turn; Ctrl+C stops a download or a measurement, and ends the conversation anywhere else."""
    try:
        runner.run(repl.show(turn))
    except KeyboardInterrupt:
        if not repl.stoppable:
            raise
        repl.stopped()


def run(open_session: SessionFactory) -> int:
    """Holds the conversation until /quit or the end of the input.

    Raises:
        AdvisorError: The session cannot be opened.
        KeyboardInterrupt: Ctrl+C; what was said is saved.
    """

    async def opened() -> Repl:
        return Repl(await open_session())

    read = line_reader()
    # One loop for all turns; between them the terminal's own line editing has the thread.
    with asyncio.Runner() as runner:
        repl = runner.run(opened())
        try:
            runner.run(repl.show(repl.opening()))
            while (line := read()) is not None and line.strip() not in ("/quit", "/exit"):
                turn = repl.turn(line)
                if turn is not None:
                    _hold(runner, repl, turn)
        finally:
            runner.run(repl.close())
    return 0


def _no_command(command: str) -> str:
    """What to say of a command that plain chat does not have."""
    named = command[:40]
    if any(named.lower() in (one.typed, *one.others) for one in ACTIONS):
        return f"{named} opens a screen, and plain chat has none. /help lists what can be typed here."
    near = get_close_matches(named.lower(), COMMANDS, 1, 0.5)
    return f"There is no command {named}.{f' Did you mean {near[0]}?' if near else ''} /help lists them all."
