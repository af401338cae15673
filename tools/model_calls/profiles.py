"""What a provider needs and can: decided once, so that no other module asks which provider it is."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
from dataclasses import dataclass, field
from typing import Any

from knowledge.catalog.api_models import read_price_map
from knowledge.errors import UsageError
from knowledge.keys import find_key
from knowledge.ollama import ollama_url
from tools.model_calls.errors import OLLAMA, ModelError, explained, named
from tools.token_price import FREE, Price, price_of

API_CONTEXT = 32_000
"""Tokens that a prompt to an API may take; longer ones cost money without being read better."""
API_ANSWER_TOKENS = 4_000
"""Of an API model, which may reason on the same account."""
KEEP_ALIVE = "30m"
CONNECT_SECONDS = 3.0
"""Where nothing else is set."""
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
    price: Price | None = None
    """None where it is not known."""
    api_key: str = field(default="", repr=False)
    """Only of a key from the keyring: LiteLLM reads the environment itself."""
    waiting: str = "waiting for the model"
    note: str | None = None


def split_model(model: str) -> tuple[str, str]:
    """Provider and name: `ollama_chat/qwen3:8b` is (`ollama`, `qwen3:8b`)."""
    provider, _, name = model.partition("/")
    if not name:
        return "", model
    return (OLLAMA if provider in ("ollama", "ollama_chat") else provider), name


def api_profile(model: str, provider: str, name: str) -> Profile:
    """The profile of an API model, from the price map and the key; the keyring may take seconds.

    Raises:
        ModelError: there is no key.
    """
    key = find_key(model)
    if key.missing:
        raise ModelError("no_key", f"There is no key for {model}: {key.variable} is not set.", key.hint)
    prices = read_price_map()
    row = prices.record(model) or prices.record(name)
    window = min(API_CONTEXT, row.max_input_tokens or API_CONTEXT) if row else API_CONTEXT
    answer = min(API_ANSWER_TOKENS, row.max_output_tokens or API_ANSWER_TOKENS) if row else API_ANSWER_TOKENS
    return Profile(
        model,
        model,
        provider,
        provider or f"The provider of {name}",
        tools=row is None or row.tool_calling is not False,
        context=window,
        answer_tokens=min(answer, window // 4),
        price=price_of(model),
        api_key=key.value,
    )


def ollama_profile(
    model: str, url: str, shown: dict[str, Any], *, context: int, answer_tokens: int, note: str | None = None
) -> Profile:
    """The profile of a model of Ollama, with its reasoning kept short.

    Args:
        model: as the person named it, with its prefix.
        url: where the server answers.
        shown: what `/api/show` says of it.
        context: tokens of prompt and answer together, the same for all requests.
        answer_tokens: that an answer may have.
        note: what is to be said of the window.
    """
    name = split_model(model)[1]
    capabilities = shown.get("capabilities")
    # Servers before 0.6.4 do not say: the tools are tried, and a refusal is understood.
    can = set(capabilities) if isinstance(capabilities, list) else {"tools"}
    options: dict[str, Any] = {"num_ctx": context, "keep_alive": KEEP_ALIVE}
    if "thinking" in can:
        family = next((prefix for prefix in NO_THINKING if name.startswith(prefix)), None)
        options["reasoning_effort"] = NO_THINKING[family] if family else "none"
    notes = [note] if note else []
    if model.startswith("ollama/"):
        notes.append(f"{model} is used as ollama_chat/{name}, Ollama's chat interface.")
    return Profile(
        f"ollama_chat/{name}",
        name,
        OLLAMA,
        url,
        base_url=url,
        tools="tools" in can,
        context=context,
        answer_tokens=answer_tokens,
        options=options,
        price=None if shown.get("remote_host") else FREE,
        waiting="the model is loading",
        note=" ".join(notes) or None,
    )


def ollama_address() -> str:
    """Where Ollama answers.

    Raises:
        ModelError: what is set is no address.
    """
    try:
        return ollama_url()
    except UsageError as error:
        raise ModelError("address", error.message, error.hint) from None


async def show(url: str, name: str, connect_seconds: float) -> dict[str, Any]:
    """Ollama's `/api/show`.

    Raises:
        ModelError: the server does not answer, or does not have the model.
    """
    return await post(url, "/api/show", {"model": name}, name, SHOW_SECONDS, connect_seconds)


async def post(
    url: str, path: str, body: dict[str, Any], name: str, seconds: float, connect_seconds: float
) -> dict[str, Any]:
    """One answer of Ollama.

    Raises:
        ModelError: the server does not answer, does not have the model, or is no Ollama.
    """
    await asyncio.to_thread(importlib.import_module, "httpx")
    import httpx

    timeout = httpx.Timeout(seconds, connect=connect_seconds)
    key = os.environ.get("OLLAMA_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # Certificates take 50 ms of the event loop to load, and a proxy is of no use on the way to this machine.
    secure = url.startswith("https:")
    try:
        async with httpx.AsyncClient(timeout=timeout, verify=secure, trust_env=secure) as client:
            response = await client.post(f"{url}{path}", json=body, headers=headers)
            if response.status_code == 404 and re.search("model|not found", response.text):
                raise named("model_missing", url, name, OLLAMA)
            response.raise_for_status()
            document = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise explained(error, url, name, OLLAMA) from None
    if not isinstance(document, dict):
        raise named("malformed", url, name, OLLAMA)
    return document
