"""What a provider needs and can: decided once, so that no other module asks which provider it is."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
from dataclasses import dataclass, field
from typing import Any

from agent.llm_errors import OLLAMA, explained, named
from agent.voice import VoiceError
from knowledge.errors import UsageError
from knowledge.ollama import ollama_url

LONGEST_CONTEXT = 16_384
"""Tokens that are asked of Ollama at most: memory for more would be taken from the person's own use."""
API_CONTEXT = 32_000
"""Tokens that a prompt to an API may take; longer ones cost money without being read better."""
ANSWER_TOKENS = 1_200
"""Of a local model, whose reasoning is switched off."""
API_ANSWER_TOKENS = 4_000
"""Of an API model, which may reason on the same account."""
KEEP_ALIVE = "30m"
CONNECT_SECONDS = 3.0
SHOW_SECONDS = 15.0
NO_THINKING = {"gpt-oss": "low"}
"""Models that cannot leave their reasoning out, with the least they can do. Rewording needs none."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One model behind one provider."""

    model: str
    """As LiteLLM takes it."""
    name: str
    """For people, and for `ollama pull`: without Ollama's prefix."""
    provider: str
    server: str
    """Who answers: an address or the provider's name."""
    base_url: str | None = None
    """None where LiteLLM knows the address."""
    tools: bool = True
    context: int = API_CONTEXT
    """Tokens of prompt and answer together."""
    answer_tokens: int = API_ANSWER_TOKENS
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments of every request, the same all session long: a changing `num_ctx` makes Ollama load the model
    again (https://github.com/Aider-AI/aider/issues/4687)."""
    waiting: str = "waiting for the model"
    note: str | None = None


def split_model(model: str) -> tuple[str, str]:
    """Provider and name: `ollama_chat/qwen3:8b` is (`ollama`, `qwen3:8b`)."""
    provider, _, name = model.partition("/")
    if not name:
        return "", model
    return (OLLAMA if provider in ("ollama", "ollama_chat") else provider), name


async def read_profile(model: str) -> Profile:
    """The profile of a model; asks Ollama once what its model can.

    Raises:
        VoiceError: Ollama does not answer or does not have the model.
    """
    provider, name = split_model(model)
    if provider != OLLAMA:
        return Profile(model, model, provider, provider or f"The provider of {name}")
    return await _ollama_profile(model, name)


async def _ollama_profile(model: str, name: str) -> Profile:
    try:
        url = ollama_url()
    except UsageError as error:
        raise VoiceError("address", error.message, error.hint) from None
    shown = await _show(url, name)
    capabilities = shown.get("capabilities")
    # Servers before 0.6.4 do not say: the tools are tried, and a refusal is understood.
    can = set(capabilities) if isinstance(capabilities, list) else {"tools"}
    info = shown.get("model_info")
    lengths = [
        value
        for key, value in (info.items() if isinstance(info, dict) else ())
        if key.endswith(".context_length") and isinstance(value, int) and value > 0
    ]
    context = min([*lengths, LONGEST_CONTEXT])
    options: dict[str, Any] = {"num_ctx": context, "keep_alive": KEEP_ALIVE}
    if "thinking" in can:
        family = next((prefix for prefix in NO_THINKING if name.startswith(prefix)), None)
        options["reasoning_effort"] = NO_THINKING[family] if family else "none"
    note = (
        f"{model} is used as ollama_chat/{name}, Ollama's chat interface."
        if model.startswith("ollama/")
        else None
    )
    return Profile(
        f"ollama_chat/{name}",
        name,
        OLLAMA,
        url,
        base_url=url,
        tools="tools" in can,
        context=context,
        answer_tokens=min(ANSWER_TOKENS, context // 4),
        options=options,
        waiting="the model is loading",
        note=note,
    )


async def _show(url: str, name: str) -> dict[str, Any]:
    """Ollama's `/api/show`."""
    await asyncio.to_thread(importlib.import_module, "httpx")
    import httpx

    timeout = httpx.Timeout(SHOW_SECONDS, connect=CONNECT_SECONDS)
    key = os.environ.get("OLLAMA_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # Certificates take 50 ms of the event loop to load, and a proxy is of no use on the way to this machine.
    secure = url.startswith("https:")
    try:
        async with httpx.AsyncClient(timeout=timeout, verify=secure, trust_env=secure) as client:
            response = await client.post(f"{url}/api/show", json={"model": name}, headers=headers)
            if response.status_code == 404 and re.search("model|not found", response.text):
                raise named("model_missing", url, name, OLLAMA)
            response.raise_for_status()
            document = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise explained(error, url, name, OLLAMA) from None
    if not isinstance(document, dict):
        raise named("malformed", url, name, OLLAMA)
    return document
