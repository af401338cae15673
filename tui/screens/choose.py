"""A sheet with a few options: who words the answers, or whether to download a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

from knowledge.errors import AdvisorError
from tui.plaintext import clean
from tui.widgets.text import PlainText, styled

Options = Sequence[tuple[str, str]]
MODEL_TEXT = "For an API model, type /model and its LiteLLM name, such as /model openai/gpt-4.1-mini."
MODEL_OPTIONS: Options = (
    ("guided", "guided: built in, needs nothing"),
    ("auto", "auto: the best model of Ollama that fits this machine"),
)


def server_models() -> Options:
    """The chat models of the Ollama server; none where it does not answer. Takes up to three seconds."""
    from tools.ollama_models import list_models

    try:
        models = [model for model in list_models() if model.chats]
    except AdvisorError:
        return ()
    return [
        (f"ollama_chat/{model.name}", f"{model.name}: {_about(model.size_bytes, model.tools, model.remote)}")
        for model in models
    ]


def _about(size: int, tools: bool, remote: bool) -> str:
    where = "runs elsewhere" if remote else f"{size / 1e9:.1f} GB"
    return f"{where}, {'calls tools' if tools else 'does not call tools'}"


class ChooseScreen(ModalScreen[str | None]):
    """Gives the name of the chosen option; Esc goes back without."""

    help_topic = "The model behind it"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Back")]

    def __init__(
        self, title: str, text: str, options: Options, more: Callable[[], Options] | None = None
    ) -> None:
        """What to choose from.

        Args:
            title: the heading.
            text: what is to be known before.
            options: each a name and its words.
            more: further ones that take a while; asked in a thread.
        """
        super().__init__()
        self._title, self._text = title, text
        self._options = list(options)
        self._more = more

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet"):
            yield PlainText(self._title, classes="title")
            yield PlainText(self._text, classes="place")
            yield OptionList(*(_option(words) for _, words in self._options), markup=False, compact=True)
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        if self._more is not None:
            self._ask(self._more)

    @work(thread=True, exit_on_error=False)
    def _ask(self, more: Callable[[], Options]) -> None:
        self.app.call_from_thread(self._add, more())

    def _add(self, options: Options) -> None:
        if self.is_mounted:
            self._options += options
            self.query_one(OptionList).add_options(_option(words) for _, words in options)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._options[event.option_index][0])


def _option(words: str) -> Option:
    return Option(styled(clean(words, one_line=True)))
