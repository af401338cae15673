"""The field in which a need is changed, with plausible values under it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message as UIMessage
from textual.widgets import Input, Static

from tui.glyphs import glyphs
from tui.plaintext import clean
from tui.widgets.text import Fitted, PlainText, hanging, styled

KEYS = "Enter takes it, Esc leaves it, arrows: other values"


class Suggestion(Static):
    """A plausible value; a click takes it."""

    def __init__(self, text: str) -> None:
        super().__init__("", markup=False, classes="suggestion")
        self.text = text

    def draw(self, chosen: bool) -> None:
        """Show as the one in the field or not; the pointer says so without color."""
        sign = glyphs().pointer if chosen else " " * len(glyphs().pointer)
        lead = styled((f"{sign} ", "bold $primary"))
        self.update(Fitted(hanging([(lead, styled((self.text, "bold" if chosen else "")))])))


class NeedEditor(Vertical):
    """Posts what is to be done and shows what is told; the chat decides."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave it", priority=True),
        Binding("enter", "commit", "Take it", key_display="Enter"),  # for the footer; the field sends it
        Binding("down", "other(1)", "Other value", show=False),
        Binding("up", "other(-1)", "Other value", show=False),
    ]

    class Committed(UIMessage):
        """The value is to be taken."""

        def __init__(self, slot: str, text: str) -> None:
            super().__init__()
            self.slot, self.text = slot, text

    class Left(UIMessage):
        """It stays as it was."""

    def __init__(
        self, slot: str, label: str, text: str, suggestions: Sequence[str], *, assumed: bool
    ) -> None:
        """A field for one need.

        Args:
            slot: the need.
            label: its name for people.
            text: the value as it stands.
            suggestions: other values.
            assumed: nobody said the value, so that taking it as it is says it.
        """
        super().__init__(classes="need-editor")
        self.slot, self._label, self._assumed = slot, label, assumed
        self._first = clean(text, one_line=True)
        self._values = [self._first, *(clean(value, one_line=True) for value in suggestions)]
        self._at = 0

    def compose(self) -> ComposeResult:
        yield Input(self._first, placeholder=f"New value for {self._label.lower()}", compact=True)
        told = PlainText("", classes="told")
        told.display = False
        yield told
        for value in self._values[1:]:
            yield Suggestion(value)
        yield PlainText(KEYS, classes="editor-keys")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = self.app.animation_level != "none"
        self._draw()

    def focus_field(self) -> None:
        """Type here from now on."""
        self.query_one(Input).focus()

    def tell(self, text: str, *, trouble: bool = True) -> None:
        """What became of it, under the field; what was typed stays."""
        told = self.query_one(".told", PlainText)
        told.show(f"{glyphs().error} {text}" if trouble else text)
        told.set_class(trouble, "-trouble")
        told.display = bool(text)
        self.scroll_visible(animate=False)

    def action_leave(self) -> None:
        """Leave the need as it was."""
        self.post_message(self.Left())

    def action_other(self, by: int) -> None:
        """Put another plausible value into the field; the first is the one that stands."""
        self._take((self._at + by) % len(self._values))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_commit()

    def action_commit(self) -> None:
        """Take the value."""
        text = self.query_one(Input).value.strip()
        if (text == self._first and not self._assumed) or (not text and self._assumed):
            self.post_message(self.Left())
        else:
            self.post_message(self.Committed(self.slot, text))

    def on_click(self, event: events.Click) -> None:
        if isinstance(event.widget, Suggestion):
            event.stop()
            self._take(self._values.index(event.widget.text))
            self.action_commit()

    def _take(self, place: int) -> None:
        self._at = place
        field = self.query_one(Input)
        field.value = self._values[place]
        field.cursor_position = len(field.value)
        self._draw()

    def _draw(self) -> None:
        for place, row in enumerate(self.query(Suggestion), 1):
            row.draw(place == self._at)
