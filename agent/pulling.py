"""Downloading a model into Ollama, as its server tells of it. Nothing is pulled without a yes."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
from collections.abc import AsyncGenerator

from agent.events import Progress
from agent.voice import VoiceError
from knowledge.errors import UsageError
from knowledge.ollama import ollama_url
from tools.model_calls.errors import OLLAMA, explained

TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,199}")
IDLE_SECONDS = 120.0
"""A registry that is checked against hashes may be silent for a while."""
STEP_SECONDS = 0.2
"""At most five events a second: a server sends hundreds."""


def checked_tag(name: str) -> str:
    """A name that Ollama can pull.

    Raises:
        UsageError: it is none.
    """
    tag = name.strip().removeprefix("ollama_chat/").removeprefix("ollama/")
    if not TAG.fullmatch(tag) or ".." in tag:
        raise UsageError(
            f"`{name.strip()[:60]}` is no name of a model for Ollama.", hint="For example qwen3:4b."
        )
    return tag


async def pull(tag: str, connect_seconds: float) -> AsyncGenerator[Progress]:
    """Pulls a model and tells how far it is; closing the generator stops it, and Ollama keeps what came.

    Raises:
        VoiceError: the server does not answer, knows no such model, or broke off.
    """
    await asyncio.to_thread(importlib.import_module, "httpx")
    import httpx

    url = _address()
    timeout = httpx.Timeout(IDLE_SECONDS, connect=connect_seconds)
    key = os.environ.get("OLLAMA_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    secure = url.startswith("https:")
    done = False
    last: tuple[float, str] = (0.0, "")
    try:
        async with (
            httpx.AsyncClient(timeout=timeout, verify=secure, trust_env=secure) as client,
            client.stream("POST", f"{url}/api/pull", json={"model": tag}, headers=headers) as response,
        ):
            if response.status_code >= 400:
                await response.aread()
                raise _refused(tag, response.text)
            async for line in response.aiter_lines():
                row = _row(line)
                if "error" in row:
                    raise _refused(tag, str(row["error"]))
                progress = _progress(tag, row)
                done = progress.step == "success"
                now = asyncio.get_running_loop().time()
                if done or progress.step != last[1] or now - last[0] >= STEP_SECONDS:
                    last = (now, progress.step)
                    yield progress
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise explained(error, url, tag, OLLAMA) from None
    if not done:
        raise VoiceError(
            "cut", f"Ollama broke off while it pulled {tag}.", f"/pull {tag} goes on where it stopped."
        )


def _address() -> str:
    try:
        return ollama_url()
    except UsageError as error:
        raise VoiceError("address", error.message, error.hint) from None


def _row(line: str) -> dict[str, object]:
    try:
        row = json.loads(line) if line.strip() else {}
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _progress(tag: str, row: dict[str, object]) -> Progress:
    """One line of the server. The name of a layer is of no use to a person: layers are all `pulling`."""
    step = str(row.get("status", ""))
    total, completed = row.get("total"), row.get("completed")
    if "digest" in row:
        step = "pulling"
    return Progress(
        "pull",
        tag,
        step[:80],
        completed if isinstance(completed, int) else (0 if isinstance(total, int) else None),
        total if isinstance(total, int) else None,
    )


def _refused(tag: str, said: str) -> VoiceError:
    """What the server says of a model that it cannot pull; its words are not repeated."""
    if re.search(r"does not exist|not found|manifest", said, re.IGNORECASE):
        return VoiceError(
            "model_missing",
            f"Ollama's registry has no model {tag}.",
            "https://ollama.com/library lists them.",
        )
    if re.search(r"no space|disk", said, re.IGNORECASE):
        return VoiceError(
            "disk", f"There is no room on the disk for {tag}.", "Free some, or take a smaller one."
        )
    return VoiceError("pull", f"Ollama could not pull {tag}.", "Its own log tells why.")
