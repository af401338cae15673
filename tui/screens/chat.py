"""The conversation on the screen: what is where, and what the keys do."""

from __future__ import annotations

import importlib
import logging
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer
from textual.worker import Worker, WorkerError, WorkerState

from agent.events import Confirm, Event, Mode, Ready
from tui.actions import ACTIONS, Action, Condition, bare_action, bindings, typed_action, unknown_command
from tui.bridge import Bridge
from tui.glyphs import glyphs
from tui.history import InputHistory
from tui.plaintext import clean
from tui.presenter import Presenter
from tui.record import Record
from tui.screens.chat_model import Switched, model_turn
from tui.screens.chat_needs import Detect, IsHere
from tui.screens.chat_typing import COMMANDS, HOW_TO_GO_ON, WAITING, TypingActions
from tui.turns import Input, Turns, describe
from tui.widgets.composer import Composer
from tui.widgets.conversation import Conversation, NewBelow
from tui.widgets.empty_state import EmptyState
from tui.widgets.found import Found
from tui.widgets.hardware_line import HardwareLine
from tui.widgets.messages import UserMessage
from tui.widgets.needs_panel import NeedsPanel
from tui.widgets.question import Choice, QuestionMessage
from tui.widgets.recommendation import RecommendationBlock
from tui.widgets.status_line import StatusLine
from tui.widgets.waiting import Above

log = logging.getLogger("llm_advisor.tui")
GUIDED_IT_IS = "Guided mode it is: say what the model is for, then Enter"
NOT_NOW: dict[Condition, str] = {
    "running": "Nothing runs that could be stopped",
    "said": "Nothing was said yet",
    "answered": "There is no recommendation yet; Ctrl+R makes one",
    "branched": "You are not in a branch",
    "question": "No question is open",
    "simulated": "This machine is reckoned with already",
}


class ChatScreen(TypingActions):
    """The one main screen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    help_topic = "Typing"
    AUTO_FOCUS = "#composer"

    def __init__(
        self,
        bridge: Bridge,
        *,
        model: str,
        session: str | None,
        history_file: Path | None,
        detect: Detect | None,
        is_here: IsHere | None = None,
        drafts: Path | None = None,
        offline: bool = False,
        look_file: Path | None = None,
        first_run: bool = False,
    ) -> None:
        super().__init__(bridge)
        self._found = Found(None, offline=offline, short=True) if first_run else None
        self.offline, self.look_file = offline, look_file
        self._model, self._session = model, session
        self._history = InputHistory(history_file)
        self.detect, self._is_here = detect, is_here
        self._drafts = drafts
        self._turns = Turns(self, self._source)
        self.record = Record()
        self._worker: Worker[None] | None = None
        self._begun = False
        self.is_open = False
        """The session has answered."""
        self.session_name = session or ""

    def compose(self) -> ComposeResult:
        yield HardwareLine(model=self._model, session=self._session)
        with Horizontal(id="middle"):
            with Vertical(id="talk"):
                with Conversation():
                    yield EmptyState(self._found)
                yield NewBelow()
            yield NeedsPanel()
        yield Above(WAITING)
        yield StatusLine()
        yield Above(COMMANDS)
        yield Composer(self._history)
        yield Footer(show_command_palette=True, compact=True)

    def on_mount(self) -> None:
        self.set_class(glyphs().name == "ascii", "-ascii")
        self.query_one(NewBelow).display = False
        self.presenter = Presenter(
            self.query_one(Conversation),
            self.query_one(NeedsPanel),
            self.query_one(HardwareLine),
            self.query_one(StatusLine),
        )
        # The first frame is drawn before anything else is loaded.
        self.call_after_refresh(self._begin)

    def on_unmount(self) -> None:
        """What is not sent yet is there again the next time."""
        self.leave_draft()

    @property
    def can_stop(self) -> bool:
        """Whether a turn runs that Esc would stop."""
        return self._turns.running is not None

    @property
    def is_busy(self) -> bool:
        """Whether a turn runs or waits."""
        return self._turns.active or bool(self._turns.waiting)

    def _begin(self) -> None:
        if self.focused is None:  # in a tab of a browser that is not in front yet
            self.set_focus(self.query_one(Composer))
        self.bridge.start()
        self._begun = True
        self.load_history()
        self._load_markdown()
        self._turns.waiting.insert(0, Input("open"))  # before what was sent in the meantime
        self._go_on()

    @work(thread=True, exit_on_error=False)
    def _load_markdown(self) -> None:
        """Read what an answer is drawn with, before the first one comes."""
        importlib.import_module("tui.widgets.flowing")

    def _source(self, given: Input) -> AsyncGenerator[Event, None]:
        bridge = self.bridge
        if given.kind == "say":
            return bridge.say(given.text)
        if given.kind == "branch":
            return bridge.branch(given.text)
        if given.kind == "change":
            return bridge.change(given.slot, given.text)
        if given.on_model:
            return bridge.on_model(model_turn(given))
        ways = {
            "open": bridge.open,
            "recommend": bridge.recommend,
            "undo": bridge.undo,
            "return": bridge.leave,
        }
        return ways[given.kind]()

    def submit(self, given: Input) -> None:
        """Run it, or let it wait for the turn that runs."""
        self._turns.waiting.append(given)
        if not self._begun or self._turns.active:
            self.show_waiting()
            return
        if not self.is_open:
            self._turns.waiting.insert(0, Input("open"))  # opening failed before: try again first
        self._go_on()

    @work(exit_on_error=False, group="turns")
    async def _run_turns(self) -> None:
        try:
            await self._turns.run()
        finally:
            if self._turns.waiting:  # came in while a stopped turn was cleaned up
                self.call_later(self._go_on)

    def _go_on(self) -> None:
        if self._turns.waiting and not self._turns.active:
            self._turns.active = True  # from now on, also before the worker has begun
            self._worker = self._run_turns()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Nothing that runs beside the keys fails in silence, and nothing of it ends the program."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and isinstance(error, Exception):
            log.error("%s failed", event.worker.name, exc_info=error)
            self.flash(f"{describe(error).message} Ctrl+L shows the log.", "error")

    async def turn_began(self, given: Input) -> None:
        """A turn starts."""
        self.show_waiting()
        self.record.begin(given)
        await self.presenter.begin(given)
        self._sync_question()
        self.refresh_bindings()

    async def turn_event(self, event: Event) -> None:
        """Something happened in it."""
        if event.type == "ready" and not self.is_open:
            self.is_open = True
            if self._found is not None and self._found.is_attached:
                self._found.look()
            if self.detect is not None:
                self.detect_machine(self.detect)
        if isinstance(event, Mode):
            self.post_message(Switched(event.model or "guided"))
        if isinstance(event, Ready):
            self.session_name = event.session
        self.record.note(event)
        await self.presenter.show(event)
        self._sync_question()
        self.compare_machine()
        if isinstance(event, Confirm):
            self.confirm_pull(event)

    async def turn_ended(self, given: Input, *, failed: bool, stopped: bool) -> None:
        """It is over."""
        await self.presenter.end(stopped=stopped, failed=failed)
        if given.kind == "open" and not failed and not stopped:
            history = await self.bridge.history()
            self.record.before(history)
            await self.presenter.resume(history)
            self.restore_draft(self.session_name, said=bool(history))
        if given.travels:
            arrived = not (failed or stopped or self.presenter.refused)
            await (self.presenter.arrive(await self.bridge.history()) if arrived else self.presenter.stay())
            self._sync_question()
        elif (failed or stopped) and given.kind not in ("recommend", "change"):
            self.give_back([given, *self._turns.take_back()])
        self._sync_question()
        self.refresh_bindings()

    async def put_away(self) -> None:
        """Stop what runs and keep what was typed: another conversation takes this place."""
        waiting = self._turns.take_back()
        if self._worker is not None and self._turns.active:
            self._worker.cancel()
            with suppress(WorkerError):
                await self._worker.wait()
        self.give_back(waiting)  # kept as the draft of this conversation

    def _sync_question(self) -> None:
        self.query_one(Composer).ask(self.presenter.question is not None, self.stands("answered"))

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        text = event.text.strip()
        question = self.presenter.question
        if question is not None and self._turns.running is None and (not text or question.names(text)):
            if question.ready:
                self._answer(question.chosen)
            return
        if not text:
            first = self._found is not None and self._found.is_attached
            self.flash(GUIDED_IT_IS if first else HOW_TO_GO_ON)
            return
        named = typed_action(text)
        if named is None and not self.stands("question") and (bare := bare_action(text)) is not None:
            named = bare, ""
        if named is not None:
            self._history.add(text)
            self.query_one(Composer).clear_sent()
            # `/quit` ends before the composer tells of its change.
            self._draft = self.query_one(Composer).text
            self._do(*named)
        elif text.startswith("/"):
            self.flash(unknown_command(text), "warning")
            self.query_one(Composer).select_all()  # what is typed next takes its place; arrows correct it
        else:
            self._say(text)

    def _do(self, action: Action, argument: str) -> None:
        """A typed command."""
        if not self.stands(action.when):
            self.flash(NOT_NOW[action.when], "warning")
        elif action.name == "leave":
            self.app.exit()  # typed in full, it is meant
        elif argument:
            getattr(self, f"action_{action.name}")(argument)
        else:
            self.call_later(self.run_action, action.name)

    async def action_offer(self, name: str) -> None:
        """A key whose action is not always possible; where it is not, it is said why."""
        when = next(one.when for one in ACTIONS if one.name == name)
        if self.stands(when):
            await self.run_action(name)
        else:
            self.flash(NOT_NOW[when], "warning")

    def stands(self, condition: Condition) -> bool:
        """Whether the conversation is as an action needs it."""
        if condition == "running":
            return self.can_stop
        if condition == "said":
            return bool(self.query(UserMessage))
        if condition == "answered":
            return bool(self.query(RecommendationBlock))
        if condition == "branched":
            return bool(self.presenter.branch)
        if condition == "simulated":
            return self.query_one(HardwareLine).simulated
        return self.presenter.question is not None if condition == "question" else True

    @on(QuestionMessage.Picked)
    def _picked(self, event: QuestionMessage.Picked) -> None:
        self._answer(event.choice)

    def _answer(self, choice: Choice) -> None:
        composer = self.query_one(Composer)
        if choice.kind == "other":
            composer.focus()
        elif choice.kind == "recommend":
            composer.clear_sent()
            self.submit(Input("recommend"))
        else:
            self._say(choice.text)

    def _say(self, text: str) -> None:
        self._history.add(text)
        self.save_history(text)
        self.query_one(Composer).clear_sent()
        self.submit(Input("say", text))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key is live only while what it does is possible."""
        if action in ("stop", "send"):
            return self.stands("running") == (action == "stop")
        return True

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted anywhere goes to the composer."""
        composer = self.query_one(Composer)
        if self.focused is not composer:
            self.set_focus(composer)
            composer.insert(clean(event.text))
            event.stop()

    def on_key(self, event: events.Key) -> None:
        """Typing anywhere goes to the composer, unless the key means something where the focus is.

        What the composer gets itself does not come here; keys that were on their way to another widget when
        the first of them moved the focus do.
        """
        composer = self.query_one(Composer)
        if event.is_printable and event.character:
            if event.key in self.active_bindings:
                return
            self.set_focus(composer)  # at once; `focus()` would let the next key go astray
            composer.insert(event.character)
            event.stop()
        elif event.key == "enter" and self.focused in (None, composer):  # None before the first focus
            self.set_focus(composer)
            composer.action_send()
            event.stop()

    def action_send(self) -> None:
        """Send what is typed, where the footer is clicked."""
        self.query_one(Composer).action_send()

    def action_stop(self) -> None:
        """Stop the running turn; what came stays, what was typed comes back."""
        if self._worker is not None and self._turns.running is not None:
            self._worker.cancel()

    def interrupt(self) -> bool:
        """Ctrl+C: stop what runs.

        Returns:
            Whether anything did.
        """
        if self._turns.running is None or self._turns.running.kind == "open":
            return False
        self.action_stop()
        return True

    async def action_leave(self) -> None:
        """Quit when asked twice."""
        await self.app.run_action("leave")
