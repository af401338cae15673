"""What is typed in plain chat, line by line, from a terminal or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tui.json_requests import lines_of
from tui.markdown_lines import plain_lines
from tui.output import write_lines

YOU = "You: "


def line_reader() -> Callable[[], str | None]:
    """Reads one line; None at the end of the input. Without a terminal, what was said is written as well."""
    if sys.stdin.isatty():
        import contextlib

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - line editing and history for input()

        def ask() -> str | None:
            try:
                return input(YOU)
            except EOFError:
                return None

        return ask

    lines = lines_of(sys.stdin.buffer)

    def read() -> str | None:
        line = next(lines, None)
        if line is None:
            return None
        text = line.decode("utf-8", "replace")
        write_lines([YOU + " ".join(plain_lines(text))[:500]])
        return text

    return read
