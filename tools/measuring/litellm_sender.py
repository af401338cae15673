"""Sends rounds of requests through LiteLLM, for providers with an interface of their own.

LiteLLM builds objects of every piece: with many answers at once its own work counts in what is measured.
Providers that speak OpenAI's format are therefore asked directly (`direct_address`), and only the others come
here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import warnings
from collections.abc import Sequence
from os import environ
from typing import Any

from knowledge.errors import AdvisorError, ServiceError, UsageError
from knowledge.keys import Key
from knowledge.litellm_setup import import_quietly
from tools.measuring.asking import Address, broken, read_address, refusal
from tools.measuring.pieces import Pieces
from tools.measuring.samples import Sample, Stated
from tools.measuring.wire import SEED

_BASES = {"openai": "https://api.openai.com/v1"}
_STATUS_WORDS = {"AuthenticationError": 401, "NotFoundError": 404, "RateLimitError": 429}


def direct_address(model: str, key: Key) -> tuple[Address, str, str] | None:
    """Address, model and key where the provider speaks OpenAI's format; None for the others.

    Loads LiteLLM: call it in a thread.

    Raises:
        UsageError: LiteLLM knows no provider of this name.
    """
    litellm = import_quietly()
    try:
        name, provider, found_key, base = litellm.get_llm_provider(model)
    except Exception:
        raise UsageError(
            f"LiteLLM knows no provider for the model `{model[:80]}`.",
            hint="Write the provider first, for example openai/gpt-4.1-mini.",
        ) from None
    if provider != "openai" and provider not in litellm.openai_compatible_providers:
        return None
    if provider == "openai":
        base = base or environ.get("OPENAI_BASE_URL") or environ.get("OPENAI_API_BASE") or _BASES["openai"]
    secret = key.value or found_key or _of_environment(key)
    return (read_address(base, whole=True), name, secret) if base else None


def _of_environment(key: Key) -> str:
    return environ.get(key.variable, "") if key.variable else ""


class LiteLLMSender:
    """One model of LiteLLM; close it when done."""

    def __init__(self, model: str, label: str, key: Key) -> None:
        self._model = model
        self._label = label
        self._key = key.value

    async def close(self) -> None:
        """Closes what LiteLLM keeps open for later requests."""
        from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER
        from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

        with contextlib.suppress(Exception):
            await close_litellm_async_clients()  # type: ignore[no-untyped-call]
        with contextlib.suppress(Exception):
            await GLOBAL_LOGGING_WORKER.stop()

    async def adapted(self, prompt: str, output_tokens: int) -> Sample:
        """One request; LiteLLM itself leaves out what a provider does not take.

        Raises:
            AdvisorError: as `round`.
        """
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # what LiteLLM imports at its first request warns of its own types
            return (await self.round([prompt], output_tokens))[0]

    async def round(self, prompts: Sequence[str], output_tokens: int) -> tuple[Sample, ...]:
        """Sends the prompts at once; what came back when all are answered.

        Raises:
            AdvisorError: the provider refused, broke off, or cannot be reached.
        """
        litellm = await asyncio.to_thread(import_quietly)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(litellm, text, output_tokens)) for text in prompts]
        except ExceptionGroup as failed:
            raise self._meaning(failed.exceptions[0]) from None
        return tuple(task.result() for task in tasks)

    async def _one(self, litellm: Any, prompt: str, output_tokens: int) -> Sample:  # noqa: ANN401
        sent = time.perf_counter()
        stream = await litellm.acompletion(
            model=self._model,
            messages=[{"role": "user", "content": prompt}],
            stream=True,
            temperature=0,
            seed=SEED,
            max_tokens=output_tokens,
            drop_params=True,
            max_retries=0,
            stream_options={"include_usage": True},
            **({"api_key": self._key} if self._key else {}),
        )
        pieces, stated = Pieces(), Stated()
        try:
            async for chunk in stream:
                at = time.perf_counter()
                delta = chunk.choices[0].delta if chunk.choices else None
                pieces.add(at, getattr(delta, "content", None), getattr(delta, "reasoning_content", None))
                stated = _stated(getattr(chunk, "usage", None), stream) or stated
        finally:
            with contextlib.suppress(Exception):
                await stream.aclose()
        if not pieces.moments:
            raise broken(self._label, "", "empty")
        return pieces.sample(len(prompt.split()), sent, stated)

    def _meaning(self, error: Exception) -> AdvisorError:
        if isinstance(error, AdvisorError):
            return error
        kinds = {kind.__name__ for kind in type(error).__mro__}
        status = next((code for name, code in _STATUS_WORDS.items() if name in kinds), None)
        status = status or getattr(error, "status_code", None)
        if "APIConnectionError" in kinds or not isinstance(status, int):
            return ServiceError(
                f"{self._label} cannot be reached.",
                hint="Check the network and the address.",
                code="unreachable",
            )
        return refusal(self._label, self._model, status, str(error)[:4000])


def _stated(usage: Any, stream: Any) -> Stated | None:  # noqa: ANN401 - LiteLLM has no types
    """The provider's count; None where LiteLLM made one up with a tokenizer of its own."""
    theirs = any(getattr(chunk, "usage", None) is not None for chunk in getattr(stream, "chunks", ()))
    if not theirs or not getattr(usage, "completion_tokens", None):
        return None
    thought = getattr(getattr(usage, "completion_tokens_details", None), "reasoning_tokens", None)
    cached = getattr(getattr(usage, "prompt_tokens_details", None), "cached_tokens", None)
    return Stated(usage.prompt_tokens or None, usage.completion_tokens, thought or None, cached or None)
