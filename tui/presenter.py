"""Puts the events of a turn on the screen: which widget each becomes, and what the status line says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from textual.widget import Widget

from agent.events import (
    Branch,
    Cost,
    Delta,
    Event,
    Failure,
    Message,
    Mode,
    NeedsChanged,
    Progress,
    Question,
    Ready,
    Recommendation,
    Status,
    ToolCall,
)
from tui.age_text import age_notes
from tui.model_commands import cost_words, mode_words, progress_words
from tui.needs_view import hardware_words, said_machine
from tui.plaintext import words
from tui.turns import Input
from tui.widgets.conversation import Conversation
from tui.widgets.hardware_line import HardwareLine
from tui.widgets.messages import AdvisorMessage, FailureMessage, Notice, UserMessage, WordedAnswer, tool_line
from tui.widgets.needs_panel import NeedsPanel
from tui.widgets.question import RECOMMEND_TEXT, QuestionMessage
from tui.widgets.recommendation import RecommendationBlock
from tui.widgets.status_line import StatusLine

FIRST_STEP = {
    "open": "getting ready",
    "say": "reading what you said",
    "recommend": "comparing models",
    "change": "changing the need",
    "undo": "taking back",
    "branch": "going aside",
    "return": "going back",
    "model": "looking for the model",
    "pull": "asking Ollama",
    "cost": "counting",
}
STOPPED = {
    "bench": "stopped; what was measured is kept, and the next recommendation counts it",
    "evaluate": "stopped; finished scenarios are kept, and the next evaluation goes on from there",
}
"""What is said of a turn that was stopped, where it leaves something."""


class Presenter:
    """Shows turns; `question` is the one that is open, if any."""

    def __init__(
        self, conversation: Conversation, needs: NeedsPanel, top: HardwareLine, status: StatusLine
    ) -> None:
        self._conversation = conversation
        self._needs = needs
        self._top = top
        self._status = status
        self._writing: AdvisorMessage | None = None
        self._opening = self._travels = False
        self._recommended: RecommendationBlock | None = None
        """The recommendation of the running turn."""
        self._then: list[Event] = []
        """What a resumed session says after the earlier messages."""
        self.question: QuestionMessage | None = None
        self._passed: QuestionMessage | None = None
        """The question that was open when the running turn began."""
        self._stays_open = False
        self._changing: Input | None = None
        """The change of a need that runs and was not taken yet."""
        self.said_machine = ""
        """The machine that the person named; empty where it is this one or none."""
        self.mode = self.branch = ""
        self.branches: list[str] = []
        self.refused = False
        """The way to another point of the conversation could not be gone."""
        self._handlers: dict[type[Event], Callable[[Any], Awaitable[None]]] = {
            Ready: self._ready,
            NeedsChanged: self._needs_changed,
            Status: self._step,
            ToolCall: self._tool,
            Branch: self._branch,
            Delta: self._delta,
            Message: self._message,
            Question: self._question,
            Recommendation: self._recommendation,
            Failure: self._failure,
            Mode: self._switched,
            Progress: self._progress,
            Cost: self._cost,
        }
        self._answered: Widget | None = None
        """What the running turn answered in one piece, without a stream that was read along."""
        self._failed: FailureMessage | None = None
        """What went wrong last in the running turn, which may have gone on and answered."""
        self._runs = ""
        """What the running turn tells progress of."""
        self._finished = False
        """Something of it is finished, and kept."""
        self._asked = False
        """The running turn is the question what the conversation cost."""

    async def begin(self, given: Input) -> None:
        """Show what was asked for, and a sign of life."""
        self._opening = given.kind == "open"
        self._travels, self.refused = given.travels, False
        self._recommended = self._answered = self._failed = None
        self._runs, self._finished = "", False
        self._status.begin(FIRST_STEP[given.kind])
        self._asked = given.kind == "cost"
        self._passed, self._stays_open = self.question, False
        self._changing = given if given.kind == "change" else None
        if given.kind in ("say", "recommend"):
            self.settle_question()
            self._conversation.follow()
            await self._conversation.add(UserMessage(given.text or RECOMMEND_TEXT))

    async def show(self, event: Event) -> None:
        """Show one event; kinds without a place on the screen are passed over."""
        if (self._opening and isinstance(event, Question | Recommendation)) or (
            self._travels and isinstance(event, Question | Recommendation | Message)
        ):
            self._then.append(event)
            return
        handler = self._handlers.get(type(event))
        if handler is not None:
            await handler(event)

    async def _reopen(self, *, unanswered: bool) -> None:
        """A question that was passed over and is open still stands at the end again, with its options."""
        passed, self._passed = self._passed, None
        if passed is None or not (self._stays_open or (unanswered and self.question is None)):
            return
        if self.question is passed:
            passed.settle()
        if self.question in (None, passed):
            self.question = passed.again()
            await self._conversation.add(self.question)

    async def end(self, *, stopped: bool, failed: bool = False) -> None:
        """The turn is over, also where it was cut off."""
        self._status.end()
        if self._changing is not None and stopped:
            self._told_in_field("It was stopped and not changed.")
        writing, self._writing = self._writing, None
        if writing is not None:
            await (writing.stop() if stopped else writing.finish())
        elif stopped and not self._opening and not self._travels:
            kept = self._runs if self._finished else ""
            await self._conversation.add(
                Notice(
                    STOPPED.get(kept, "stopped; nothing was finished" if self._runs in STOPPED else "stopped")
                )
            )
        await self._reopen(unanswered=stopped or failed)
        first = self._answered or self.question
        # What was measured comes before the recommendation that counts it.
        before = self._recommended is None or (self._runs and first is self._answered)
        if first is not None and before and (self._runs or self._conversation.follows):
            self._conversation.show_from(first)
        if self._failed is not None:
            self._conversation.call_after_refresh(self._point_out, self._failed)

    def _point_out(self, failed: FailureMessage) -> None:
        """What went wrong is read also where the answer that came all the same took it out of view."""
        if not self._conversation.in_view(failed):
            self._status.flash(f"Problem: {failed.message}", "error", stays=True)

    async def resume(self, history: list[dict[str, Any]]) -> None:
        """Show what was said in an earlier sitting, with its sources; an open question is asked again."""
        asked = next((event.text for event in self._then if isinstance(event, Question)), None)
        if asked is not None and history and history[-1]["text"].endswith(asked):
            # The question itself stands below, to be answered.
            last = {**history[-1], "text": history[-1]["text"].removesuffix(asked).rstrip()}
            history = [*history[:-1], last] if last["text"] else history[:-1]
        await self._conversation.resume([partial(_said, entry) for entry in history])
        await self._show_rest()

    async def arrive(self, history: list[dict[str, Any]]) -> None:
        """Show the conversation from another point on: what was said up to there, then how it stands."""
        self.settle_question()
        await self._conversation.clear()
        self._conversation.follow()
        await self.resume(history)

    async def stay(self) -> None:
        """The way to another point failed: nothing is shown anew."""
        self._then = []
        await self._show_rest()

    async def _show_rest(self) -> None:
        travels, self._travels, self._opening = self._travels, False, False
        last, self._then = self._then, []
        for event in last:
            if travels and isinstance(event, Message):
                await self._conversation.add(Notice(event.text))
                self._status.flash(event.text.split("\n", 1)[0])  # a recommendation below hides the notice
            else:
                await self.show(event)

    def settle_question(self) -> None:
        """The open question is answered or passed over."""
        if self.question is not None:
            self.question.settle()
            self.question = None

    async def _ready(self, event: Ready) -> None:
        self.mode = event.mode
        self._top.ready(event.mode, event.model, event.session)
        if event.note:
            await self._conversation.add(Notice(event.note))

    async def _switched(self, event: Mode) -> None:
        self.mode = event.mode
        self._top.ready(event.mode, event.model, None)
        await self._conversation.add(Notice(mode_words(event)))

    async def _progress(self, event: Progress) -> None:
        self._runs = event.action
        self._finished = self._finished or bool(event.done)
        self._status.step(progress_words(event, bar=True))

    async def _cost(self, event: Cost) -> None:
        self._status.cost(cost_words(event))
        if self._asked:
            await self._conversation.add(Notice(f"Cost so far: {cost_words(event)}."))

    async def _needs_changed(self, event: NeedsChanged) -> None:
        if self._changing is not None:
            changed, self._changing = self._changing, None
            await self._conversation.add(UserMessage(changed.words))
            await self._needs.close_editor()
        await self._needs.show(event.needs, event.assumptions)
        self.said_machine = said_machine(event.needs)
        self._top.hardware(*hardware_words(event.needs, event.assumptions))

    async def _branch(self, event: Branch) -> None:
        self.branch, self.branches = event.name, event.branches
        self._top.branch(event.name)

    async def _step(self, event: Status) -> None:
        self._status.step(event.text)

    async def _tool(self, event: ToolCall) -> None:
        self._status.step(f"{words(event.name)} done")
        await self._conversation.add(tool_line(event.name, event.arguments, event.result, event.seconds))

    async def _delta(self, event: Delta) -> None:
        if self._writing is None:
            self._writing = AdvisorMessage()
            await self._conversation.add(self._writing)
            self._status.step("writing")
        await self._writing.write(event.text)
        self._conversation.grew()

    async def _message(self, event: Message) -> None:
        if self._opening:
            return  # it is part of the history
        writing, self._writing = self._writing, None
        text = "\n\n".join([self._without_reminder(event), *age_notes(event.facts)])
        if writing is not None:
            await writing.finish(text, event.citations)
            self._conversation.grew()
        elif self._recommended is not None:
            await self._worded(text, event)
        else:
            self._answered = AdvisorMessage(text, event.citations)
            await self._conversation.add(self._answered)

    async def _worded(self, text: str, event: Message) -> None:
        """The words over a recommendation. What it proposes waits for an answer, and is never folded away."""
        block = self._recommended
        assert block is not None
        text = text.removesuffix(event.proposal).rstrip()
        block.told(text)
        below: Widget = block
        if event.proposal:
            below = AdvisorMessage(event.proposal)
            await self._conversation.add(below, show_top=True, before=block)
        await self._conversation.add(WordedAnswer(text, event.citations), show_top=True, before=below)

    def _without_reminder(self, event: Message) -> str:
        """The text; where the question that it reminds of is put again below, without the reminder."""
        passed = self._passed
        if passed is None or event.open_slot != passed.slot:
            return event.text
        self._stays_open = True
        return event.text.removesuffix(passed.text).rstrip().removesuffix("Still open:").rstrip()

    def _told_in_field(self, text: str) -> bool:
        """Tells of a change under its field; False where it was asked for in another way."""
        editor, changing = self._needs.editor, self._changing
        if editor is None or changing is None or editor.slot != changing.slot:
            return False
        self._changing = None
        editor.tell(text)
        return True

    async def _question(self, event: Question) -> None:
        self.settle_question()
        self.question = QuestionMessage(
            event.slot, event.text, event.reason, event.options, clarifies=event.clarifies
        )
        await self._conversation.add(self.question)

    async def _recommendation(self, event: Recommendation) -> None:
        self.settle_question()
        self._recommended = RecommendationBlock(event.recommendation, changed=event.changed)
        await self._conversation.add(self._recommended, show_top=True)

    async def _failure(self, event: Failure) -> None:
        self.refused = self._travels
        if self._told_in_field(f"{event.message} {event.hint}".strip()):
            return
        self._failed = FailureMessage(event.message, event.hint, event.code)
        await self._conversation.add(self._failed)


def _said(entry: dict[str, Any]) -> Widget:
    """A message of an earlier sitting."""
    text = entry.get("text", "")
    if entry.get("role") == "user":
        return UserMessage(text)
    return AdvisorMessage(text, entry.get("citations", []))
