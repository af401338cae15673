"""What the screens about models share: figures from a thread, a line that tells, the way to the pictures."""

from __future__ import annotations

import logging
from abc import abstractmethod

from textual.binding import Binding
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from tui.glyphs import glyphs
from tui.screens.chat_views import ViewActions

log = logging.getLogger("llm_advisor.tui")
LEAVING = (Binding("escape,q", "close", "Back", key_display="esc"),)
"""Keys of all these screens; the footer has them last."""
FAILED = "The figures could not be worked out. Ctrl+L shows the log, Esc goes back."


class ModelScreen(Screen[None]):
    """A screen over the conversation whose figures are looked up after its first frame."""

    def on_mount(self) -> None:
        self.set_class(glyphs().name == "ascii", "-ascii")

    @abstractmethod
    def tell(self, text: str) -> None:
        """A line for the person, until the next key."""

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A lookup that fails is told, and nothing of it ends the program."""
        if event.state is WorkerState.ERROR:
            log.error("%s failed", event.worker.name, exc_info=event.worker.error)
            self.tell(f"{glyphs().error} {FAILED}")

    def show_pictures(self, name: str) -> None:
        """Pictures of a model, as the conversation opens them."""
        for screen in self.app.screen_stack:
            if isinstance(screen, ViewActions):
                screen.action_pictures(name)

    def action_close(self) -> None:
        """Back to where it was opened."""
        self.dismiss()
