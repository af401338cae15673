"""Chats through LiteLLM: loaded late, quiet, with time limits, and with nothing left open.

LiteLLM asks Ollama on the event loop for the cost of a finished stream; that is kept away from the rest here,
and what is said of its import in `knowledge.litellm_setup`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from knowledge.litellm_setup import import_quietly, silence
from tools.model_calls.errors import OLLAMA, ModelError, explained, named, wait_before_retry
from tools.model_calls.profiles import CONNECT_SECONDS, Profile
from tools.model_calls.stream import Call, CallBuffer, ThinkFilter
from tools.model_calls.tokens import Usage

TEMPERATURE = 0.2
SEED = 7
AT_ONCE: dict[str, Any] = {"stream": False, "stream_options": None}
"""Options of a profile whose server does not stream."""
MOST_CHARACTERS_PER_TOKEN = 16
_LATE = (
    "litellm.responses.mcp.chat_completions_handler",
    "litellm.proxy.openai_files_endpoints.common_utils",
    "litellm.litellm_core_utils.default_encoding",
    "litellm._service_logger",
    "openai.resources.chat",
)
"""What LiteLLM imports at its first request: 0.8 s on the event loop, unless it is there already."""
_lock = threading.Lock()
_loaded: list[Any] = []


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to wait.

    A model that is being loaded may take minutes to its first token, and giving up cancels the load
    (https://github.com/ollama/ollama/issues/5081).
    """

    connect: float = CONNECT_SECONDS
    first: float = 300.0
    idle: float = 60.0
    total: float = 900.0
    """For a request, and for all requests of an answer together."""
    understanding: float = 8.0
    """For reading a message, repair and all; 0 leaves it to the built-in parser."""
    loading: float = 2.0
    """Silence after which `on_waiting` is called."""


@dataclass(slots=True)
class Watch:
    """What is to be told while a reply comes in."""

    on_text: Callable[[str], None] = lambda text: None
    on_waiting: Callable[[], None] = lambda: None
    on_thinking: Callable[[], None] = lambda: None
    on_usage: Callable[[Usage], None] = lambda usage: None
    """Called with the tokens that a request took."""


@dataclass(slots=True)
class Reply:
    """A whole reply."""

    text: str = ""
    calls: list[Call] = field(default_factory=list)
    cut_short: bool = False
    """The answer has as many tokens as it may have, and was not at its end."""


def load() -> Any:  # noqa: ANN401 - LiteLLM has no types
    """Imports LiteLLM and silences it. Takes seconds: call it in a thread."""
    with _lock:
        if not _loaded:
            # One full collection over what is imported here would hold every thread for half a second.
            gc.disable()
            try:
                _loaded.append(_imported())
            finally:
                gc.freeze()
                gc.enable()
    return _loaded[0]


def check_provider(profile: Profile) -> None:
    """Whether LiteLLM knows who serves a model. Loads LiteLLM: call it in a thread.

    Raises:
        ModelError: it does not.
    """
    try:
        load().get_llm_provider(profile.model)
    except Exception as error:
        raise explained(error, profile.server, profile.name, profile.provider) from None


def settings_sent(profile: Profile, temperature: float, seed: int) -> frozenset[str]:
    """Which of `temperature` and `seed` a request would carry; LiteLLM leaves out what a provider refuses.

    Loads LiteLLM: call it in a thread.

    Raises:
        ModelError: LiteLLM does not know who serves the model.
    """
    try:
        litellm = load()
        name, provider, _, _ = litellm.get_llm_provider(profile.model)
        sent = litellm.utils.get_optional_params(
            model=name,
            custom_llm_provider=provider,
            temperature=temperature,
            seed=seed,
            drop_params=True,
        )
    except Exception as error:
        raise explained(error, profile.server, profile.name, profile.provider) from None
    # Some providers have another name for the seed, in a place of its own.
    has_seed = sent.get("seed") is not None or "random_seed" in str(sent)
    has_temperature = sent.get("temperature") is not None
    pairs = (("temperature", has_temperature), ("seed", has_seed))
    return frozenset(setting for setting, there in pairs if there)


def _imported() -> Any:  # noqa: ANN401 - as above
    litellm = import_quietly()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in _LATE:
            with contextlib.suppress(
                ImportError
            ):  # another release may keep them elsewhere: slower, not wrong
                importlib.import_module(name)
        from litellm.types import utils

        for model in (utils.Delta, utils.Message, utils.ModelResponse, utils.ModelResponseStream):
            model.model_rebuild()
        _leave_tags_alone()
    silence()
    return litellm


def _leave_tags_alone() -> None:
    """Makes LiteLLM hand on the text of an Ollama chunk as it is.

    It deletes `<think>` and `</think>` where they arrive whole and misses them where they are cut, so that
    reasoning and answer can no longer be told apart; `ThinkFilter` does it right.
    """
    from litellm.llms.ollama.chat import transformation

    reader = transformation.OllamaChatCompletionResponseIterator
    original = reader.chunk_parser

    def chunk_parser(self: Any, chunk: dict[str, Any]) -> Any:  # noqa: ANN401 - LiteLLM has no types
        message = chunk.get("message")
        if not isinstance(message, dict) and chunk.get("error"):
            from litellm.llms.ollama.common_utils import OllamaError

            # A model that dies in the middle of an answer says so in a line of its own.
            raise OllamaError(status_code=500, message=str(chunk["error"]), headers={})
        for call in (message.get("tool_calls") or ()) if isinstance(message, dict) else ():
            function = call.get("function")
            if isinstance(function, dict) and not isinstance(function.get("arguments"), dict | str):
                function["arguments"] = json.dumps(function.get("arguments") or {})
        text = message.pop("content", None) if isinstance(message, dict) else None
        parsed = original(self, chunk)
        parsed.choices[0].delta.content = text or None
        return parsed

    setattr(reader, "chunk_parser", chunk_parser)  # noqa: B010 - typed as a method


def _provider_arguments(profile: Profile, limits: Limits) -> dict[str, Any]:
    """What every request carries.

    With both costs at zero LiteLLM does not ask Ollama for them with a blocking call on the event loop.
    """
    import httpx

    fixed: dict[str, Any] = {
        "model": profile.model,
        "stream": True,
        "temperature": TEMPERATURE,
        "seed": SEED,
        "max_tokens": profile.answer_tokens,
        "drop_params": True,
        "max_retries": 0,
        "input_cost_per_token": 0,
        "output_cost_per_token": 0,
        "no-log": True,
        "stream_options": {"include_usage": True},
        **profile.options,
    }
    if profile.base_url is not None:
        fixed["api_base"] = profile.base_url
    if profile.api_key:
        fixed["api_key"] = profile.api_key
    return fixed | {"timeout": httpx.Timeout(None, connect=limits.connect)}


async def takes_form(profile: Profile) -> bool:
    """Whether the model can be held to a JSON Schema. Ollama holds any of its models to one."""
    if profile.provider == OLLAMA:
        return True
    litellm = await asyncio.to_thread(load)
    return bool(await asyncio.to_thread(litellm.supports_response_schema, profile.model))


async def complete(
    profile: Profile,
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None,
    watch: Watch,
    limits: Limits,
    form: dict[str, Any] | None = None,
) -> Reply:
    """One request, streamed; sent again as the table of errors says, while nothing of an answer was shown.

    Args:
        profile: whom to ask.
        messages: the conversation with the model.
        tools: what it may call.
        watch: what is told meanwhile.
        limits: how long to wait.
        form: JSON Schema that the answer is to have; the answer is text all the same, and may not have it.

    Raises:
        ModelError: the model failed.
    """
    shown = False

    def on_text(piece: str) -> None:
        nonlocal shown
        shown = True
        watch.on_text(piece)

    watched = replace(watch, on_text=on_text)
    tried = 0
    while True:
        try:
            return await once(profile, messages, tools, watched, limits, form)
        except ModelError as error:
            wait = wait_before_retry(error, tried)
            if shown or wait is None:
                raise
            tried += 1
            await asyncio.sleep(wait)


async def once(
    profile: Profile,
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None,
    watch: Watch,
    limits: Limits,
    form: dict[str, Any] | None,
) -> Reply:
    """The request, once; the connection is closed on every way out, also when the task is cancelled.

    Arguments and errors are those of `complete`.
    """
    litellm = await asyncio.to_thread(load)
    arguments = _provider_arguments(profile, limits) | {"messages": messages}
    if tools:
        arguments["tools"] = tools
    if form is not None:
        named_form = {"name": "answer", "schema": form, "strict": False}
        arguments["response_format"] = {"type": "json_schema", "json_schema": named_form}
    loop = asyncio.get_running_loop()
    waiting = loop.call_later(limits.loading, watch.on_waiting)
    stream = None
    try:
        async with asyncio.timeout(limits.first) as clock:
            stream = await litellm.acompletion(**arguments)
            if not arguments["stream"]:
                return _whole(stream, watch)
            return await _read(stream, watch, clock, waiting, limits, profile)
    except ModelError:
        raise
    except TimeoutError:
        raise named("timeout", profile.server, profile.name, profile.provider) from None
    except Exception as error:
        raise explained(error, profile.server, profile.name, profile.provider) from None
    finally:
        waiting.cancel()
        if stream is not None:
            await _close(stream)


async def _read(
    stream: Any,  # noqa: ANN401 - LiteLLM has no types
    watch: Watch,
    clock: asyncio.Timeout,
    waiting: asyncio.TimerHandle,
    limits: Limits,
    profile: Profile,
) -> Reply:
    """Reads a stream to its end, moving the time limit on with every chunk."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limits.total
    thinking, calls, thought, cut_short = ThinkFilter(), CallBuffer(), False, False
    left = profile.answer_tokens * MOST_CHARACTERS_PER_TOKEN
    async for chunk in stream:
        await asyncio.sleep(0)  # else chunks that came at once hold everything else up
        waiting.cancel()
        clock.reschedule(min(loop.time() + limits.idle, deadline))
        if (used := getattr(chunk, "usage", None)) is not None:
            watch.on_usage(_usage(used, stream))
        if not chunk.choices:
            continue
        delta = chunk.choices[0].delta
        left -= len(delta.content or "") + len(getattr(delta, "reasoning_content", None) or "")
        if left < 0:  # a server that does not keep to `max_tokens` may never end
            raise named("too_long", profile.server, profile.name, profile.provider)
        cut_short = cut_short or chunk.choices[0].finish_reason == "length"
        if getattr(delta, "reasoning_content", None) and not thought:
            thought = True
            watch.on_thinking()
        if delta.content and (seen := thinking.feed(delta.content)):
            watch.on_text(seen)
        for call in delta.tool_calls or ():
            calls.add(call.index or 0, call.id, call.function.name, call.function.arguments)
    if rest := thinking.finish():
        watch.on_text(rest)
    if _broke_off(stream):
        is_empty = not thinking.text.strip() and not calls.calls and not thought
        raise named("malformed" if is_empty else "cut", profile.server, profile.name, profile.provider)
    return Reply(thinking.text.strip(), calls.calls, cut_short)


def _whole(response: Any, watch: Watch) -> Reply:  # noqa: ANN401 - LiteLLM has no types
    """Reads an answer that came at once."""
    choice = response.choices[0]
    thinking, calls = ThinkFilter(), CallBuffer()
    thinking.feed(choice.message.content or "")
    thinking.finish()
    for place, call in enumerate(choice.message.tool_calls or ()):
        calls.add(place, call.id, call.function.name, call.function.arguments)
    watch.on_text(thinking.text)
    if (used := getattr(response, "usage", None)) is not None:
        watch.on_usage(_usage(used, response))
    return Reply(thinking.text.strip(), calls.calls, choice.finish_reason == "length")


def _broke_off(stream: Any) -> bool:  # noqa: ANN401 - LiteLLM has no types
    """Whether the connection ended before the server said that its answer does.

    LiteLLM makes up a reason then: half an answer, or a page of HTML, would pass for a whole one.
    """
    reasons = ("received_finish_reason", "intermittent_finish_reason")
    return all(getattr(stream, name, "unknown") is None for name in reasons)


def _usage(used: Any, stream: Any) -> Usage:  # noqa: ANN401 - LiteLLM has no types
    """The count. Where the server states none, LiteLLM counts with a tokenizer of its own."""
    stated = any(getattr(chunk, "usage", None) is not None for chunk in getattr(stream, "chunks", ()))
    details = getattr(used, "prompt_tokens_details", None)
    cached = getattr(details, "cached_tokens", None) or 0
    return Usage(used.prompt_tokens or 0, used.completion_tokens or 0, cached, stated)


async def _close(stream: Any) -> None:  # noqa: ANN401 - LiteLLM has no types
    # Leaving the loop is not enough: https://github.com/BerriAI/litellm/issues/12861
    with contextlib.suppress(Exception):
        await stream.aclose()


async def close() -> None:
    """Closes what LiteLLM keeps open for later requests; does nothing where it was never loaded."""
    if not _loaded:
        return
    litellm = _loaded[0]
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER
    from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

    with contextlib.suppress(Exception):
        await close_litellm_async_clients()  # type: ignore[no-untyped-call]
    litellm.in_memory_llm_clients_cache.flush_cache()
    with contextlib.suppress(Exception):
        await GLOBAL_LOGGING_WORKER.stop()
    await asyncio.sleep(0)  # what the closing itself put off
