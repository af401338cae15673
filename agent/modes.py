"""Which model words the answers: named by the person, or found with `auto`.

`auto` is a reachable Ollama with a model that fits, else guided. It is asked once, with short time limits, on
the way to the first event; nothing is asked where the network is forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.errors import AdvisorError, ServiceError, UsageError
from knowledge.ollama import is_this_machine, ollama_url
from knowledge.settings import Settings
from tools.model_calls.client import Limits

GUIDED = "guided"
AUTO = "auto"
OLLAMA_PREFIX = "ollama_chat/"


@dataclass(frozen=True, slots=True)
class Choice:
    """A mode, and what is to be said of it."""

    model: str
    """`guided` or a LiteLLM model."""
    note: str | None = None
    pull: str | None = None
    """A model to pull, where the server has none that fits."""


def mode_of(model: str) -> str:
    """`guided`, `ollama` or `api`."""
    if model == GUIDED:
        return GUIDED
    return "ollama" if model.split("/", 1)[0] in ("ollama", "ollama_chat") else "api"


def wanted_model(given: str | None, settings: Settings, *, offline: bool) -> Choice:
    """What the command line says, else the settings and the environment, else guided.

    Raises:
        UsageError: a model was named for this call, and the network forbidden.
    """
    named = given or settings.model or GUIDED
    if not offline or named == GUIDED:
        return Choice(named)
    if named == AUTO:
        return Choice(GUIDED, "Guided mode, because --offline forbids to ask for a model server.")
    if given is None:
        return Choice(GUIDED, f"Guided mode: the settings name {named}, and --offline forbids the network.")
    raise UsageError(
        f"--offline forbids the network, and {named} needs it.",
        hint="Leave out --offline or use --model guided.",
    )


def limits_of(settings: Settings) -> Limits:
    """How long to wait for a model server."""
    return Limits(
        settings.connect_seconds,
        settings.first_token_seconds,
        settings.idle_seconds,
        understanding=settings.understanding_seconds,
    )


def find_model() -> Choice:
    """What `auto` means now: asks Ollama what it has; takes a second or two at most.

    Call it in a thread.
    """
    from tools.chat_model import choose_model
    from tools.hardware import detect_machine
    from tools.ollama_models import list_models, loaded_bytes

    try:
        url = ollama_url()
        models = list_models()
    except ServiceError as error:
        return Choice(GUIDED, f"Guided mode: {_lower(error.message)} {error.hint}")
    except AdvisorError as error:
        return Choice(GUIDED, f"Guided mode: {error.message} {error.hint}")
    machine = detect_machine() if is_this_machine(url) else None
    chosen = choose_model(models, machine, loaded_bytes())
    if chosen is None:
        return _none_fits(url, bool(models))
    return Choice(f"{OLLAMA_PREFIX}{chosen.model.name}", f"{chosen.model.name} on Ollama, {chosen.why}.")


def _none_fits(url: str, has_models: bool) -> Choice:
    """Guided mode, with the model to pull."""
    from tools.chat_model import suggest_pull
    from tools.hardware import detect_machine

    found = "has no model that chats and fits this machine" if has_models else "has no model yet"
    suggested = suggest_pull(detect_machine() if is_this_machine(url) else None)
    if suggested is None:
        return Choice(GUIDED, f"Guided mode: Ollama at {url} {found}, and none that is known would fit.")
    return Choice(
        GUIDED,
        f"Guided mode: Ollama at {url} {found}. Get one with `ollama pull {suggested.tag}` "
        f"({suggested.why}), "
        f"or here with /pull {suggested.tag}.",
        suggested.tag,
    )


def _lower(sentence: str) -> str:
    """A sentence after a colon; names keep their capital."""
    return sentence if sentence.startswith("Ollama") else sentence[:1].lower() + sentence[1:]
