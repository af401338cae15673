"""The settings as rows to show: those of the schema, and how the screen looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.content import Content

from knowledge.settings_file import Setting
from tui.glyphs import glyphs
from tui.plaintext import clean, words
from tui.widgets.text import crop, styled

THEME, SIGNS = "theme", "signs"
NEXT = "counts from the next conversation on"
AT_ONCE = "counts at once"
NEXT_START = "counts from the next start on"
ORIGINS = {"default": "default", "file": "settings.toml"}
NOT_SET = "not set"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting."""

    key: str
    value: str
    origin: str
    about: str
    when: str
    """From when on a change counts."""
    fixed: str = ""
    """Why it cannot be changed here; empty where it can."""
    secret: bool = False
    problem: str = ""


def setting_row(one: Setting) -> Row:
    """A setting of the schema."""
    by_environment = one.origin == "environment"
    return Row(
        one.key,
        clean(one.value, one_line=True) or NOT_SET,
        one.variable if by_environment else ORIGINS[one.origin],
        clean(one.about, one_line=True),
        NEXT,
        f"{one.variable} in the environment sets it; change it there." if by_environment else "",
        one.secret,
        one.problem,
    )


def look_rows(theme: str, signs: str, forced: str) -> list[Row]:
    """How the screen looks.

    Args:
        theme: the one in use.
        signs: what was chosen: `auto`, `ascii` or `unicode`.
        forced: the environment variable that decides over the signs, if one does.
    """
    told = f"{forced} in the environment sets it; change it there." if forced else ""
    about = "Signs and lines that are drawn: auto takes what the terminal can show."
    chosen = "look.json"
    return [
        Row(THEME, theme, chosen, "The colors. Enter shows all themes.", AT_ONCE),
        Row(
            SIGNS,
            signs,
            forced or (ORIGINS["default"] if signs == "auto" else chosen),
            about,
            NEXT_START,
            told,
        ),
    ]


def row_line(row: Row, wide: int) -> Callable[[int], Content]:
    """One line: name, value, and where it comes from."""

    def build(width: int) -> Content:
        sign = f"{glyphs().error} " if row.problem else ""
        name = f"{words(row.key):<{wide}}  "
        room = width - len(name) - len(sign)
        value = crop(row.value, max(8, room - len(row.origin) - 4), glyphs().ellipsis)
        origin = crop(f"  ({row.origin})", max(0, room - len(value)), glyphs().ellipsis)
        shade = "$foreground-muted" if row.value == NOT_SET else "$accent"
        return styled((name, "bold"), (sign, "bold $error"), (value, shade), (origin, "$foreground-muted"))

    return build


def about_row(row: Row) -> str:
    """What a setting does, and what a change of it takes."""
    more = row.fixed or f"A change {row.when}."
    return "\n".join(
        part for part in (row.about, row.problem and f"Not usable: {row.problem}.", more) if part
    )
