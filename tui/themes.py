"""Two calm themes, dark and light, and which of them a terminal gets at first."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from textual.theme import Theme

from knowledge.errors import UsageError
from tui.small_file import read_texts, write_texts

DARK = Theme(
    name="advisor-dark",
    primary="#7fb4ca",
    secondary="#98bb6c",
    accent="#d9b679",
    warning="#e0a458",
    error="#e46876",
    success="#98bb6c",
    foreground="#d8dbe0",
    background="#14171c",
    surface="#191d23",
    panel="#21262d",
    dark=True,
)
LIGHT = Theme(
    name="advisor-light",
    primary="#256985",
    secondary="#487026",
    accent="#8a5a00",
    warning="#9a5500",
    error="#b3261e",
    success="#377126",
    foreground="#2a2e35",
    background="#fbfaf7",
    surface="#f4f2ed",
    panel="#e9e6df",
    dark=False,
    # Textual's own, a share of the text color, is too faint on a light background.
    variables={"text-muted": "#5c6168", "foreground-muted": "#5c6168"},
)


def read_theme(path: Path | None) -> str:
    """The theme that was chosen before; empty where none was, or the file cannot be read."""
    return read_texts(path).get("theme", "")


def keep_theme(path: Path, name: str) -> None:
    """Remember a choice; a folder that cannot be written is no reason to interrupt anyone."""
    with suppress(OSError):
        _keep(path, "theme", name)


def read_signs(path: Path | None) -> str:
    """`ascii` or `unicode` where one of them was chosen, else `auto`."""
    signs = read_texts(path).get("signs", "auto")
    return signs if signs in ("ascii", "unicode") else "auto"


def keep_signs(path: Path | None, signs: str) -> None:
    """Remember which signs to draw from the next start on.

    Raises:
        UsageError: the folder cannot be written.
    """
    try:
        if path is None:
            raise OSError
        _keep(path, "signs", signs)
    except OSError as error:
        raise UsageError(
            f"{path or 'The look'} cannot be written: {error.strerror or 'there is no state folder'}.",
            hint="LLM_ADVISOR_ASCII=1 in the environment draws with ASCII signs.",
        ) from None


def _keep(path: Path, key: str, value: str) -> None:
    write_texts(path, {**read_texts(path), key: value})


def first_theme(environment: dict[str, str] | None = None) -> str:
    """The theme for this terminal: light where it says that its background is light (`COLORFGBG`)."""
    variables = dict(os.environ) if environment is None else environment
    background = variables.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if background in {"7", "15"} else DARK.name
