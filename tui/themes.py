"""Two calm themes, dark and light, and which of them a terminal gets at first."""

from __future__ import annotations

import os

from textual.theme import Theme

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
    secondary="#4a7327",
    accent="#8a5a00",
    warning="#9a5500",
    error="#b3261e",
    success="#3d7a2a",
    foreground="#2a2e35",
    background="#fbfaf7",
    surface="#f4f2ed",
    panel="#e9e6df",
    dark=False,
)


def first_theme(environment: dict[str, str] | None = None) -> str:
    """The theme for this terminal: light where it says that its background is light (`COLORFGBG`)."""
    variables = dict(os.environ) if environment is None else environment
    background = variables.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if background in {"7", "15"} else DARK.name
