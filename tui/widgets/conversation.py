"""The scrolling list of everything said and done. It follows the end only while the end is in view."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.reactive import reactive
from textual.widget import Widget

from tui.glyphs import glyphs
from tui.widgets.empty_state import EmptyState
from tui.widgets.text import PlainText


class NewBelow(PlainText):
    """Says that something new stands below; a click goes there."""

    def __init__(self) -> None:
        super().__init__(f"{glyphs().down} new below (End)", id="new-below")

    def on_click(self) -> None:
        self.screen.query_one(Conversation).follow()


class Conversation(VerticalScroll, can_focus=True):
    """Message widgets, oldest first."""

    help_topic = "Answers"

    unseen: reactive[bool] = reactive(False)
    """Something was added below what is in view."""

    def __init__(self) -> None:
        super().__init__(id="conversation", classes="-empty")
        self._left = False
        """Somebody scrolled away from the end."""

    @property
    def at_end(self) -> bool:
        """Whether the last line is in view (or nearly)."""
        return self.max_scroll_y - self.scroll_offset.y <= 1

    @property
    def follows(self) -> bool:
        """Whether the end stays in view; also while what was added last is not laid out yet."""
        return self.at_end or not self._left

    def release_anchor(self) -> None:
        super().release_anchor()
        self._left = True

    async def add(self, widget: Widget, *, show_top: bool = False, before: Widget | None = None) -> None:
        """Append a widget.

        Args:
            widget: What to append.
            before: Put it before this one instead.
            show_top: Where it is taller than the view, show its beginning and not its end.
        """
        following = self.follows
        if self.has_class("-empty"):
            await self.query(EmptyState).remove()
            self.remove_class("-empty")
            self.anchor()
        await self.mount(widget, before=before)
        if show_top and (following or before is not None):
            self.call_after_refresh(self._show_top, widget)
        elif not following:
            self.unseen = True

    async def clear(self) -> None:
        """Remove everything."""
        await self.remove_children()
        self.unseen = False

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.unseen = self._left = False
        self.anchor(False)
        self.anchor()

    def grew(self) -> None:
        """Something in the conversation got longer."""
        if not self.follows:
            self.unseen = True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.at_end:
            self.unseen = self._left = False

    def watch_unseen(self, unseen: bool) -> None:
        for hint in self.screen.query(NewBelow):
            hint.display = unseen

    def action_scroll_end(self) -> None:
        self.follow()

    def _show_top(self, widget: Widget) -> None:
        if self.virtual_size.height - widget.virtual_region.y > self.size.height:
            self.release_anchor()
            self.scroll_to_widget(widget, top=True, animate=False, immediate=True)
