"""What is known of the person's needs, each with where it came from, and changed where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message as UIMessage
from textual.widgets import Static

from tui.needs_view import Need, label, read_needs
from tui.plaintext import shorten
from tui.widgets.need_editor import NeedEditor
from tui.widgets.text import PlainText, styled

EMPTY = "Nothing yet. What you say shows up here, and what is assumed."
LONGEST = 240
"""Characters of a value or of a reason: the panel scrolls, so that what a person would say is not cut off."""
KEYS = "Enter changes one, Del takes one back"


class NeedRow(Static, can_focus=True):
    """One need: `Context  32k tokens`, then where it came from, dim."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "Change", key_display="Enter"),
        Binding("delete,backspace", "take_back", "Take back", key_display="Del"),
        Binding("up", "other(-1)", "Need above", show=False),
        Binding("down", "other(1)", "Need below", show=False),
    ]

    class Chosen(UIMessage):
        """It is to be changed."""

        def __init__(self, need: Need) -> None:
            super().__init__()
            self.need = need

    class TakenBack(Chosen):
        """It is to be open or assumed again."""

    def __init__(self, need: Need) -> None:
        self.need = need
        detail = need.origin
        if need.detail and need.origin in ("said", "assumed"):
            quoted = need.origin == "said"
            shown = shorten(need.detail, LONGEST)
            detail = f'said: "{shown}"' if quoted else f"assumed: {shown}"
        text = styled(
            (f"{need.label}  ", "bold"), shorten(need.value, LONGEST), ("\n" + detail, "$foreground-muted")
        )
        super().__init__(text, markup=False, classes="need")
        self.tooltip = "Enter or a click changes it; Del takes back what was said"

    @property
    def _meant(self) -> NeedRow:
        """The row that a key is for: the one in focus by now, since fast keys all come to the first one."""
        focused = self.screen.focused
        return focused if isinstance(focused, NeedRow) else self

    def action_edit(self) -> None:
        """Change it here."""
        self.post_message(self.Chosen(self._meant.need))

    def action_take_back(self) -> None:
        """Take back what was said."""
        self.post_message(self.TakenBack(self._meant.need))

    def action_other(self, by: int) -> None:
        """Go to the need above or below."""
        rows = list(self.screen.query(NeedRow))
        place = rows.index(self._meant) + by
        if 0 <= place < len(rows):
            self.screen.set_focus(rows[place])  # at once; `focus()` would let a fast key go astray

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Chosen(self.need))


class NeedsPanel(Vertical):
    """The side panel."""

    help_topic = "Needs"

    def __init__(self) -> None:
        super().__init__(id="needs")
        self.rows: list[Need] = []
        self.raw: Mapping[str, Any] = {}
        self._detected = ""

    def compose(self) -> ComposeResult:
        yield PlainText("Needs", classes="title")
        yield PlainText(EMPTY, classes="empty")
        yield VerticalScroll(id="need-rows", can_focus=False)
        yield PlainText(KEYS, classes="keys")

    def on_mount(self) -> None:
        self._say_keys()

    @property
    def editor(self) -> NeedEditor | None:
        """The field that is open, if any."""
        return next(iter(self.query(NeedEditor)), None)

    async def show(self, needs: Mapping[str, Any], assumptions: Sequence[Mapping[str, Any]]) -> None:
        """Show the slots as they stand; a field that is open stays open with what is typed in it."""
        self.raw = needs
        self.rows = read_needs(needs, assumptions)
        await self._fill()

    async def show_detected(self, text: str) -> None:
        """What this machine has: a need like the others until there is other hardware."""
        self._detected = text
        if not any(row.slot == "hardware" for row in self.rows):
            self.rows = [*self.rows, Need("hardware", label("hardware"), text, "detected", "")]
            await self._fill()

    def focus_first(self) -> None:
        """Go to the first need, or the one whose field is open."""
        editor = self.editor
        if editor is not None:
            editor.focus_field()
        else:
            for row in list(self.query(NeedRow))[:1]:
                self.screen.set_focus(row)

    async def edit(self, slot: str, text: str, suggestions: Sequence[str]) -> None:
        """Open a field at the line of a need."""
        await self.query(NeedEditor).remove()
        need = next((row for row in self.rows if row.slot == slot), None)
        editor = NeedEditor(
            slot, label(slot), text, suggestions, assumed=need is None or need.origin != "said"
        )
        await self.query_one("#need-rows").mount(editor)
        self._place(editor)
        self._say_keys()
        editor.focus_field()
        self.call_after_refresh(editor.scroll_visible, animate=False)

    async def close_editor(self) -> None:
        """The field goes; the need has the focus again where the field had it."""
        editor = self.editor
        if editor is None:
            return
        had_focus, slot = editor.has_focus_within, editor.slot
        await editor.remove()
        self._say_keys()
        if had_focus:
            rows = list(self.query(NeedRow))
            for row in [row for row in rows if row.need.slot == slot][:1] or rows[:1]:
                row.focus()

    @on(NeedEditor.Left)
    async def _left(self, event: NeedEditor.Left) -> None:
        event.stop()
        await self.close_editor()

    async def _fill(self) -> None:
        if not self.is_attached:  # the screen is closed meanwhile
            return
        shown = self.query_one("#need-rows", VerticalScroll)
        focused = self.screen.focused
        slot = focused.need.slot if isinstance(focused, NeedRow) else ""
        async with self.batch():
            await shown.query(NeedRow).remove()
            await shown.mount(*(NeedRow(need) for need in self.rows))
        editor = self.editor
        if editor is not None:
            self._place(editor)
        if slot:
            rows = list(self.query(NeedRow))
            for row in [row for row in rows if row.need.slot == slot][:1] or rows[:1]:
                row.focus()
        self._say_keys()

    def _place(self, editor: NeedEditor) -> None:
        """The field stands right behind its need."""
        rows = self.query_one("#need-rows")
        same = [row for row in self.query(NeedRow) if row.need.slot == editor.slot]
        if same:
            rows.move_child(editor, after=same[0])
        elif rows.children[-1] is not editor:
            rows.move_child(editor, after=rows.children[-1])

    def _say_keys(self) -> None:
        self.query_one(".keys").display = bool(self.rows) and self.editor is None
        self.query_one(".empty").display = not self.rows
