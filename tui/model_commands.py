"""The commands on the model behind the conversation, as they are typed and as JSON lines have them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from agent.events import Cost, Event, Mode, Progress, Ready
from agent.protocol import Models
from knowledge.errors import UsageError

HELP = (
    "/model NAME lets another model word the answers (guided, auto, ollama_chat/NAME or a LiteLLM model), "
    "/pull NAME downloads one into Ollama, /cost tells what the conversation cost"
)
JSON_COMMANDS = ("model", "pull", "cost")
GB = 1_000_000_000
BAR = 20
"""Signs of a progress bar."""


async def cost_turn(models: Models) -> AsyncIterator[Event]:
    """The count so far."""
    yield models.spent()


def typed(text: str) -> tuple[str, str] | None:
    """The command and its name in `/model NAME`, `/pull NAME` or `/cost`; None for anything else."""
    command, _, name = text.strip().partition(" ")
    if command in ("/model", "/pull") or (command == "/cost" and not name):
        return command.removeprefix("/"), name.strip()
    return None


def json_turn(models: Models, message: Mapping[str, object]) -> AsyncIterator[Event]:
    """The turn of `{"command": "model" | "pull" | "cost", ...}`.

    Raises:
        UsageError: it holds something else than it takes.
    """
    command, name = message["command"], message.get("model")
    keys = set(message) - {"command"}
    if command == "cost" and not keys:
        return cost_turn(models)
    if command == "model" and keys == {"model"} and isinstance(name, str):
        return models.switch(name)
    confirmed = message.get("confirm", False)
    if command == "pull" and isinstance(name, str) and keys <= {"model", "confirm"}:
        if isinstance(confirmed, bool):
            return models.pull(name, confirmed=confirmed)
        raise UsageError("`confirm` is true or false.", hint='Send {"command": "pull", "model": "qwen3:4b"}.')
    raise UsageError(
        f"The command `{command}` takes {'nothing' if command == 'cost' else 'a `model`'}.",
        hint='For example {"command": "model", "model": "auto"}.',
    )


def mode_words(event: Ready | Mode) -> str:
    """Who words the answers, and why where that was chosen for the person."""
    who = "guided mode" if event.model is None else f"{event.model} ({event.mode})"
    return event.note or f"Now in {who}."


def cost_words(cost: Cost) -> str:
    """The count in one line: dollars, the ceiling, tokens."""
    counted = cost.prompt_tokens or cost.answer_tokens
    if not counted and not cost.usd:
        most = "" if cost.max_usd is None else f", and at most {dollars(cost.max_usd)} will be spent"
        return f"nothing: only API models are counted{most}"
    # What an evaluation took is dollars without the conversation's own tokens.
    tokens = f", {cost.prompt_tokens:,} tokens in, {cost.answer_tokens:,} out" if counted else ""
    spent = "price not known" if cost.usd is None else dollars(cost.usd)
    about = "about " if cost.estimated and cost.usd is not None else ""
    ceiling = "" if cost.max_usd is None else f" of at most {dollars(cost.max_usd)}"
    return f"{about}{spent}{ceiling}{tokens}"


def dollars(usd: float) -> str:
    """Dollars with cents, and with four digits where cents are too coarse."""
    return f"${usd:,.2f}" if round(usd, 2) == usd else f"${usd:.4f}"


def progress_words(event: Progress, *, bar: bool) -> str:
    """How far a download, a measurement or an evaluation is."""
    share = event.share
    if share is None:
        return f"{event.model}: {event.step}"
    filled = round(share * BAR)
    drawn = f" [{'#' * filled}{'-' * (BAR - filled)}]" if bar else ""
    if event.total is None:
        sizes = f"{(event.completed_bytes or 0) / GB:.1f} of {(event.total_bytes or 0) / GB:.1f} GB"
        return f"{event.model}: {event.step}{drawn} {share:.0%}, {sizes}"
    left = "" if event.seconds_left is None else f", about {max(1, round(event.seconds_left))} s left"
    # The time first: names of models from a hub are long, and a narrow screen cuts the end.
    return f"{event.step} {event.done} of {event.total}{left}{drawn} {event.model.rpartition('/')[2]}"
