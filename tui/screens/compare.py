"""Models side by side: the best of each row marked, on wish only what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer

from tui.comparing import Loaded, Pick, load, options_of
from tui.glyphs import glyphs
from tui.plaintext import shorten
from tui.screens.model_screen import LEAVING, ModelScreen
from tui.side_by_side import Row, SideBySide, as_markdown
from tui.widgets.side_table import Place, SideTable
from tui.widgets.text import PlainText

EMPTY = SideBySide((), (), (), "")
NOTHING = "Nothing to compare yet. Press a to add a model, or Esc to go back."
LOADING = "Looking up the models"


class CompareScreen(ModelScreen):
    """The comparison; Esc goes back to the conversation."""

    help_topic = "Comparing"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add", tooltip="Compare one more model"),
        Binding("delete,backspace", "remove", "Remove", tooltip="Leave the model in focus out"),
        Binding("x", "differences", "Differences", tooltip="Hide the rows where all are equal, or show them"),
        Binding("c", "copy", "Copy", show=False, tooltip="Copy as a Markdown table"),
        Binding("m,enter", "card", "Card", key_display="m", tooltip="The card of the model in focus"),
        Binding("p", "pictures", "Pictures", show=False, tooltip="Memory and speed of the model, drawn"),
        *LEAVING,
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "move(8)", show=False),
        Binding("pageup", "move(-8)", show=False),
        Binding("home", "move(-999)", show=False),
        Binding("end", "move(999)", show=False),
        Binding("right,tab", "model(1)", show=False),
        Binding("left,shift+tab", "model(-1)", show=False),
    ]

    def __init__(self, recommendation: Mapping[str, Any], models: str = "", *, beside: str = "") -> None:
        """What to compare.

        Args:
            recommendation: of the conversation; empty where there is none.
            models: the models that were named; those of the recommendation where it is empty.
            beside: one more model, beside those.
        """
        super().__init__()
        self._recommendation = recommendation
        self._typed = models or beside
        self._picks: tuple[Pick, ...] = () if models.strip() else options_of(recommendation)
        self._view = EMPTY
        self._problems: tuple[str, ...] = ()
        self._differences = False
        self._at = Place()
        self._asked = 0
        self._loading = True

    def compose(self) -> ComposeResult:
        yield PlainText("Compare", id="compare-title", classes="title")
        yield PlainText(LOADING + glyphs().ellipsis, id="compare-where")
        yield PlainText(id="compare-problems")
        yield SideTable()
        yield PlainText(id="compare-note")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#compare-problems").display = False
        # The first frame is drawn before anything is looked up.
        self.call_after_refresh(self._reload, self._typed)

    @property
    def view(self) -> SideBySide:
        """What is compared."""
        return self._view

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that are shown."""
        return self._view.shown(differences_only=self._differences)

    def _reload(self, typed: str = "") -> None:
        self._asked += 1
        self._loading = True
        self._load(self._asked, self._picks, typed)

    @work(thread=True, exit_on_error=False)
    def _load(self, asked: int, picks: Sequence[Pick], typed: str) -> None:
        self.app.call_from_thread(self._loaded, asked, load(self._recommendation, picks, typed))

    def _loaded(self, asked: int, loaded: Loaded) -> None:
        if asked != self._asked or not self.is_mounted:
            return  # something else was asked for in the meantime
        self._loading = False
        self._picks, self._view, self._problems = loaded.picks, loaded.view, loaded.problems
        column = self._at.column if loaded.focus is None else loaded.focus
        column = min(column, max(0, len(self._picks) - 1))
        self._at = Place(self._at.row, column)
        self._show()

    def _show(self) -> None:
        rows = self.rows
        self._at = Place(max(0, min(self._at.row, len(rows) - 1)), self._at.column)
        self.query_one(SideTable).show(self._view, rows, self._at)
        self._tell_where()
        problems = self.query_one("#compare-problems", PlainText)
        problems.display = bool(self._problems)
        problems.show("\n".join(f"{glyphs().error} {problem}" for problem in self._problems))
        self._tell_row()

    def _tell_where(self) -> None:
        names, table = self._view.names, self.query_one(SideTable)
        paged = False
        dot = f" {glyphs().separator} "
        parts = ["Compare"]
        if names:
            counted = f"{len(names)} model" + ("s" if len(names) > 1 else "")
            drawn = table.drawn
            paged = drawn is not None and drawn.count < len(names)
            if drawn is not None and paged:
                counted = f"{drawn.first + 1} to {drawn.first + drawn.count} of {counted}"
            parts.append(counted)
        if self._differences:
            parts.append(f"differences only ({len(self._view.rows) - len(self.rows)} hidden)")
        self.query_one("#compare-title", PlainText).show(dot.join(parts))
        where = self._view.where if names else NOTHING
        if names:
            where += f" {glyphs().best} best of its line."
        if paged:
            where += " Left and Right: the other models."
        if len(names) == 1:
            where += " Press a to add another model."
        self.query_one("#compare-where", PlainText).show(where)

    def _tell_row(self) -> None:
        rows = self.rows
        note = self.query_one("#compare-note", PlainText)
        if not rows:
            note.show("All rows are equal; x shows them." if self._view.rows else "")
            return
        row = rows[self._at.row]
        cell = row.cells[self._at.column]
        own = f" {self._view.names[self._at.column]}: {cell.note}" if cell.note else ""
        room = note.content_size.width * note.size.height - 8  # wrapping wastes some
        note.show(shorten(f"{row.label}: {row.note}{own}", max(60, room)))

    def on_resize(self) -> None:
        """How many models have room has changed."""
        if self._view.names:
            self.call_after_refresh(self._tell_where)

    def tell(self, text: str) -> None:
        """Said where the row's source stands."""
        self.query_one("#compare-note", PlainText).show(text)

    def action_move(self, by: int) -> None:
        """Go to another row."""
        if self.rows:
            self._at = Place(max(0, min(len(self.rows) - 1, self._at.row + by)), self._at.column)
            self._show()

    def action_model(self, by: int) -> None:
        """Go to another model."""
        if self._view.names:
            self._at = Place(self._at.row, max(0, min(len(self._view.names) - 1, self._at.column + by)))
            self._show()

    def action_go(self, row: int, column: int) -> None:
        """A cell was clicked."""
        self._at = Place(row, column)
        self._show()

    def action_differences(self) -> None:
        """Hide the rows where all are equal, or show them again."""
        if len(self._view.names) < 2:
            self.tell("Differences need two models; a adds one.")
            return
        label = self.rows[self._at.row].label if self.rows else ""
        self._differences = not self._differences
        labels = [row.label for row in self.rows]
        self._at = Place(labels.index(label) if label in labels else 0, self._at.column)
        self._show()

    def action_add(self) -> None:
        """Ask for one more model."""
        from tui.screens.model_name import ModelNameScreen

        def named(name: str | None) -> None:
            if name:
                self._reload(name)

        self.app.push_screen(ModelNameScreen("Add a model to compare"), named)

    def action_remove(self) -> None:
        """Leave the model in focus out."""
        if not self._picks or self._loading:
            return
        column = self._at.column
        self._picks = (*self._picks[:column], *self._picks[column + 1 :])
        self._at = Place(self._at.row, max(0, min(column, len(self._picks) - 1)))
        self._reload()

    def action_copy(self) -> None:
        """Copy the rows that are shown."""
        if not self._view.names:
            self.tell("There is nothing to copy yet.")
            return
        self.app.copy_to_clipboard(as_markdown(self._view, self.rows))
        self.tell(f"Copied {len(self.rows)} rows as a Markdown table")

    @property
    def _focused_pick(self) -> Pick | None:
        return self._picks[self._at.column] if self._view.names else None

    def action_card(self) -> None:
        """The card of the model in focus."""
        from tui.screens.card import CardScreen

        pick = self._focused_pick
        if pick is not None:
            name = "" if pick.option is not None else pick.name
            self.app.push_screen(CardScreen(self._recommendation, pick.option or 0, name))

    def action_pictures(self) -> None:
        """Pictures of the model in focus, as the chat opens them."""
        pick = self._focused_pick
        if pick is not None:
            self.show_pictures(pick.name)
