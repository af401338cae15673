"""The chat on the screen.

Nothing of the agent is imported here: the factory makes the session after the first frame, in its own thread.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from textual import events, on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from agent.protocol import SessionFactory
from knowledge.home import SESSIONS, home, log_file
from tui import themes
from tui.bridge import Bridge
from tui.console import guarded, keep_printed, leave_on_signals, start_log, terminal_is_gone
from tui.glyphs import ASCII, UNICODE, glyphs, use, wants_ascii
from tui.screens.chat import ChatScreen
from tui.screens.chat_model import Switched
from tui.this_machine import is_this_machine, this_machine
from tui.turns import describe

Reopen = Callable[[str | None, bool, str | None], SessionFactory]
"""Makes a session's factory from its name (None begins a new one), whether to go on in a copy of it, and the
model that words the answers (None for the one that the program was started with).
"""
Severity = Literal["information", "warning", "error"]
QUIT_SECONDS = 2.0
CLOSED = 129
"""Exit status where the terminal was closed: that of a program which SIGHUP ends."""
LOOK = "look.json"
"""File of the theme and the signs."""
USED = ("settings.toml", SESSIONS, "history.jsonl", LOOK)
"""Files of somebody who was here before."""
log = logging.getLogger("llm_advisor.tui")
LOST_SECONDS = 1.0
"""Between two looks whether the terminal is still there."""
# A shorter turn for each thread keeps typing smooth while the session's thread imports and calculates.
SWITCH_SECONDS = 0.001


class AdvisorApp(App[int], inherit_bindings=False):
    """The Textual app."""

    TITLE = "llm-advisor"
    CSS_PATH = [  # noqa: RUF012
        "styles/chat.tcss",
        "styles/messages.tcss",
        "styles/sheets.tcss",
        "styles/pictures.tcss",
        "styles/models.tcss",
        "styles/desk.tcss",
        "styles/facts.tcss",
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-medium"), (112, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-tall")]  # noqa: RUF012
    COMMAND_PALETTE_DISPLAY = "^p"
    DEFAULT_MODE = "chat-1"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "Copy, stop or quit", show=False, priority=True),
        Binding("ctrl+d", "leave", show=False),
        Binding("ctrl+l", "log", "Log", show=False, priority=True),
        Binding("f1", "help", "Help", priority=True),
    ]

    told = 0
    """The exit status of the signal that told it to end."""
    crash = ""
    """What to say after the screen is closed, where it failed."""
    _quit_asked = -QUIT_SECONDS

    def __init__(
        self,
        open_session: SessionFactory,
        *,
        model: str = "guided",
        session_name: str | None = None,
        state: Path | None = None,
        log_path: Path | None = None,
        detect: Callable[[], str] | None = None,
        is_here: Callable[[str], bool] | None = None,
        hold_collections: bool = False,
        reopen: Reopen | None = None,
        offline: bool = False,
        first_run: bool = False,
    ) -> None:
        """Prepare; nothing is drawn yet.

        Args:
            open_session: Makes the session.
            model: Who words the answers, for the top line until the session is open.
            session_name: Name of the conversation, for the top line.
            state: Folder of the prompt history and the look; None keeps neither.
            log_path: File of the log.
            detect: Gives this machine's hardware in words.
            is_here: Tells whether words name this machine.
            hold_collections: Open the session without garbage collections; see `Bridge`.
            reopen: Makes the session of another conversation; without it there is only this one.
            offline: Nothing may go over the network, not even to this machine's Ollama.
            first_run: Show what is found on this machine in the empty conversation.
        """
        super().__init__()
        self._conversations = 1
        self.add_mode(self.DEFAULT_MODE, self._new_chat)
        self._reopen = reopen
        self.offline, self._first_run = offline, first_run
        self.bridge = Bridge(open_session, hold_collections=hold_collections)
        self.chosen_model: str | None = None
        """The model that was last switched to: conversations that are opened later have it too."""
        self._model, self._session_name = model, session_name
        self._state, self._log_path, self._detect = state, log_path, detect
        self._is_here = is_here
        self.register_theme(themes.DARK)
        self.register_theme(themes.LIGHT)
        self.look_file = state / LOOK if state else None
        chosen = themes.read_theme(self.look_file)
        self._theme_at_start = chosen if chosen in self.available_themes else themes.first_theme()
        # Its watcher runs as the application starts, and would read the styles twice.
        self.set_reactive(AdvisorApp.theme, self._theme_at_start)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What changes each line before it is drawn."""
        if glyphs().name != "ascii":
            return super().get_line_filters()
        from tui.ascii_filter import AsciiFilter

        return [*super().get_line_filters(), AsciiFilter()]

    def get_key_display(self, binding: Binding) -> str:
        """A key in the footer; Textual's signs for two of them have no likeness in ASCII."""
        shown = super().get_key_display(binding)
        if glyphs().name != "ascii":
            return shown
        return {"\u23ce": "enter", "\u232b": "backspace"}.get(shown, shown)

    def _new_chat(self) -> ChatScreen:
        return ChatScreen(
            self.bridge,
            model=self._model,
            session=self._session_name,
            history_file=self._state / "history.jsonl" if self._state else None,
            detect=self._detect,
            offline=self.offline,
            look_file=self.look_file,
            first_run=self._first_run and self._conversations == 1,
            is_here=self._is_here,
            drafts=self._state / "drafts.json" if self._state else None,
        )

    @property
    def chat(self) -> ChatScreen:
        """The main screen, also while something lies over it."""
        screen = self.screen_stack[0]
        assert isinstance(screen, ChatScreen)
        return screen

    def on_mount(self) -> None:
        """A signal to end leaves the terminal as it was and the conversation saved; prints are kept."""
        if not self.is_headless:
            self.begin_capture_print(self)
            # `fg` gives back an empty screen, on which Textual draws only what changes.
            self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
            leave_on_signals(self._told_to_end)
            self.set_interval(LOST_SECONDS, self._leave_lost)

    def _leave_lost(self) -> None:
        """A closed terminal of which no signal tells would be read for ever."""
        if terminal_is_gone():
            self._told_to_end(CLOSED)

    def _told_to_end(self, status: int) -> None:
        """End in order; a fault on the way out is no reason for another status."""
        self.told = status
        self.exit(return_code=status)

    def on_print(self, event: events.Print) -> None:
        """Textual takes what is printed from the screen; the log is where it can be read."""
        keep_printed(event.text)

    async def on_unmount(self) -> None:
        """Remember the look, and let the session close its files."""
        if self.look_file is not None and self.theme != self._theme_at_start:
            themes.keep_theme(self.look_file, self.theme)
        await self.bridge.close()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: only what can be done now."""
        if isinstance(screen, ChatScreen):
            from tui.palette import chat_commands

            yield from chat_commands(screen)
        else:
            from tui.palette import screen_commands

            yield from screen_commands(screen)

    def action_open_conversation(self, name: str, copy: bool = False) -> None:
        """Go on with another conversation (or a copy of it); an empty name begins a new one."""
        if self._reopen is not None:
            self._change_conversation(self._reopen(name or None, copy, self.chosen_model), name or None)

    @work(exclusive=True, group="conversation", exit_on_error=False)
    async def _change_conversation(self, opens: SessionFactory, name: str | None) -> None:
        """Opens the other one first: where that fails, the one on the screen stays as it is."""
        bridge = Bridge(opens)
        bridge.start()
        self.chat.flash(f"Opening {name}" if name else "Opening a new conversation")
        try:
            await bridge.connect()
        except Exception as error:
            await bridge.close()
            log.exception("a conversation could not be opened")
            await self.chat.turn_event(describe(error))
            self.chat.flash("The other conversation could not be opened; this one goes on", "error")
            return
        except asyncio.CancelledError:
            await bridge.close()
            raise
        await self.chat.put_away()
        old, self.bridge = self.bridge, bridge
        self._session_name = name
        await old.close()
        await self._show_chat()

    @on(Switched)
    def _switched(self, event: Switched) -> None:
        self.chosen_model = event.model

    async def _show_chat(self) -> None:
        """Each conversation is a mode of its own: the screen at the bottom of a mode cannot be replaced."""
        shown = self.current_mode
        self._conversations += 1
        self.add_mode(f"chat-{self._conversations}", self._new_chat)
        await self.switch_mode(f"chat-{self._conversations}")
        await self.remove_mode(shown)

    def action_theme(self) -> None:
        """Another theme, shown before it is taken."""
        self.search_themes()

    def search_themes(self) -> None:
        """The list of themes, instead of the library's, which shows none before it is taken."""
        from tui.screens.themes import ThemesScreen

        self.push_screen(ThemesScreen(self.theme, self.available_themes))

    def action_help(self) -> None:
        """F1, on every screen: what has the focus is explained first."""
        from tui.key_table import keys_here, topic_of
        from tui.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss()
        else:
            self.push_screen(HelpScreen(topic_of(self.focused, self.screen), keys_here(self.screen)))

    def action_log(self) -> None:
        """Ctrl+L, on every screen."""
        from tui.screens.log import LogScreen

        if isinstance(self.screen, LogScreen):
            self.screen.action_back()
        else:
            self.push_screen(LogScreen(self._log_path))

    def action_interrupt(self) -> None:
        """Ctrl+C, on every screen: copy what is selected, else stop what runs, else ask before quitting."""
        selected = self.screen.get_selected_text() or str(getattr(self.focused, "selected_text", ""))
        if selected:
            self.copy_to_clipboard(selected)
            self.screen.clear_selection()
            self.tell("Copied the selection")
        elif not self.chat.interrupt():
            self.action_leave()

    def action_leave(self) -> None:
        """Quit when asked twice within two seconds; the hint stands on the screen that is seen."""
        now = time.monotonic()
        if now - self._quit_asked <= QUIT_SECONDS:
            self.exit()
        else:
            self._quit_asked = now
            self.tell("Press it again to quit; the conversation is saved", "warning")

    def tell(self, text: str, kind: Severity = "information") -> None:
        """A short message where the eye is: the status line, or over the screen that hides it."""
        if self.screen is self.chat:
            self.chat.flash(text, kind)
        else:
            self.notify(text, severity=kind, timeout=QUIT_SECONDS, markup=False)

    def _handle_exception(self, error: Exception) -> None:
        """A fault on the way out, such as a look-up that ends when its widgets are gone, fails nothing."""
        if self._exit:
            log.error("a fault on the way out", exc_info=error)
            self._close_messages_no_wait()
        else:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """An exception nobody caught: one sentence after the screen is restored, the details in the log."""
        self.panic()

    def panic(self, *renderables: object) -> None:
        """What Textual would draw of an exception, its values among it, is left to the log."""
        self.failed()
        super().panic()

    def failed(self) -> None:
        """Log the exception that is handled now, and keep what is to be said of it."""
        log.critical("the screen failed", exc_info=sys.exc_info())
        where = f" Details: {self._log_path}" if self._log_path else ""
        self.crash = f"The screen failed and was closed; the conversation is saved.{where}"


def draw_in_ascii() -> None:
    """Use ASCII signs, also where Textual has signs of its own: ends of scroll bars and bullets."""
    from textual.scrollbar import ScrollBarRender
    from textual.widgets import Markdown

    use(ASCII)
    ScrollBarRender.VERTICAL_BARS = [" "] * len(ScrollBarRender.VERTICAL_BARS)
    Markdown.BULLETS = ["- "] * len(Markdown.BULLETS)


def is_first_start(state: Path) -> bool:
    """Whether nothing was ever said or set here. Call it before anything is written."""
    return not any((state / name).exists() for name in USED)


def run(
    open_session: SessionFactory,
    *,
    model: str,
    session_name: str | None,
    reopen: Reopen,
    offline: bool = False,
) -> int:
    """Open the chat and stay until it is left.

    Args:
        open_session: Makes the session; awaited in the session's thread after the first frame.
        model: What `--model` said, for the top line until the session is open.
        session_name: What `--session` said.
        reopen: Makes the session of another conversation.
        offline: `--offline` was said.

    Returns:
        The exit status of the command.
    """
    state = home()
    if wants_ascii(chosen=themes.read_signs(state / LOOK)):
        draw_in_ascii()
    else:
        use(UNICODE)
    sys.setswitchinterval(SWITCH_SECONDS)
    log_path = start_log(log_file("tui", state))
    app = AdvisorApp(
        open_session,
        model=model,
        session_name=session_name,
        state=state,
        log_path=log_path,
        detect=this_machine,
        is_here=is_this_machine,
        hold_collections=True,
        reopen=reopen,
        offline=offline,
        first_run=is_first_start(state),
    )
    return _played(app, log_path)


def _played(app: AdvisorApp, log_path: Path | None) -> int:
    """Run it to the end, whatever happens; the exit status."""
    with guarded(log_path):
        # A fault while the screen is closed may keep it from closing the session.
        for step in (app.run, lambda: asyncio.run(app.bridge.close())):
            try:
                step()
            except Exception:
                app.failed()
    if app.told or terminal_is_gone():
        return app.told or CLOSED
    if app.crash:
        print(app.crash, file=sys.stderr)
        return app.return_code or 1
    return app.return_code or 0
