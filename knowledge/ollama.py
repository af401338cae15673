"""Where the Ollama server of this person answers."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from knowledge.errors import UsageError

OLLAMA_PORT = 11434


def ollama_url() -> str:
    """Where Ollama answers: OLLAMA_API_BASE, or OLLAMA_HOST with or without scheme and port, or here.

    Raises:
        UsageError: what is set is no address.
    """
    base = os.environ.get("OLLAMA_API_BASE", "").strip()
    given = base or os.environ.get("OLLAMA_HOST", "").strip() or "127.0.0.1"
    has_scheme = "://" in given
    try:
        parts = urlsplit(given if has_scheme else f"http://{given}")
    except ValueError:  # an open bracket
        raise UsageError(
            f"OLLAMA_HOST is no address: {given[:60]}.", hint="For example 127.0.0.1:11434."
        ) from None
    host = parts.hostname or "127.0.0.1"
    # A server listens on all addresses there, a client has to name one.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    host = f"[{host}]" if ":" in host else host
    try:
        port = parts.port
    except ValueError:
        port = None
    if port is None and not (has_scheme and (base or parts.scheme == "https")):
        port = OLLAMA_PORT
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
