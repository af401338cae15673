"""Where the person types. Enter sends, Ctrl+J adds a line, Up and Down at the edges walk what was typed."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message as UIMessage
from textual.widgets import TextArea

from tui.actions import completions
from tui.history import InputHistory
from tui.plaintext import clean

PLACEHOLDER = "Say what it is for and where it should run"
NEXT_PLACEHOLDER = "Ask why or what if, compare two, or say what changes"
ANSWER_PLACEHOLDER = "A number, or an answer in your own words"


class Composer(TextArea):
    """A text area that sends."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # For the footer, where no answer runs; the key itself comes to `_on_key`.
        Binding("enter", "screen.send", "Send", key_display="Enter"),
        Binding("ctrl+j,shift+enter", "newline", "New line", show=False),
        Binding("ctrl+d", "end_or_delete", "Quit", show=False, priority=True),
        # Shown in the footer while one types; they work everywhere.
        Binding("ctrl+r", "screen.recommend", "Recommend now"),
        Binding("f2", "screen.needs", "Needs"),
        # The text area would take them for a text that is a few lines long at most.
        Binding("pageup", "screen.page(-1)", show=False),
        Binding("pagedown", "screen.page(1)", show=False),
    ]

    class Sent(UIMessage):
        """Enter was pressed; the text may be empty."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Arrow(UIMessage):
        """Up or Down in an empty composer, while a question is open."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class TakeBack(UIMessage):
        """Up in an empty composer, while something waits for the running answer."""

    class Complete(UIMessage):
        """Tab behind the beginning of a command."""

    def __init__(self, history: InputHistory) -> None:
        super().__init__(
            id="composer",
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            compact=True,
            placeholder=PLACEHOLDER,
        )
        self.typed_before = history
        self._question = False
        self.has_waiting = False
        """Something sent waits for the running answer."""
        self._walked: str | None = None
        self._handed = ""
        self.typed_at = float("-inf")
        """Seconds of the monotonic clock at the last key."""

    @property
    def help_topic(self) -> str:
        """The section of the help on what is typed now."""
        return "Questions" if self._question else "Typing"

    def ask(self, question: bool, answered: bool) -> None:
        """What is to be typed next.

        Args:
            question: One is open: arrows in an empty composer then move over its options.
            answered: A recommendation stands there to be asked about.
        """
        self._question = question
        wanted = ANSWER_PLACEHOLDER if question else NEXT_PLACEHOLDER if answered else PLACEHOLDER
        if self.placeholder != wanted:
            self.placeholder = wanted

    def action_send(self) -> None:
        """Hand the text over; whoever takes it calls `clear_sent`."""
        self._handed = self.text
        self.post_message(self.Sent(self.text))

    async def action_end_or_delete(self) -> None:
        """Ctrl+D as in a shell: the end where nothing is typed, else the sign under the cursor goes."""
        if self.text:
            self.action_delete_right()
        else:
            await self.app.run_action("leave")

    def clear_sent(self) -> None:
        """Clear what was sent; what was typed behind it since Enter stays."""
        handed, self._handed = self._handed, ""
        self.put(self.text[len(handed) :] if handed and self.text.startswith(handed) else "")

    def action_newline(self) -> None:
        """Add a line."""
        self.insert("\n")

    def put(self, text: str) -> None:
        """Replace the text and set the cursor behind it."""
        self.text = text
        self.move_cursor(self.document.end)

    def action_cursor_up(self, select: bool = False) -> None:
        """One line up; at the top the previous input, or the option above."""
        if select or not self.navigator.is_first_wrapped_line(self.cursor_location):
            super().action_cursor_up(select)
        elif self.has_waiting and not self.text:
            self.post_message(self.TakeBack())
        elif self._question and not self.text:
            self.post_message(self.Arrow(-1))
        else:
            self._show(self.typed_before.older(self.text))

    def action_cursor_down(self, select: bool = False) -> None:
        """One line down; at the bottom the next input, or the option below."""
        if select or not self.navigator.is_last_wrapped_line(self.cursor_location):
            super().action_cursor_down(select)
        elif self._question and not self.text:
            self.post_message(self.Arrow(1))
        else:
            self._show(self.typed_before.newer())

    def on_text_area_changed(self) -> None:
        if self.text != self._walked:
            self.typed_before.leave()
        self._walked = None

    async def _on_key(self, event: events.Key) -> None:
        """Enter and Ctrl+J, in their place among the keys.

        A priority binding would overtake what was just typed; any other comes after what is typed next, which
        shows where a terminal sends a paste as keys.
        """
        self.typed_at = time.monotonic()
        if event.key in ("enter", "ctrl+j", "shift+enter"):
            event.stop()
            event.prevent_default()
            self.action_send() if event.key == "enter" else self.action_newline()
        elif event.key == "tab" and self.text.startswith("/") and completions(self.text):
            event.stop()
            event.prevent_default()
            self.post_message(self.Complete())
        elif not event.is_printable and await self._edit(event.key):
            event.stop()
            event.prevent_default()

    async def _edit(self, key: str) -> bool:
        """Do what a key that changes the text or moves in it is bound to, if it is one.

        Left to the screen, it would come up through every container, and letters typed meanwhile overtake it.
        """
        for binding in self._bindings.key_to_bindings.get(key, ()):
            if "." not in binding.action and await self.app.run_action(binding.action, self):
                return True
        return False

    async def _on_paste(self, event: events.Paste) -> None:
        """Control characters are dropped; the text area's own handler, which comes next, puts the text in."""
        event.text = clean(event.text)

    def _show(self, text: str | None) -> None:
        if text is not None:
            self._walked = text
            self.put(text)
