"""The chat's actions on the model behind the conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from textual.message import Message as UIMessage

from agent.events import Confirm, Event
from agent.protocol import Models
from tui.model_commands import cost_turn
from tui.screens.chat_actions import ConversationActions
from tui.turns import Input


class Switched(UIMessage):
    """Another model words the answers from now on."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = model


def model_turn(given: Input) -> Callable[[Models], AsyncIterator[Event]]:
    """What an input does with the models of a session."""
    if given.kind == "model":
        return lambda models: models.switch(given.text)
    if given.kind == "pull":
        return lambda models: models.pull(given.text, confirmed=given.confirmed)
    return cost_turn


class ModelActions(ConversationActions):
    """Switching, downloading and counting; the chat itself adds the turns."""

    def action_pull(self, name: str = "") -> None:
        """Download a model into Ollama; it is asked before."""
        if name:
            self.submit(Input("pull", name))
        else:
            self.flash("/pull takes the name of a model, such as qwen3:4b", "warning")

    def confirm_pull(self, event: Confirm) -> None:
        """Asks before a download."""
        from tui.screens.choose import ChooseScreen

        def chosen(answer: str | None) -> None:
            if answer == "yes":
                self.submit(Input("pull", event.model, confirmed=True))
            else:
                self.flash("Nothing is downloaded")

        options = (("no", "No"), ("yes", f"Yes, download {event.model}"))
        self.app.push_screen(ChooseScreen("Download a model", event.text, options), chosen)

    def action_model(self, name: str = "") -> None:
        """Another model words the answers; without a name there is a list to choose from."""
        if name:
            self.submit(Input("model", name))
            return
        from tui.screens.choose import MODEL_OPTIONS, MODEL_TEXT, ChooseScreen, server_models

        def chosen(model: str | None) -> None:
            if model is not None:
                self.submit(Input("model", model))

        screen = ChooseScreen("Who words the answers", MODEL_TEXT, MODEL_OPTIONS, more=server_models)
        self.app.push_screen(screen, chosen)

    def action_measure(self) -> None:
        """Measure what was recommended; what it takes is told before."""
        self.submit(Input("say", "measure"))

    def action_cost(self) -> None:
        """What the conversation cost so far."""
        self.submit(Input("cost"))
