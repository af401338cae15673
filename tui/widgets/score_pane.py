"""The parts that the rank comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult

from tui.glyphs import glyphs
from tui.pictures.score import Scored, score_table, score_words, scored
from tui.widgets.picture_pane import Drawing, PicturePane, Words
from tui.widgets.score_bars import draw_scores

FIRST = 4
"""Options that are drawn."""
NONE = "There is no recommendation yet, so nothing is ranked."
HOW = "Go back with Esc, say what the model is for, and press Ctrl+R for the recommendation."


class ScorePane(PicturePane):
    """One group of bars for each of the first options."""

    def __init__(self) -> None:
        super().__init__(id="picture-score")
        self._options: Sequence[Scored] = ()

    def compose(self) -> ComposeResult:
        yield Words(id="score-words")
        yield Drawing(id="score-bars")

    def show(self, raw: Mapping[str, Any], selected: int) -> None:
        """Draw the options of a recommendation."""
        options = self._options = scored(raw)[:FIRST]
        words = self.query_one("#score-words", Words)
        words.show([(score_words(options), "")] if options else [(NONE, ""), (HOW, "$foreground-muted")])
        self.query_one("#score-bars", Drawing).draw(
            lambda width: draw_scores(options, selected, width, glyphs())
        )

    def table(self) -> tuple[tuple[str, ...], ...]:
        return score_table(self._options) if self._options else ()
