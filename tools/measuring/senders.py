"""Who sends the requests to a target."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from knowledge.errors import ServiceError
from knowledge.keys import find_key
from tools.measuring.asking import bearer
from tools.measuring.target import KEEPS_ON, Target

if TYPE_CHECKING:
    from tools.measuring.http_sender import HttpSender
    from tools.measuring.litellm_sender import LiteLLMSender


async def sender_for(target: Target) -> HttpSender | LiteLLMSender:
    """The sender of a target; what it needs is imported in a thread.

    Raises:
        ServiceError: there is no key for the model.
        UsageError: LiteLLM knows no such provider.
    """
    return await asyncio.to_thread(_sender, target)


def _sender(target: Target) -> HttpSender | LiteLLMSender:
    if target.kind == "litellm":
        return _of_provider(target)
    from tools.measuring.http_sender import HttpSender
    from tools.measuring.wire import OllamaWire, OpenAIWire

    assert target.address is not None
    wire: OllamaWire | OpenAIWire
    if target.kind == "ollama":
        wire = OllamaWire(target.served_as, target.context if target.send_context else None)
    else:
        wire = OpenAIWire(target.served_as, {"ignore_eos": True} if target.engine in KEEPS_ON else {})
    return HttpSender(target.address, target.headers, wire)


def _proxied(url: str) -> bool:
    """Whether the way to a server leads over a proxy, which only LiteLLM's client takes."""
    parts = urlsplit(url)
    return parts.scheme in getproxies() and not proxy_bypass(parts.hostname or "")


def _of_provider(target: Target) -> HttpSender | LiteLLMSender:
    from tools.measuring.http_sender import HttpSender
    from tools.measuring.litellm_sender import LiteLLMSender, direct_address
    from tools.measuring.wire import OpenAIWire

    key = find_key(target.served_as)
    if key.missing:
        raise ServiceError(f"There is no key for {target.served_as}.", hint=key.hint, code="no_key")
    direct = direct_address(target.served_as, key)
    if direct is None or _proxied(direct[0].base):
        return LiteLLMSender(target.served_as, target.label, key)
    address, name, secret = direct
    return HttpSender(address, bearer(secret), OpenAIWire(name), target.label)
