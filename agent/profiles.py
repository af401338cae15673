"""The profile of a conversation's model: its window is the one in which every prompt of ours fits."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from agent.prompt_budget import Window, answer_tokens, window_for
from agent.voice import VoiceError
from knowledge.errors import AdvisorError
from knowledge.ollama import is_this_machine
from tools.hardware import detect_machine
from tools.model_calls.errors import OLLAMA
from tools.model_calls.profiles import (
    CONNECT_SECONDS,
    KEEP_ALIVE,
    Profile,
    api_profile,
    ollama_address,
    ollama_profile,
    post,
    show,
    split_model,
)
from tools.ollama_models import ServerModel, list_models, loaded_bytes, with_details


async def read_profile(model: str, connect_seconds: float = CONNECT_SECONDS) -> Profile:
    """The profile of a model; asks Ollama once what its model can, and looks for the key of any other.

    Raises:
        VoiceError: Ollama does not answer or does not have the model, or there is no key.
    """
    provider, name = split_model(model)
    if provider == OLLAMA:
        return await _ollama_profile(model, name, connect_seconds)
    return await asyncio.to_thread(api_profile, model, provider, name)


async def _ollama_profile(model: str, name: str, connect_seconds: float) -> Profile:
    url = ollama_address()
    shown = await show(url, name, connect_seconds)
    window = await asyncio.to_thread(_window, name, shown, url)
    return ollama_profile(
        model,
        url,
        shown,
        context=window.tokens,
        answer_tokens=answer_tokens(window.tokens),
        note=window.note,
    )


def _window(name: str, shown: dict[str, Any], url: str) -> Window:
    """The window of this session, by the model's shape and the memory of the machine that serves it."""
    bare = name.removesuffix(":latest")
    if not is_this_machine(url):
        return window_for(with_details(ServerModel(bare, 0), shown), None)
    try:
        listed = next((one for one in list_models(details=False) if one.name == bare), None)
    except AdvisorError:
        listed = None
    return window_for(with_details(listed or ServerModel(bare, 0), shown), detect_machine(), loaded_bytes())


async def preload(profile: Profile, limit_seconds: float) -> None:
    """Makes Ollama load the model with the session's window; does nothing for other providers.

    It is an offer: what goes wrong is said by the first request. Cancelling it cancels the loading.
    """
    if profile.base_url is None or profile.provider != OLLAMA:
        return
    body = {
        "model": profile.name,
        "stream": False,
        "keep_alive": KEEP_ALIVE,
        "options": {"num_ctx": profile.options["num_ctx"]},
    }
    with contextlib.suppress(VoiceError):
        await post(profile.base_url, "/api/generate", body, profile.name, limit_seconds, CONNECT_SECONDS)
