"""The one prompt: how to choose a model with these tools."""

from __future__ import annotations

from collections.abc import Mapping

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    GetPromptResult,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
)

CHOOSE = "choose_model"
DESCRIPTION = "Choose the language model for a need, with the advisor's tools."
ARGUMENTS = {
    "need": "what the model is for, in any words",
    "hardware": "the machine it should run on, such as RTX 3060 12GB",
    "license": "the intended use, such as commercial",
}
STEPS = """Help me choose a language model.
{given}
Call `recommend` with what I said; leave out what I did not say. Where it names something that would change \
the choice and only I can know it, ask me one short question. Then give me the first option and two others, \
with memory in GiB, tokens per second, license and what speaks for each. Take every number from a tool's \
answer: say which are estimates, cite guide passages by file and lines, and say so where something is \
unknown."""


def listed() -> list[Prompt]:
    """The prompts."""
    arguments = [
        PromptArgument(name=name, description=text, required=name == "need")
        for name, text in ARGUMENTS.items()
    ]
    return [Prompt(name=CHOOSE, title="Choose a model", description=DESCRIPTION, arguments=arguments)]


def filled(name: str, given: Mapping[str, str]) -> GetPromptResult:
    """The prompt with what was given.

    Raises:
        MCPError: There is no such prompt, or the need is missing.
    """
    if name != CHOOSE:
        raise MCPError(INVALID_PARAMS, f"There is no prompt `{name[:60]}`; there is {CHOOSE}.")
    if not given.get("need", "").strip():
        raise MCPError(INVALID_PARAMS, f"{CHOOSE} needs the argument `need`: {ARGUMENTS['need']}.")
    said = "\n".join(
        f"- {known}: {' '.join(given[known].split())[:2000]}" for known in ARGUMENTS if given.get(known)
    )
    text = STEPS.format(given=said)
    message = PromptMessage(role="user", content=TextContent(type="text", text=text))
    return GetPromptResult(description=DESCRIPTION, messages=[message])
