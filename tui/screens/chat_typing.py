"""The chat's composer: what waits, which command is begun, and the draft."""

from __future__ import annotations

from pathlib import Path

from textual import on, work
from textual.widgets import TextArea

from tui.actions import completions
from tui.drafts import keep_draft, take_draft
from tui.history import InputHistory
from tui.screens.chat_needs import NeedsActions
from tui.turns import Input, Turns
from tui.widgets.composer import Composer
from tui.widgets.empty_state import Example
from tui.widgets.status_line import StatusLine
from tui.widgets.waiting import Above, command_lines, waiting_lines

WAITING, COMMANDS = "waiting", "commands"
HOW_TO_GO_ON = "Type what the model is for, or press Ctrl+R to have a recommendation now"


class TypingActions(NeedsActions):
    """Everything about texts that are not sent yet."""

    _turns: Turns
    _history: InputHistory
    _drafts: Path | None = None
    session_name = _draft = ""
    _said = False
    """Something was said in this conversation, so that it will be there again."""

    def show_waiting(self) -> None:
        """List what waits for the running turn."""
        waiting = [given for given in self._turns.waiting if given.kind != "open"]
        self.query_one(StatusLine).queued(len(waiting))
        self.query_one(f"#{WAITING}", Above).show_lines(waiting_lines(waiting))
        self.query_one(Composer).has_waiting = bool(waiting)

    def give_back(self, inputs: list[Input]) -> None:
        """Put texts that were not answered back into the composer, before what is being typed."""
        texts = [given.text for given in inputs if given.kind == "say"]
        if self._draft.strip():
            texts.append(self._draft)
        self._draft = "\n".join(texts)
        for composer in self.query(Composer):  # gone where the program ends in mid-turn
            composer.put(self._draft)
            self.show_waiting()

    @on(Composer.TakeBack)
    def _take_back(self) -> None:
        """The text that was sent last, and waits, can be typed on."""
        waiting = self._turns.waiting
        if waiting and waiting[-1].kind != "open":
            self.give_back([waiting.pop()])

    @on(TextArea.Changed, "#composer")
    def _typed(self) -> None:
        text = self._draft = self.query_one(Composer).text
        if self.presenter.question is not None:
            self.presenter.question.follow(text)
        self.query_one(f"#{COMMANDS}", Above).show_lines(command_lines(completions(text)))

    @on(Composer.Complete)
    def _complete(self) -> None:
        composer = self.query_one(Composer)
        found = completions(composer.text)
        if found:
            composer.put(f"{found[0].typed} " if found[0].takes else found[0].typed)

    @on(Composer.Arrow)
    def _arrow(self, event: Composer.Arrow) -> None:
        if self.presenter.question is not None:
            self.presenter.question.move(event.by)

    @on(Example.Chosen)
    def _example(self, event: Example.Chosen) -> None:
        self.query_one(Composer).put(event.text)
        self.query_one(Composer).focus()

    @work(thread=True, exit_on_error=False)
    def load_history(self) -> None:
        """Read what was typed in earlier sittings."""
        self._history.load()

    @work(thread=True, exit_on_error=False)
    def save_history(self, text: str) -> None:
        """Keep what was sent."""
        self._history.save(text)

    def restore_draft(self, session: str, *, said: bool) -> None:
        """What was left unsent in this conversation, before what is being typed."""
        self.session_name = session
        self._said = said
        text = take_draft(self._drafts, session if said else "")
        if text:
            self.give_back([Input("say", text)])
            self.flash("What you had typed and not sent is back")

    def leave_draft(self) -> None:
        """Keep what is not sent or not answered for the next time; the conversation itself is saved."""
        running = [self._turns.running] if self._turns.running is not None else []
        unsent = [given.text for given in (*running, *self._turns.waiting) if given.kind == "say"]
        text = "\n".join([*unsent, self._draft]).strip("\n")
        said = self._said or any(turn.kind in ("say", "recommend", "change") for turn in self.record.turns)
        keep_draft(self._drafts, self.session_name if said else "", text)
