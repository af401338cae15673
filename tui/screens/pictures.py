"""Memory, speed, quality, score and cost, drawn.

The screen stands at once; catalog, machine and every calculation over many models come from threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widgets import Footer, Input, Static
from textual.worker import Worker, WorkerState

from tui.claims import line_of, maps_of
from tui.glyphs import ASCII, glyphs
from tui.pictures.chart import table
from tui.plaintext import shorten
from tui.screens.pictures_work import CurvesReady, PicturesWork, Ready, Told
from tui.widgets.chart_pane import ChartPane, CostPane
from tui.widgets.memory_pane import MemoryPane
from tui.widgets.picture_pane import PicturePane
from tui.widgets.picture_tabs import PictureTabs
from tui.widgets.score_pane import ScorePane
from tui.widgets.speed_pane import SpeedPane
from tui.widgets.text import PlainText, styled

NAMES = ("Memory", "Speed", "Quality", "Score", "Cost")
MEMORY, SPEED, QUALITY, SCORE, COST = range(5)
QUESTIONS = {
    "model": ("Model", "such as qwen3 8b, or qwen3 8b on RTX 3090"),
    "machine": ("Machine", "such as 2x RTX 3090 + 64 GB, or none"),
    "volume": ("Tokens a day", "in and out, such as 300k 60k, or 2M"),
}
NOTHING = "There is no recommendation yet. Name a model, and a machine after `on`; Enter draws its memory."
NEEDS_ANSWER = (
    "There is no recommendation yet.",
    "Go back with Esc, say what the model is for, and press Ctrl+R; this is then drawn for your needs.",
)


class PicturesScreen(PicturesWork):
    """Five pictures of a recommendation, or of a model that was typed."""

    help_topic = "Pictures"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-tall"), (36, "-roomy")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back", key_display="Esc"),
        Binding("c", "copy", "Copy"),
        Binding("n", "next", "Next"),
        Binding("o", "ask('model')", "Other model", show=False),
        Binding("h", "ask('machine')", "Other machine", show=False),
        Binding("tab", "turn(1)", show=False),
        Binding("shift+tab", "turn(-1)", show=False),
        *(Binding(str(place + 1), f"picture({place})", show=False) for place in range(len(NAMES))),
    ]

    def __init__(self, raw: Mapping[str, Any], selected: int = 0, model_text: str = "") -> None:
        """Prepare; nothing is calculated yet.

        Args:
            raw: The contract's recommendation; empty where there is none yet.
            selected: Index of the option that is shown first.
            model_text: A model, and a machine after `on`, instead of the option.
        """
        super().__init__()
        self._raw = raw
        self._entries = tuple(maps_of(raw.get("candidates")))
        self._selected = selected if 0 <= selected < len(self._entries) else 0
        self._typed, self._machine = model_text.strip(), ""
        self._shown = MEMORY
        self._asking = ""
        self._drawn: set[int] = set()

    def compose(self) -> ComposeResult:
        yield Static(self._title(), markup=False, id="pictures-title")
        yield PictureTabs(NAMES)
        with Container(id="picture"):
            yield MemoryPane()
            yield SpeedPane()
            yield ChartPane("picture-quality")
            yield ScorePane()
            yield CostPane("picture-cost")
        with Horizontal(id="ask"):
            yield PlainText(id="ask-label")
            yield Input(id="ask-line", compact=True)
        yield PlainText(id="pictures-told")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.set_class(glyphs() is ASCII, "-ascii")
        self.query_one("#ask").display = False
        entry = self._entry
        self.action_picture(COST if entry is not None and entry.get("kind") == "api" else MEMORY)
        self.query_one(MemoryPane).tell("Reading the model catalog" + glyphs().ellipsis)
        if self._entries or self._typed:
            self.call_after_refresh(self._begin)
        else:
            self.query_one(MemoryPane).tell(NOTHING)
            self.action_ask("model")

    def _begin(self) -> None:
        self.load(self._raw, self._entry, self._typed, self._machine)

    @property
    def _entry(self) -> Mapping[str, Any] | None:
        """The option that is drawn; None where a model was typed."""
        return self._entries[self._selected] if self._entries and not self._typed else None

    def _title(self) -> Any:  # noqa: ANN401 - content
        sep = f" {glyphs().separator} "
        entry = self._entry
        if entry is None:
            return styled(("Pictures", "bold $primary"), sep + self._typed if self._typed else "")
        of = f" ({self._selected + 1} of {len(self._entries)})"
        return styled(("Pictures", "bold $primary"), sep, line_of(entry.get("model")), of)

    def tell(self, text: str) -> None:
        """One line above the footer."""
        self.query_one("#pictures-told", PlainText).show(shorten(text, 200))

    @property
    def pane(self) -> PicturePane:
        """The picture that is shown."""
        return list(self.query(PicturePane))[self._shown]

    def action_picture(self, place: int) -> None:
        """Show a picture."""
        self._shown = place
        self.pane.display = True
        self.set_focus(self.pane)  # at once: the next key is for this picture
        for pane in self.query(PicturePane):
            pane.display = pane is self.pane
        self.query_one(PictureTabs).show(place)
        self.tell("")
        self._draw(place)

    def action_turn(self, by: int) -> None:
        """The next picture, round and round."""
        self.action_picture((self._shown + by) % len(NAMES))

    def _draw(self, place: int) -> None:
        """Draw what was not drawn since the option, the machine or the volume changed."""
        if place in self._drawn:
            return
        self._drawn.add(place)
        if place == SPEED:
            self.query_one(SpeedPane).show(self._raw, self._selected)
            self.curves(self.query_one(MemoryPane).tuning, self._entry)
        elif place == SCORE:
            self.query_one(ScorePane).show(self._raw, self._selected)
        elif place in (QUALITY, COST):
            self._over_needs(place)

    def _over_needs(self, place: int) -> None:
        pane = self._chart(place)
        if not self._entries:
            pane.tell(*NEEDS_ANSWER)
        elif self.ground is None:
            self._drawn.discard(place)  # drawn as soon as the needs are read
        elif place == QUALITY:
            pane.tell("Working out every model that meets the needs" + glyphs().ellipsis)
            self.landscape(self._raw)
        else:
            pane.tell("Working out what each way costs" + glyphs().ellipsis)
            self.costs(self._entry)

    def _chart(self, place: int) -> ChartPane:
        return self.query_one("#picture-quality" if place == QUALITY else "#picture-cost", ChartPane)

    @on(Ready)
    def _ready(self, event: Ready) -> None:
        memory = self.query_one(MemoryPane)
        if event.tuning is not None:
            memory.show(event.tuning)
        else:
            memory.tell(*event.problem)
        self._drawn -= {SPEED, QUALITY, COST}
        self._draw(self._shown)

    @on(CurvesReady)
    async def _curves_ready(self, event: CurvesReady) -> None:
        await self.query_one(SpeedPane).show_curves(event.name, event.curves)

    @on(Told)
    async def _told(self, event: Told) -> None:
        pane = self._chart(QUALITY if event.what == "quality" else COST)
        if event.chart is None:
            pane.tell(*event.words)
        else:
            await pane.show(event.chart, event.words, event.rows)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            self.log.error(str(event.worker.error))
            self.tell("This picture could not be drawn. Ctrl+L in the chat has the details.")

    @on(PictureTabs.Chosen)
    def _chosen(self, event: PictureTabs.Chosen) -> None:
        self.action_picture(event.place)

    @on(PicturePane.Other)
    def _other(self, event: PicturePane.Other) -> None:
        self.action_turn(event.by)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No next option where there is only one."""
        return len(self._entries) > 1 if action == "next" else super().check_action(action, parameters)

    def action_next(self) -> None:
        """The pictures of the next option; a model that was typed gives way to it."""
        self._selected = self._selected if self._typed else (self._selected + 1) % len(self._entries)
        self._typed = ""
        self._again()

    def _again(self) -> None:
        self.query_one("#pictures-title", Static).update(self._title())
        self._drawn.clear()
        self._begin()
        self._draw(self._shown)

    def action_buy(self) -> None:
        """Count the price of the machine, or count it as owned."""
        self.bought = not self.bought
        self._drawn.discard(COST)
        self._draw(self._shown)

    def action_volume(self) -> None:
        """Ask for another volume."""
        self.action_ask("volume")

    def action_ask(self, what: str) -> None:
        """Ask for something in one line."""
        self._asking = what
        label, example = QUESTIONS[what]
        self.query_one("#ask-label", PlainText).show(f"{label}: ")
        line = self.query_one("#ask-line", Input)
        line.value, line.placeholder = "", example
        self.query_one("#ask").display = True
        self.set_focus(line)

    @on(Input.Submitted)
    def _said(self, event: Input.Submitted) -> None:
        text, what = event.value.strip(), self._asking
        if what == "volume" and text:
            problem = self.set_volume(text)
            if problem:
                self.tell(problem)
                return
        self._close_ask()
        if not text:
            return
        if what == "volume":
            self._drawn.discard(COST)
            self._draw(self._shown)
            return
        if what == "model":
            self._typed = text
        else:
            self._machine = "" if text.lower() == "none" else text
        self._again()

    def _close_ask(self) -> None:
        self.set_focus(self.pane)
        self.query_one("#ask").display = False
        self.tell("")

    def action_back(self) -> None:
        """Close the line that asks, else the screen."""
        if self.query_one("#ask").display and (self._entries or self._typed):
            self._close_ask()
        else:
            self.dismiss()

    def action_copy(self) -> None:
        """Copy the figures of the picture as a table."""
        rows = self.pane.table()
        if not rows:
            self.tell("There is nothing to copy here.")
            return
        memory = self.query_one(MemoryPane)
        head = f"{memory.headline}\n\n" if self.pane is memory else ""
        self.app.copy_to_clipboard(head + table(rows))
        self.tell(f"Copied the figures: {NAMES[self._shown].lower()}, {len(rows) - 1} lines")
