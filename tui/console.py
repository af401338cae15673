"""Keeps the terminal for the screen alone: what libraries write to stdout and stderr goes to the log file."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOG_BYTES = 2_000_000


def start_log(path: Path) -> Path | None:
    """Send all logging to a file. Returns its path, or None where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".old.log"))
        handler: logging.Handler = logging.FileHandler(path, encoding="utf-8")
    except OSError:
        logging.getLogger().handlers = [logging.NullHandler()]
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("llm_advisor").setLevel(logging.INFO)
    return path


class TerminalFile(io.TextIOWrapper):
    """A terminal to write to, which may be gone: its window was closed, or the connection to it was lost.

    An error here would end the thread that draws, and what is drawn next would then wait for it for ever.
    """

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


def leave_on_signals(leave: Callable[[int], object]) -> None:
    """Have the program end in order when it is told to, or when its terminal is closed.

    Args:
        leave: Takes the exit status, 128 and the signal's number; called in the running event loop. Systems
            without such signals, as Windows, have none to wait for.
    """
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, leave, 128 + number)


def terminal_is_gone() -> bool:
    """Whether the window of the terminal was closed, or the connection to it was lost.

    The signal that tells of it may come later than the errors of reading, or not at all, as under `nohup`.
    """
    try:
        import termios

        if sys.__stdin__ is not None:
            termios.tcgetattr(sys.__stdin__.fileno())
    except (ImportError, OSError, ValueError):
        return False
    except termios.error as error:
        return error.args[0] in (errno.EIO, errno.ENXIO)
    return False


def keep_printed(text: str) -> None:
    """Add what Python code printed to the log that `guarded` has put at descriptor 1.

    Not through `logging`: where the log cannot be written, that prints an error in its turn.
    """
    with contextlib.suppress(OSError):
        os.write(1, text.encode("utf-8", "replace"))


@contextmanager
def guarded(log_path: Path | None) -> Iterator[None]:
    """File descriptors 1 and 2 go to the log while the screen keeps copies of the real ones.

    Progress bars and native code write to the descriptors themselves and would tear the screen.
    """
    # In a browser's tab descriptor 1 carries the screen, though it is no terminal.
    in_browser = bool(os.environ.get("TEXTUAL_DRIVER"))
    if not (sys.__stdout__ and (sys.__stdout__.isatty() or in_browser)):
        yield
        return
    python_streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    numbers = (1, 2) if sys.__stderr__ else (1,)  # `2>&-` leaves none
    # The screen is drawn on `sys.__stderr__`; with `2>file` it would be drawn into the file.
    own = bool(sys.__stderr__ and (in_browser or sys.__stderr__.isatty()))
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream:
            stream.flush()
    real = [os.dup(number) for number in numbers]
    sink = os.open(log_path or os.devnull, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    screens = [
        TerminalFile(os.fdopen(os.dup(number), "wb"), encoding="utf-8", errors="replace")
        for number in (1, 2 if own else 1)
    ]
    try:
        for number in numbers:
            os.dup2(sink, number)
        # The screen's driver writes to `sys.__stderr__` and asks `sys.__stdout__` for its size.
        sys.__stdout__, sys.__stderr__ = screens  # type: ignore[misc]
        yield
    finally:
        for screen in screens:
            screen.flush()
        for number, kept in zip(numbers, real, strict=True):
            os.dup2(kept, number)
        sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__ = python_streams  # type: ignore[misc]
        for number in (*real, sink):
            os.close(number)
        for screen in screens:
            screen.close()
