"""The chat's actions on needs and on the machine that is reckoned with."""

from __future__ import annotations

from collections.abc import Callable

from textual import on, work

from tui.screens.chat_views import ViewActions
from tui.turns import Input
from tui.widgets.composer import Composer
from tui.widgets.found import Found
from tui.widgets.hardware_line import HardwareLine
from tui.widgets.need_editor import NeedEditor
from tui.widgets.needs_panel import NeedRow, NeedsPanel

Detect = Callable[[], str]
IsHere = Callable[[str], bool]


class NeedsActions(ViewActions):
    """Changing, taking back, and coming back to this machine."""

    _is_here: IsHere | None = None
    _found: Found | None = None
    """What was found here, shown at the first start."""
    _compared = ""

    def action_needs(self) -> None:
        """Show the needs and go there; from there, fold them away."""
        panel = self.query_one(NeedsPanel)
        if panel.display and panel.has_focus_within:
            panel.set_class(False, "-open")
            panel.set_class(True, "-closed")
            self.query_one(Composer).focus()
            return
        self._open_panel()
        if panel.rows or panel.editor is not None:
            panel.focus_first()

    def action_change(self, words: str = "") -> None:
        """Change a need: its name and the value, which is taken back where there is none."""
        slot, _, text = words.strip().partition(" ")
        if slot:
            self.submit(Input("change", text.strip(), slot=slot.lower()))
        else:
            self.flash("/change takes a need and its value, such as /change context 64k", "warning")

    def action_hardware(self, text: str = "") -> None:
        """Reckon with another machine; without one its field opens."""
        if text:
            self.submit(Input("change", text, slot="hardware"))
        else:
            self._open_panel()
            self._edit("hardware")

    def action_here(self) -> None:
        """Reckon with this machine again."""
        self.submit(Input("change", slot="hardware"))

    @on(NeedRow.Chosen)
    def _chosen(self, event: NeedRow.Chosen) -> None:
        if isinstance(event, NeedRow.TakenBack):
            if event.need.origin in ("assumed", "detected"):
                self.flash("This was not said but assumed; Enter changes it", "warning")
            else:
                self.submit(Input("change", slot=event.need.slot))
        else:
            self._edit(event.need.slot)

    @on(HardwareLine.Chosen)
    def _hardware_chosen(self) -> None:
        self.action_hardware()

    @work(exit_on_error=False, group="editing", exclusive=True)
    async def _edit(self, slot: str) -> None:
        """Open the field of a need, filled with words that are read back as its value."""
        found = await self.bridge.editing(slot)
        await self.query_one(NeedsPanel).edit(slot, found.text, found.suggestions)

    @on(NeedEditor.Committed)
    def _committed(self, event: NeedEditor.Committed) -> None:
        editor = self.query_one(NeedsPanel).editor
        if editor is not None:
            editor.tell("It waits for the running answer" if self.can_stop else "", trouble=False)
        self.submit(Input("change", event.text, slot=event.slot))

    def _open_panel(self) -> None:
        panel = self.query_one(NeedsPanel)
        panel.set_class(False, "-closed")
        panel.set_class(True, "-open")

    @work(thread=True, exit_on_error=False)
    def detect_machine(self, detect: Detect) -> None:
        """What this machine has, for the top line, the panel and the first start's findings."""
        self.app.call_from_thread(self._show_detected, detect())

    def _show_detected(self, text: str) -> None:
        if self.is_mounted:
            self.query_one(HardwareLine).detected(text)
            self.call_later(self.query_one(NeedsPanel).show_detected, text)
            if self._found is not None:
                self._found.tell("hardware", text)

    def compare_machine(self) -> None:
        """Find out whether the machine that is reckoned with is this one; the badge says so."""
        text = self.presenter.said_machine
        if text == self._compared or self._is_here is None:
            return
        self._compared = text
        if text:
            self._compare(self._is_here, text)
        else:
            self.query_one(HardwareLine).simulate(False)

    @work(thread=True, exit_on_error=False, group="machine")
    def _compare(self, is_here: IsHere, text: str) -> None:
        self.app.call_from_thread(self._show_compared, text, is_here(text))

    def _show_compared(self, text: str, here: bool) -> None:
        if self.is_mounted and text == self._compared:  # nothing newer was said meanwhile
            self.query_one(HardwareLine).simulate(not here)
