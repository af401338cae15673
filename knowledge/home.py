"""Where the advisor keeps its state: sessions, the index, own guides, calibration, logs."""

from __future__ import annotations

import os
from pathlib import Path

APP_NAME = "llm-advisor"
HOME_VARIABLE = "LLM_ADVISOR_HOME"
SESSIONS = "sessions.sqlite"
"""File of the conversations."""


def expanded(text: str | Path) -> Path:
    """A path as given, with `~` opened; one of an unknown user stays as it stands."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # "~nobody": no such user
        return Path(text)


def home() -> Path:
    """The one folder of all state: `LLM_ADVISOR_HOME`, or the platform's place for user data.

    The folder is not created here: whoever writes first does that, and handles one that cannot be written.
    """
    moved = os.environ.get(HOME_VARIABLE, "").strip()
    if moved:
        return expanded(moved).absolute()
    from platformdirs import user_data_path

    return user_data_path(APP_NAME, appauthor=False)


def log_file(name: str, folder: Path | None = None) -> Path:
    """The path of a log file in the state folder (not created)."""
    return (folder or home()) / "logs" / f"{name}.log"
