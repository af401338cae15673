"""The scrolling list of everything said and done. It follows the end only while the end is in view.

Only the last messages are laid out: each costs time at every change of the screen, and a conversation of a
hundred turns would hold up typing. Those before come when one goes up to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.containers import VerticalScroll
from textual.events import MouseScrollUp
from textual.reactive import reactive
from textual.widget import Widget

from tui.glyphs import glyphs
from tui.widgets.empty_state import EmptyState
from tui.widgets.text import PlainText

SHOWN = 30
"""Messages that are laid out; as many more come with each step back."""
SLACK = 10
"""Messages by which it may be more, so that not each new one folds an old one away."""
TIDY_SECONDS = 1.0
Build = Callable[[], Widget]


class NewBelow(PlainText):
    """Says that something new stands below; a click goes there."""

    def __init__(self) -> None:
        super().__init__(f"{glyphs().down} new below (Page Down)", id="new-below")

    def on_click(self) -> None:
        self.screen.query_one(Conversation).follow()


class Earlier(PlainText):
    """Says how many messages stand above; a click shows some of them."""

    def __init__(self, messages: int) -> None:
        super().__init__(id="earlier")
        self.count(messages)

    def count(self, messages: int) -> None:
        """How many there are; without any, the line goes away."""
        self.display = messages > 0
        self.show(f"{glyphs().up} {messages} earlier (Page Up)")

    async def on_click(self) -> None:
        await self.screen.query_one(Conversation).show_earlier()


class Conversation(VerticalScroll, can_focus=True):
    """Message widgets, oldest first."""

    help_topic = "Answers"

    unseen: reactive[bool] = reactive(False)
    """Something was added below what is in view."""

    def __init__(self) -> None:
        super().__init__(id="conversation", classes="-empty")
        self._left = False
        """Somebody scrolled away from the end."""
        self._unbuilt: list[Build] = []
        """The oldest messages, of which there are no widgets yet."""
        self._asleep: dict[Widget, list[Widget]] = {}
        """What is far out of view, with its parts that are not laid out meanwhile."""
        self._tidied = False

    @property
    def messages(self) -> list[Widget]:
        """The widgets of the messages, also of those that are folded away."""
        return [child for child in self.children if not isinstance(child, Earlier | EmptyState)]

    @property
    def earlier(self) -> int:
        """How many messages are not laid out."""
        return len(self._unbuilt) + sum(not child.display for child in self.messages)

    @property
    def at_end(self) -> bool:
        """Whether the last line is in view (or nearly)."""
        return self.max_scroll_y - self.scroll_offset.y <= 1

    @property
    def follows(self) -> bool:
        """Whether the end stays in view; also while what was added last is not laid out yet."""
        return self.at_end or not self._left

    def in_view(self, widget: Widget) -> bool:
        """Whether the first line of one of its messages is in view."""
        return 0 <= widget.virtual_region.y - self.scroll_offset.y < self.size.height

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
        await self._begin()
        await self.mount(widget, before=before)
        if following:
            self._fold_away()
        self._tidy_soon()
        if show_top and (following or before is not None):
            self.call_after_refresh(self._show_top, widget)
        elif not following:
            self.unseen = True

    async def _begin(self) -> None:
        if self.has_class("-empty"):
            await self.query(EmptyState).remove()
            self.remove_class("-empty")
            self.anchor()

    async def resume(self, builds: Sequence[Build]) -> None:
        """Add messages of before; widgets are made of the last ones only."""
        if not builds:
            return
        await self._begin()
        self._unbuilt = [*builds[:-SHOWN]]
        await self.mount_all([build() for build in builds[-SHOWN:]])
        self._count()

    def _tidy_soon(self) -> None:
        """Put to sleep what is far out of view: the layout looks at each widget, in view or not."""
        if not self._tidied:
            self._tidied = True
            self.set_timer(TIDY_SECONDS, self._tidy)

    def _tidy(self) -> None:
        from tui.widgets.flowing import FlowingMarkdown, MarkdownPart

        self._tidied = False
        shown = [message for message in self.messages if message.display]
        for message in shown:
            if self._is_near(message) or message is shown[-1] or message.has_focus_within:
                self._wake(message)
                parts = [part for flow in message.query(FlowingMarkdown) for part in flow.query(MarkdownPart)]
                for part in parts[:-1]:
                    (self._wake if self._is_near(part) else self._sleep)(part)
            else:
                self._sleep(message)

    def _is_near(self, widget: Widget) -> bool:
        """Whether it is in view, or at most a screen away."""
        view, region = self.region, widget.region
        return region.bottom > view.y - view.height and region.y < view.bottom + view.height

    def _sleep(self, widget: Widget) -> None:
        children = [child for child in widget.children if child.display]
        if widget not in self._asleep and children and widget.outer_size.height:
            self._asleep[widget] = children
            widget.styles.height = widget.outer_size.height
            for child in children:
                child.display = False

    def _wake(self, widget: Widget) -> None:
        for child in self._asleep.pop(widget, ()):
            child.display = True
            widget.styles.height = None

    def on_resize(self) -> None:
        """Heights are others at another width."""
        for widget in list(self._asleep):
            self._wake(widget)
        self._tidy_soon()

    async def clear(self) -> None:
        """Remove everything."""
        self._unbuilt = []
        self._asleep.clear()
        await self.remove_children()
        self.unseen = False

    def _count(self) -> None:
        """Say how many there are above."""
        line = next(iter(self.query(Earlier)), None)
        if line is not None:
            line.count(self.earlier)
        elif self.earlier:
            self.mount(Earlier(self.earlier), before=0)

    def _fold_away(self) -> None:
        """The oldest messages are no longer laid out."""
        shown = [child for child in self.messages if child.display]
        if len(shown) > SHOWN + SLACK:
            for child in shown[:-SHOWN]:
                child.display = False
            self._count()

    async def show_earlier(self) -> bool:
        """Lay out some of the messages before those that are; what was in view stays there.

        Returns:
            Whether there were any.
        """
        first = next((child for child in self.messages if child.display), None)
        if not self.earlier or first is None:
            return False
        self.release_anchor()
        hidden = [child for child in self.messages if not child.display][-SHOWN:]
        for child in hidden:
            child.display = True
        made = self._unbuilt[-(SHOWN - len(hidden)) :] if len(hidden) < SHOWN else []
        if made:
            del self._unbuilt[-len(made) :]
            await self.mount_all([build() for build in made], before=self.messages[0])
        self._count()
        line = first.virtual_region.y - self.scroll_offset.y

        def stay() -> None:
            self.scroll_to(y=first.virtual_region.y - line, animate=False, immediate=True)

        self.call_after_refresh(stay)
        return True

    def reveal(self, widget: Widget) -> None:
        """Lay out the messages from this one on."""
        self._wake(widget)
        messages = self.messages
        if widget in messages and not widget.display:
            for child in messages[messages.index(widget) :]:
                child.display = True
            self._count()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.unseen = self._left = False
        self.anchor(False)
        self.anchor()

    def grew(self) -> None:
        """Something in the conversation got longer."""
        self._tidy_soon()
        if not self.follows:
            self.unseen = True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._asleep and new_value < old_value:
            self.call_after_refresh(self._tidy)
        else:
            self._tidy_soon()
        if self.at_end:
            self.unseen = self._left = False

    def watch_unseen(self, unseen: bool) -> None:
        for hint in self.screen.query(NewBelow):
            hint.display = unseen

    async def page_up(self) -> None:
        """A page towards the beginning; at the top, the messages before come first."""
        if self.scroll_offset.y <= 1:
            await self.show_earlier()
            self.call_after_refresh(self.scroll_page_up, animate=False)
        else:
            self.scroll_page_up()

    def action_page_up(self) -> None:
        self.call_later(self.page_up)

    def action_scroll_up(self) -> None:
        if self.scroll_offset.y <= 1:
            self.call_later(self.show_earlier)
        super().action_scroll_up()

    def action_scroll_home(self) -> None:
        """To the beginning, of which everything is laid out then."""
        self.call_later(self._to_the_beginning)

    async def _to_the_beginning(self) -> None:
        while await self.show_earlier():
            pass
        self.call_after_refresh(self.scroll_home, animate=False)

    def _on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        if self.scroll_offset.y <= 1 and self.earlier:
            event.stop()
            self.call_later(self.show_earlier)
            return
        super()._on_mouse_scroll_up(event)

    def action_scroll_end(self) -> None:
        self.follow()

    def show_from(self, widget: Widget) -> None:
        """Show the beginning of a widget where it and what follows it do not fit into the view."""
        self.call_after_refresh(self._show_top, widget)

    def _show_top(self, widget: Widget) -> None:
        if self.virtual_size.height - widget.virtual_region.y > self.size.height:
            self.release_anchor()
            self.scroll_to_widget(widget, top=True, animate=False, immediate=True)
            self.unseen = not self.at_end
