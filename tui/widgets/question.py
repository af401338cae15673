"""The advisor's question: numbered options under the text, chosen from the composer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message as UIMessage
from textual.widgets import Static

from agent.events import CONFIRM
from tui.glyphs import glyphs
from tui.plaintext import clean
from tui.widgets.text import Fitted, FittedText, PlainText, hanging, styled

GRACE_SECONDS = 0.5
"""A key that was meant for something else must not answer a question that just appeared."""
SKIP_TEXT = "You decide"
RECOMMEND_TEXT = "Just recommend now"


class Choice(Static):
    """One row of the options."""

    def __init__(self, number: int, text: str, *, kind: str) -> None:
        super().__init__("", markup=False, classes=f"choice {kind}")
        self.number, self.text, self.kind = number, text, kind

    def draw(self, chosen: bool) -> None:
        """Show as chosen or not; the pointer says so without color."""
        signs = glyphs()
        mark = f"{signs.pointer} " if chosen else " " * (len(signs.pointer) + 1)
        key = f"{self.number} " if self.number else "  "
        lead = styled((mark, "bold $primary"), (key, "$accent"))
        self.update(Fitted(hanging([(lead, styled((self.text, "bold" if chosen else "")))])))
        self.set_class(chosen, "-chosen")


class QuestionMessage(Vertical):
    """A question with its reason; `pick` moves over the rows, `answer` says which was meant."""

    class Picked(UIMessage):
        """A row was clicked."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(
        self, slot: str, text: str, reason: str, options: Sequence[str], *, clarifies: bool = False
    ) -> None:
        super().__init__(classes="question")
        self.options = tuple(options)
        self.slot, self.text, self.reason = slot, clean(text), clean(reason)
        rows = [
            Choice(number, clean(option, one_line=True), kind="option")
            for number, option in enumerate(options, 1)
        ]
        rows.append(Choice(0, "Something else: type it below", kind="other"))
        if slot != CONFIRM:  # nobody but the person decides on what has an effect elsewhere
            rows.append(Choice(len(rows), SKIP_TEXT, kind="skip"))
        rows.append(Choice(len(rows), RECOMMEND_TEXT, kind="recommend"))
        self.rows = rows
        self.cursor = 0
        self.clarifies = clarifies
        self._shown_at = time.monotonic()

    def compose(self) -> ComposeResult:
        mark = "To be sure: " if self.clarifies else ""
        sign = styled((f"{glyphs().question} ", "bold $accent"))
        yield FittedText(hanging([(sign, styled((mark, "bold $accent"), (self.text, "bold")))]))
        if self.reason:
            yield PlainText(f"Why I ask: {self.reason}", classes="reason")
        with Vertical(classes="choices"):
            yield from self.rows
        yield PlainText("A number or the arrows, then Enter. Or type an answer.", classes="keys")

    def on_mount(self) -> None:
        self._shown_at = time.monotonic()
        self._draw()

    @property
    def ready(self) -> bool:
        """Whether the grace period is over."""
        return time.monotonic() - self._shown_at >= GRACE_SECONDS

    @property
    def chosen(self) -> Choice:
        """The row under the pointer."""
        return self.rows[self.cursor]

    def move(self, by: int) -> None:
        """Move the pointer, around the ends."""
        self.cursor = (self.cursor + by) % len(self.rows)
        self._draw()

    def follow(self, typed: str) -> None:
        """Point at the row that Enter would give for what stands in the composer."""
        typed = typed.strip()
        for index, row in enumerate(self.rows):
            if row.number and typed == str(row.number):
                self.cursor = index
                break
        else:
            other = next(index for index, row in enumerate(self.rows) if row.kind == "other")
            if typed:
                self.cursor = other
            elif self.cursor == other:
                self.cursor = 0
        self._draw()

    def names(self, typed: str) -> bool:
        """Whether the typed text is the number of a row."""
        return any(row.number and typed.strip() == str(row.number) for row in self.rows)

    def again(self) -> QuestionMessage:
        """The same question once more, to be answered: it was passed over and is still open."""
        # Without the reason, which stands above: the answer before it has to stay in view on a small screen.
        return QuestionMessage(self.slot, self.text, "", self.options, clarifies=self.clarifies)

    def settle(self) -> None:
        """The question is answered or over: the rows go, the text stays."""
        for part in self.query(".choices, .keys"):
            part.display = False
        self.add_class("-settled")

    def on_click(self, event: events.Click) -> None:
        if isinstance(event.widget, Choice) and not self.has_class("-settled"):
            self.cursor = self.rows.index(event.widget)
            self._draw()
            self.post_message(self.Picked(event.widget))

    def _draw(self) -> None:
        for index, row in enumerate(self.rows):
            row.draw(index == self.cursor)
