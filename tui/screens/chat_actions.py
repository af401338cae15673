"""What the keys and the palette do in the conversation, beside talking."""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from textual import work
from textual.screen import Screen
from textual.widgets import OptionList

from tui.bridge import Bridge
from tui.plaintext import shorten
from tui.presenter import Presenter
from tui.turns import BRANCH, Input
from tui.widgets.composer import Composer
from tui.widgets.conversation import Conversation
from tui.widgets.needs_panel import NeedsPanel
from tui.widgets.recommendation import RecommendationBlock
from tui.widgets.status_line import StatusLine


class ConversationActions(Screen[None]):
    """The chat's actions on what is there; the chat itself adds the turns."""

    presenter: Presenter

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self.bridge = bridge

    @abstractmethod
    def submit(self, given: Input) -> None:
        """Run it, or let it wait for the turn that runs."""

    def flash(self, text: str, kind: str = "information") -> None:
        """A short message in the status line."""
        self.query_one(StatusLine).flash(shorten(text, 200), kind)

    def action_recommend(self) -> None:
        """Have the answer now, with assumptions for what is not known."""
        self.submit(Input("recommend"))

    def action_undo(self) -> None:
        """Take the last turn back."""
        self.submit(Input("undo"))

    def action_return(self) -> None:
        """Go back from the branch."""
        self.submit(Input("return"))

    def action_branch(self) -> None:
        """Go into a branch; its name is typed as a command."""
        composer = self.query_one(Composer)
        composer.put(BRANCH)
        composer.move_cursor((0, len(BRANCH)))
        composer.focus()
        names = ", ".join(self.presenter.branches)
        self.flash("Type a name for the branch, then Enter" + (f"; there is {names}" if names else ""))

    def action_needs(self) -> None:
        """Show the needs and go there; from there, fold them away."""
        panel = self.query_one(NeedsPanel)
        if panel.display and panel.has_focus_within:
            panel.set_class(False, "-open")
            panel.set_class(True, "-closed")
            self.query_one(Composer).focus()
        else:
            panel.set_class(False, "-closed")
            panel.set_class(True, "-open")
            panel.query_one(OptionList).focus()

    def action_answer(self) -> None:
        """Go to the last recommendation."""
        blocks = list(self.query(RecommendationBlock))
        if blocks:
            blocks[-1].focus()
            blocks[-1].scroll_visible(top=True, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll the conversation by a page."""
        conversation = self.query_one(Conversation)
        conversation.scroll_page_up() if by < 0 else conversation.scroll_page_down()

    @work(exit_on_error=False)
    async def action_export(self, output: str = "") -> None:
        """Write the conversation, as Markdown into the current folder unless something else is named."""
        from tui.export.files import export_named

        document = await self.bridge.transcript()
        path = await asyncio.to_thread(export_named, document, output)
        self.flash(f"Wrote {path}")
