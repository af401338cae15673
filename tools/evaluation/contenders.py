"""The models of a run: what each needs, can and honours, asked once before it starts."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from knowledge.catalog.api_models import read_price_map
from knowledge.ollama import is_this_machine
from tools.evaluation.plan import THINKING_TOKENS, Plan
from tools.model_calls.client import load, settings_sent
from tools.model_calls.errors import OLLAMA, ModelError
from tools.model_calls.profiles import (
    Profile,
    api_profile,
    ollama_address,
    ollama_profile,
    show,
    split_model,
)
from tools.model_calls.tokens import most_tokens
from tools.ollama_models import digest_of
from tools.token_price import FREE

COMPATIBLE = "custom_openai"
"""LiteLLM's provider for servers that imitate OpenAI: it sends names and parameters on as they are."""
WINDOW_STEP = 1_024
SMALLEST_WINDOW = 4_096
JUDGE_TOKENS = 1_500
REASONING_TOKENS = 4_000
"""That an API model gets beside its answer, which may reason on the same account."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One model, ready to be asked."""

    label: str
    """As the person named it."""
    profile: Profile
    reasoning_tokens: int
    """Tokens of an answer beside those of the rubric."""
    honors: dict[str, str]
    """Of `temperature` and `seed`: whether the model takes them, in a word or two."""
    digest: str | None = None
    """Of what its name stands for at Ollama now; None where no server says."""

    @property
    def provider(self) -> str:
        """Whose limits of rate hold: the server's address where it is known."""
        return self.profile.base_url or self.profile.provider

    @property
    def about(self) -> dict[str, Any]:
        """What the report tells of it."""
        profile = self.profile
        return {
            "server": profile.server,
            "honors": self.honors,
            "note": profile.note,
            "priced": profile.price is not None,
            **({"digest": self.digest} if self.digest is not None else {}),
        }


async def contender(plan: Plan, model: str, *, as_judge: bool = False) -> Contender:
    """Finds out what a model needs; asks Ollama about its own ones, and loads LiteLLM.

    Raises:
        ModelError: it cannot be used as things are.
    """
    answer = JUDGE_TOKENS if as_judge else most_answer(plan)
    endpoint = plan.judge_endpoint if as_judge else plan.endpoint
    digest = None
    if endpoint is not None:
        variable = plan.judge_key_variable if as_judge else plan.key_variable
        profile = _at_endpoint(model, endpoint, variable)
        more = THINKING_TOKENS if plan.settings.thinking and not as_judge else 0
    elif split_model(model)[0] == OLLAMA:
        profile, more = await _on_ollama(
            plan, model, answer, thinking=plan.settings.thinking and not as_judge
        )
        digest = await asyncio.to_thread(digest_of, split_model(model)[1])
    else:
        profile = await asyncio.to_thread(api_profile, model, *split_model(model))
        more = reasoning_room(model)
    profile = replace(profile, answer_tokens=answer + more)
    return Contender(model, profile, more, await asyncio.to_thread(_honors, plan, profile), digest)


def most_answer(plan: Plan) -> int:
    """Tokens of the longest answer that the rubric allows."""
    own = [each.max_tokens for each in plan.rubric.scenarios if each.max_tokens is not None]
    return max(plan.rubric.max_tokens, *own, 1)


def reasoning_room(model: str) -> int:
    """Tokens that an API model gets beside its answer, where the price map says that it thinks."""
    prices = read_price_map()
    row = prices.record(model) or prices.record(split_model(model)[1])
    return REASONING_TOKENS if row is not None and row.thinking is True else 0


def _at_endpoint(model: str, endpoint: str, variable: str | None) -> Profile:
    # A key has to be sent, and OpenAI's own must not go to another server.
    key = os.environ.get(variable, "").strip() if variable is not None else "none"
    if not key:
        raise ModelError(
            "no_key", f"{variable} is not set.", "Put the key of the endpoint into that variable."
        )
    return Profile(
        f"{COMPATIBLE}/{model}",
        model,
        COMPATIBLE,
        urlsplit(endpoint).netloc,
        base_url=endpoint,
        price=FREE if is_this_machine(endpoint) else None,
        api_key=key,
    )


async def _on_ollama(plan: Plan, model: str, answer: int, *, thinking: bool) -> tuple[Profile, int]:
    url = ollama_address()
    shown = await show(url, split_model(model)[1], 3.0)
    capabilities = shown.get("capabilities")
    reasons = thinking and isinstance(capabilities, list) and "thinking" in capabilities
    more = THINKING_TOKENS if reasons else 0
    profile = ollama_profile(model, url, shown, context=_window(plan, answer + more), answer_tokens=answer)
    if thinking:
        options = {key: value for key, value in profile.options.items() if key != "reasoning_effort"}
        profile = replace(profile, options=options)
    return profile, more


def _window(plan: Plan, answer: int) -> int:
    """One window for all scenarios: a changing one makes Ollama load the model again."""
    longest = 0
    for scenario in plan.rubric.scenarios:
        tools = plan.rubric.tools if scenario.tools is None else scenario.tools
        rows: list[dict[str, Any]] = [message.model_dump(mode="json") for message in scenario.turns()]
        rows.append({"system": scenario.system or plan.rubric.system or ""})
        # A byte is at least half a token's third: prompts of any language fit in half of their bytes.
        prompt = most_tokens(rows, [tool.as_request() for tool in tools]) // 2
        longest = max(longest, prompt + answer * scenario.model_turns)
    return max(SMALLEST_WINDOW, -(-longest // WINDOW_STEP) * WINDOW_STEP)


def _honors(plan: Plan, profile: Profile) -> dict[str, str]:
    """What is sent of the settings that make answers alike; the rest is left out of requests."""
    load()  # here, where it counts as nobody's time to answer
    names = ("temperature", "seed")
    if profile.provider == COMPATIBLE:
        return dict.fromkeys(names, "sent; whether the server heeds it is not known")
    sent = settings_sent(profile, plan.settings.temperature, plan.settings.seed)
    return {name: "sent" if name in sent else "not taken by this model" for name in names}
