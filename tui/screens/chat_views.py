"""What opens over the chat: sources, pictures, comparison, model card, evidence, conversations, settings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textual import on, work

from tui.claims import Source
from tui.record import Record
from tui.screens.chat_model import ModelActions
from tui.widgets.messages import CopyText, ListSources, OpenSource, ShowEvidence
from tui.widgets.needs_panel import NeedsPanel
from tui.widgets.recommendation import RecommendationBlock


class ViewActions(ModelActions):
    """Opens screens; each is imported when it is asked for."""

    record: Record
    session_name: str
    offline: bool
    """Nothing may go over the network."""
    look_file: Path | None
    """Keeps theme and signs."""
    detect: Callable[[], str] | None
    """Gives this machine's hardware in words."""

    @abstractmethod
    def action_hardware(self, text: str = "") -> None:
        """Let the machine be changed."""

    def last_answer(self) -> RecommendationBlock | None:
        """The focused recommendation, else the last one."""
        blocks = list(self.query(RecommendationBlock))
        found = [block for block in blocks if block.has_focus] or blocks[-1:]
        return found[0] if found else None

    @on(OpenSource)
    @work(exit_on_error=False)
    async def _open_source(self, event: OpenSource) -> None:
        from tui.screens.passage import PassageScreen

        passage, asked_from = None, self.app.focused
        if event.source.kind == "guide" and event.source.locator:
            passage = await self.bridge.passage(event.source.locator, event.source.quote)
        if self.app.focused is asked_from:  # else somebody went on meanwhile, and would type into it
            await self.app.push_screen(PassageScreen(event.source, passage))

    @on(ListSources)
    def _list_sources(self, event: ListSources) -> None:
        from tui.screens.sources import SourcesScreen

        def opened(source: Source | None) -> None:
            if source is not None:
                self.post_message(OpenSource(source))

        self.app.push_screen(SourcesScreen(event.sources), opened)

    @on(CopyText)
    def _copy(self, event: CopyText) -> None:
        if not event.text:
            self.flash(f"There is not {event.what} to copy here", "warning")
            return
        self.app.copy_to_clipboard(event.text)
        self.flash(f"Copied {event.what}")

    @on(RecommendationBlock.Export)
    def _exported(self) -> None:
        self.action_export()

    @on(RecommendationBlock.Pictures)
    def _pictures(self) -> None:
        self.action_pictures()

    def action_pictures(self, model: str = "") -> None:
        """Memory, speed, quality, score and cost, drawn; of the option shown unless a model is named."""
        from tui.screens.pictures import PicturesScreen

        block = self.last_answer()
        raw = block.answer.raw if block else {}
        self.app.push_screen(PicturesScreen(raw, block.selected if block else 0, model))

    def action_compare(self, models: str = "") -> None:
        """Models side by side; those of the recommendation unless some are named."""
        from tui.screens.compare import CompareScreen

        self.app.push_screen(CompareScreen(self._decided(), models))

    def action_card(self, model: str = "") -> None:
        """The card of a model; of the option shown unless one is named."""
        from tui.screens.card import CardScreen

        block = self.last_answer()
        self.app.push_screen(CardScreen(self._decided(), block.selected if block else 0, model))

    def _decided(self) -> Mapping[str, Any]:
        """The recommendation; before there is one, the needs alone, which hold the machine."""
        block = self.last_answer()
        return block.answer.raw if block else {"needs": self.query_one(NeedsPanel).raw}

    @on(RecommendationBlock.Card)
    def _card_asked(self) -> None:
        self.action_card()

    @on(RecommendationBlock.Compare)
    def _compare_asked(self) -> None:
        self.action_compare()

    def action_evidence(self) -> None:
        """What was computed and looked up so far."""
        from tui.screens.evidence import EvidenceScreen

        self.app.push_screen(EvidenceScreen(self.record, self.bridge))

    @on(ShowEvidence)
    def _show_evidence(self, event: ShowEvidence) -> None:
        from tui.screens.evidence import EvidenceScreen

        place = self.record.turn_of(event.text, event.recommendation)
        self.app.push_screen(EvidenceScreen(self.record, self.bridge, place))

    def action_sessions(self) -> None:
        """The saved conversations; one that is chosen is gone on with."""
        from tui.screens.sessions import Opening, SessionsScreen

        def chosen(opening: Opening | None) -> None:
            if opening is not None:
                action = f"open_conversation({opening.name!r}, {opening.copy})"
                self.app.call_later(self.app.run_action, action)

        self.app.push_screen(SessionsScreen(self.session_name, offline=self.offline), chosen)

    def action_new(self) -> None:
        """Another conversation, from the beginning."""
        self.app.call_later(self.app.run_action, "open_conversation('')")

    def action_settings(self) -> None:
        """What is set."""
        from tui.screens.settings import SettingsScreen

        self.app.push_screen(SettingsScreen(self.look_file))

    def action_setup(self) -> None:
        """What was found on this machine, and who may word the answers."""
        from tui.screens.first_run import FirstRunScreen, SetUp

        def chosen(choice: SetUp | None) -> None:
            if choice is None:
                return
            if choice.edit_hardware:
                self.action_hardware()
            else:
                self.action_model(choice.model)

        self.app.push_screen(FirstRunScreen(self.detect, offline=self.offline), chosen)
