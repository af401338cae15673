"""What the keys and the palette do in the conversation, beside talking."""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from textual import work
from textual.screen import Screen

from tui.bridge import Bridge
from tui.plaintext import shorten
from tui.presenter import Presenter
from tui.turns import Input
from tui.widgets.composer import Composer
from tui.widgets.conversation import Conversation
from tui.widgets.messages import Block
from tui.widgets.recommendation import RecommendationBlock
from tui.widgets.status_line import StatusLine

BRANCH = "/branch "


class ConversationActions(Screen[None]):
    """The chat's actions on what is there; the chat itself adds the turns."""

    presenter: Presenter

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self.bridge = bridge

    @property
    @abstractmethod
    def can_stop(self) -> bool:
        """Whether a turn runs that Esc would stop."""

    @abstractmethod
    def submit(self, given: Input) -> None:
        """Run it, or let it wait for the turn that runs."""

    def flash(self, text: str, kind: str = "information") -> None:
        """A short message in the status line."""
        for line in self.query(StatusLine):  # gone where the program ends meanwhile
            line.flash(shorten(text, 200), kind)

    def action_recommend(self) -> None:
        """Have the answer now, with assumptions for what is not known."""
        self.submit(Input("recommend"))

    def action_undo(self) -> None:
        """Take the last turn back."""
        self.submit(Input("undo"))

    def action_return(self) -> None:
        """Go back from the branch."""
        self.submit(Input("return"))

    def action_branch(self, name: str = "") -> None:
        """Go into a branch; without a name the command is put into the composer, to be completed."""
        if name:
            self.submit(Input("branch", name))
            return
        composer = self.query_one(Composer)
        composer.put(BRANCH)
        composer.move_cursor((0, len(BRANCH)))
        composer.focus()
        names = ", ".join(self.presenter.branches)
        self.flash("Type a name for the branch, then Enter" + (f"; there is {names}" if names else ""))

    def action_answer(self) -> None:
        """Go to the last recommendation."""
        blocks = list(self.query(RecommendationBlock))
        if blocks:
            self._go_to(blocks[-1])

    def action_write(self) -> None:
        """Back to the composer, from wherever the focus is."""
        self.query_one(Composer).focus()

    def action_copy(self) -> None:
        """Copy the last recommendation."""
        for block in list(self.query(RecommendationBlock))[-1:]:
            block.action_copy()

    def action_copy_command(self) -> None:
        """Copy a command of the option shown."""
        for block in list(self.query(RecommendationBlock))[-1:]:
            block.action_copy_command()

    def _go_to(self, block: Block) -> None:
        self.query_one(Conversation).reveal(block)
        block.focus(scroll_visible=False)
        self.call_after_refresh(block.scroll_visible, top=True, animate=False)

    async def action_jump(self, by: int) -> None:
        """Go to the answer before or after the one in focus; without one, to the last."""
        blocks = list(self.query(Block))
        if by < 0 and blocks and blocks[0].has_focus:
            await self.query_one(Conversation).show_earlier()
            blocks = list(self.query(Block))
        at = next((place for place, block in enumerate(blocks) if block.has_focus), None)
        if at is not None and by > 0 and at == len(blocks) - 1:
            self.query_one(Composer).focus()
        elif blocks:
            self._go_to(blocks[-1] if at is None else blocks[max(0, at + by)])

    async def action_help(self) -> None:
        """What the keys do where the focus is."""
        await self.app.run_action("help")

    async def action_log(self) -> None:
        """The log."""
        await self.app.run_action("log")

    def action_theme(self) -> None:
        """Other colors."""
        self.app.action_change_theme()

    async def action_page(self, by: int) -> None:
        """Scroll the conversation by a page."""
        conversation = self.query_one(Conversation)
        if by < 0:
            await conversation.page_up()
        else:
            conversation.scroll_page_down()

    @work(exit_on_error=False)
    async def action_export(self, output: str = "") -> None:
        """Write the conversation, as Markdown into the current folder unless something else is named."""
        from tui.export.files import export_named

        document = await self.bridge.transcript()
        path = await asyncio.to_thread(export_named, document, output)
        self.flash(f"Wrote {path}")
