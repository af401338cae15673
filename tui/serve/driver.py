"""Textual's web driver, as a server's child uses it: it ends with its server, and is never torn."""

from __future__ import annotations

import os
from functools import partial

from textual import messages
from textual.drivers.web_driver import WebDriver

NAME = f"{__name__}:ServedDriver"


def _write_all(fileno: int, data: bytes) -> int:
    """Writes to the server; where it is gone, the end of the input ends this process too."""
    try:
        return os.write(fileno, data)
    except (BrokenPipeError, ConnectionResetError):
        return len(data)


class ServedDriver(WebDriver):
    """The driver of one tab."""

    def start_application_mode(self) -> None:
        """Begin, writing past the streams that are kept for the log."""
        self._write = partial(_write_all, self.fileno)
        super().start_application_mode()

    def run_input_thread(self) -> None:
        """Read keys; where they end without a word the server was killed, and the app leaves."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(messages.ExitApp())
