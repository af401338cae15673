"""The card of a model: facts with their sources, scores, license, memory by context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer

from knowledge.errors import AdvisorError
from tui.carding import card_name, load_card
from tui.claims import Source
from tui.glyphs import glyphs
from tui.model_card import Card, as_markdown
from tui.screens.model_screen import LEAVING, ModelScreen
from tui.widgets.messages import OpenSource
from tui.widgets.text import PlainText

NOTHING = "No model is named yet. Press o to name one, or Esc to go back."


class CardScreen(ModelScreen):
    """One model; Esc goes back to where it was opened."""

    help_topic = "Model card"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o,slash", "other", "Other", key_display="o", tooltip="The card of another model"),
        Binding("s", "sources", "Sources", tooltip="List the sources, to open one"),
        Binding("c", "copy", "Copy", tooltip="Copy the card as Markdown"),
        Binding("d", "compare", "Compare", tooltip="Put it beside the options"),
        Binding("p", "pictures", "Pictures", show=False, tooltip="Memory and speed, drawn"),
        Binding("y", "copy_command", "Copy command", show=False, tooltip="Copy a line that gets or runs it"),
        *LEAVING,
        *(Binding(str(number), f"source({number})", show=False) for number in range(1, 10)),
    ]

    def __init__(self, recommendation: Mapping[str, Any], selected: int = 0, model: str = "") -> None:
        """Whose card.

        Args:
            recommendation: of the conversation; its needs and options tell configuration and machine.
            selected: place of the option shown, whose card it is where no model is named.
            model: the model that was named.
        """
        super().__init__()
        self._recommendation, self._selected = recommendation, selected
        self._name = card_name(recommendation, selected, model)
        self._asked = 0
        self._next_command = 0
        self.card: Card | None = None
        """What is shown; None before it is there."""

    def compose(self) -> ComposeResult:
        yield PlainText(self._name or "Model card", id="card-title", classes="title")
        yield PlainText(id="card-said")
        yield VerticalScroll(id="card-body")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#card-body").focus()
        # The first frame is drawn before anything is looked up.
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if self._name:
            self._open(self._name)
        else:
            self.tell(NOTHING)
            self.action_other()

    def _open(self, name: str) -> None:
        self._asked += 1
        self.tell(f"Looking up {name}{glyphs().ellipsis}")
        self._load(self._asked, name)

    @work(thread=True, exit_on_error=False)
    def _load(self, asked: int, name: str) -> None:
        found: Card | AdvisorError
        try:
            found = load_card(self._recommendation, self._selected, name)
        except AdvisorError as error:
            found = error
        self.app.call_from_thread(self.call_later, self._loaded, asked, found)

    async def _loaded(self, asked: int, found: Card | AdvisorError) -> None:
        if asked != self._asked or not self.is_mounted:
            return  # another was asked for in the meantime
        if isinstance(found, AdvisorError):
            kept = (
                f" The card of {self.card.name} stays." if self.card is not None else " Press o to try again."
            )
            self.tell(f"{glyphs().error} {found.message} {found.hint}{kept}".strip())
            return
        from tui.widgets.card_parts import parts_of

        self.card, self._name, self._next_command = found, found.model_id, 0
        self.query_one("#card-title", PlainText).show(found.name)
        self.tell(found.model_id if found.model_id != found.name else "")
        body = self.query_one("#card-body", VerticalScroll)
        async with self.batch():
            await body.remove_children()
            await body.mount(*parts_of(found))
        body.scroll_home(animate=False)

    def tell(self, text: str) -> None:
        """Said under the title."""
        said = self.query_one("#card-said", PlainText)
        said.display = bool(text)
        said.show(text)

    @on(OpenSource)
    def _opened(self, event: OpenSource) -> None:
        event.stop()
        self._open_source(event.source)

    def _open_source(self, source: Source) -> None:
        from tui.screens.passage import PassageScreen

        self.app.push_screen(PassageScreen(source, None))

    def action_source(self, number: int) -> None:
        """Open a source by its number."""
        for source in self.card.sources if self.card is not None else ():
            if source.number == number:
                self._open_source(source)

    def action_sources(self) -> None:
        """List all sources, to open one of them."""
        from tui.screens.sources import SourcesScreen

        def chosen(source: Source | None) -> None:
            if source is not None:
                self._open_source(source)

        if self.card is not None and self.card.sources:
            self.app.push_screen(SourcesScreen(self.card.sources), chosen)

    def action_other(self) -> None:
        """Ask for another model."""
        from tui.screens.model_name import ModelNameScreen

        def named(name: str | None) -> None:
            if name:
                self._open(name)

        self.app.push_screen(ModelNameScreen("Whose card?"), named)

    def action_copy(self) -> None:
        """Copy the card."""
        if self.card is not None:
            self.app.copy_to_clipboard(as_markdown(self.card))
            self.tell(f"Copied the card of {self.card.name} as Markdown")

    def action_copy_command(self) -> None:
        """Copy a line that gets or runs it; pressing again takes the next one."""
        commands = self.card.commands if self.card is not None else ()
        if not commands:
            self.tell("There is not a command to copy here")
            return
        place = self._next_command % len(commands)
        self._next_command += 1
        self.app.copy_to_clipboard(commands[place].shell)
        self.tell(f"Copied the command ({place + 1} of {len(commands)}): {commands[place].label}")

    def action_compare(self) -> None:
        """Put the model beside the options of the recommendation."""
        from tui.screens.compare import CompareScreen

        if self._name:
            self.app.push_screen(CompareScreen(self._recommendation, beside=self._name))

    def action_pictures(self) -> None:
        """Pictures of the model, as the chat opens them."""
        if self._name:
            self.show_pictures(self._name)
