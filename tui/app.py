"""The chat on the screen.

Nothing of the agent is imported here: the factory makes the session after the first frame, in its own thread.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from agent.protocol import SessionFactory
from knowledge.home import home, log_file
from tui import themes
from tui.bridge import Bridge
from tui.console import guarded, leave_on_signals, start_log
from tui.glyphs import ASCII, UNICODE, glyphs, use, wants_ascii
from tui.screens.chat import ChatScreen

Reopen = Callable[[str | None], SessionFactory]
"""Makes a session's factory from its name; None begins a new one."""
log = logging.getLogger("llm_advisor.tui")
# A shorter turn for each thread keeps typing smooth while the session's thread imports and calculates.
SWITCH_SECONDS = 0.001


class AdvisorApp(App[int], inherit_bindings=False):
    """The Textual app."""

    TITLE = "llm-advisor"
    CSS_PATH = ["styles/chat.tcss", "styles/messages.tcss", "styles/sheets.tcss"]  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-medium"), (112, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-tall")]  # noqa: RUF012
    COMMAND_PALETTE_DISPLAY = "^p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", show=False, priority=True),
    ]

    def __init__(
        self,
        open_session: SessionFactory,
        *,
        model: str = "guided",
        session_name: str | None = None,
        state: Path | None = None,
        log_path: Path | None = None,
        detect: Callable[[], str] | None = None,
        hold_collections: bool = False,
        reopen: Reopen | None = None,
    ) -> None:
        """Prepare; nothing is drawn yet.

        Args:
            open_session: Makes the session.
            model: Who words the answers, for the top line until the session is open.
            session_name: Name of the conversation, for the top line.
            state: Folder of the prompt history and the look; None keeps neither.
            log_path: File of the log.
            detect: Gives this machine's hardware in words.
            hold_collections: Open the session without garbage collections; see `Bridge`.
            reopen: Makes the session of another conversation; without it there is only this one.
        """
        super().__init__()
        self._hold = hold_collections
        self._reopen = reopen
        self.bridge = Bridge(open_session, hold_collections=hold_collections)
        self._model, self._session_name = model, session_name
        self._state, self._log_path, self._detect = state, log_path, detect
        self.crash = ""
        """What to say after the screen is closed, where it failed."""
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        self._look_file = state / "look.json" if state else None
        chosen = themes.read_theme(self._look_file)
        self.theme = chosen if chosen in self.available_themes else themes.first_theme()
        self._theme_at_start = self.theme

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What changes each line before it is drawn."""
        if glyphs().name != "ascii":
            return super().get_line_filters()
        from tui.ascii_filter import AsciiFilter

        return [*super().get_line_filters(), AsciiFilter()]

    def get_default_screen(self) -> Screen[None]:
        """The chat."""
        return self._new_chat()

    def _new_chat(self) -> ChatScreen:
        return ChatScreen(
            self.bridge,
            model=self._model,
            session=self._session_name,
            history_file=self._state / "history.jsonl" if self._state else None,
            detect=self._detect,
        )

    @property
    def chat(self) -> ChatScreen:
        """The main screen, also while something lies over it."""
        screen = self.screen_stack[0]
        assert isinstance(screen, ChatScreen)
        return screen

    def on_mount(self) -> None:
        """A signal to end leaves the terminal as it was and the conversation saved."""
        if not self.is_headless:
            leave_on_signals(lambda status: self.exit(return_code=status))

    async def on_unmount(self) -> None:
        """Remember the look, and let the session close its files."""
        if self._look_file is not None and self.theme != self._theme_at_start:
            themes.keep_theme(self._look_file, self.theme)
        await self.bridge.close()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: only what can be done now."""
        if isinstance(screen, ChatScreen):
            from tui.palette import chat_commands

            yield from chat_commands(screen)

    async def action_open_conversation(self, name: str) -> None:
        """Close the conversation, which is saved, and go on with another; an empty name begins a new one."""
        if self._reopen is None:
            return
        await self.bridge.close()
        self._session_name = name or None
        self.bridge = Bridge(self._reopen(self._session_name), hold_collections=self._hold)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        await self.switch_screen(self._new_chat())

    def action_help(self) -> None:
        """F1."""
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.chat.help_topic()))

    def action_log(self) -> None:
        """Ctrl+L."""
        from tui.screens.log import LogScreen

        if not isinstance(self.screen, LogScreen):
            self.push_screen(LogScreen(self._log_path))

    def action_leave(self) -> None:
        """Ctrl+Q asks like Ctrl+C does."""
        self.chat.action_leave()

    def _fatal_error(self) -> None:
        """An exception nobody caught: one sentence after the screen is restored, the details in the log."""
        log.critical("the screen failed", exc_info=sys.exc_info())
        where = f" Details: {self._log_path}" if self._log_path else ""
        self.crash = f"The screen failed and was closed; the conversation is saved.{where}"
        self.panic()


def draw_in_ascii() -> None:
    """Use ASCII signs, also where Textual has signs of its own: ends of scroll bars and bullets."""
    from textual.scrollbar import ScrollBarRender
    from textual.widgets import Markdown

    use(ASCII)
    ScrollBarRender.VERTICAL_BARS = [" "] * len(ScrollBarRender.VERTICAL_BARS)
    Markdown.BULLETS = ["- "] * len(Markdown.BULLETS)


def this_machine() -> str:
    """The hardware of this machine in words, for the top line; takes some 0.1 s."""
    from tools.hardware import describe, detect_machine

    return describe(detect_machine())


def run(open_session: SessionFactory, *, model: str, session_name: str | None, reopen: Reopen) -> int:
    """Open the chat and stay until it is left.

    Args:
        open_session: Makes the session; awaited in the session's thread after the first frame.
        model: What `--model` said, for the top line until the session is open.
        session_name: What `--session` said.
        reopen: Makes the session of another conversation.

    Returns:
        The exit status of the command.
    """
    if wants_ascii():
        draw_in_ascii()
    else:
        use(UNICODE)
    sys.setswitchinterval(SWITCH_SECONDS)
    state = home()
    log_path = start_log(log_file("tui", state))
    app = AdvisorApp(
        open_session,
        model=model,
        session_name=session_name,
        state=state,
        log_path=log_path,
        detect=this_machine,
        hold_collections=True,
        reopen=reopen,
    )
    with guarded(log_path):
        app.run()
    if app.crash:
        print(app.crash, file=sys.stderr)
    return app.return_code or 0
