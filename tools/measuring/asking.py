"""Short questions to a server before it is measured, and what its failures mean for a person."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import httpx

from knowledge.errors import AdvisorError, NoAnswerError, ServiceError, UsageError
from knowledge.ollama import is_this_machine

Document = dict[str, Any]
Fault = Literal["cut", "empty", "whole", "foreign", "endless"]
"""An answer that broke off, holds no token, came in one piece, is none of a model server, or does not end."""
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
PROBE_SECONDS = 3.0
MAX_BYTES = 16 << 20
HINT = "Check that it runs and that the address is right."


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server answers."""

    base: str
    """Scheme, host and port, without credentials and without `/v1`."""
    label: str
    """Host and port."""
    path: str = "/v1"
    """Of the OpenAI-compatible interface, below `base`."""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def here(self) -> bool:
        """Whether it is this machine."""
        return is_this_machine(self.base)


def read_address(text: str, *, whole: bool = False) -> Address:
    """An address as people write it: with or without scheme, `/v1` and credentials.

    Args:
        text: the address.
        whole: its path is that of the interface, whatever it is called.

    Raises:
        UsageError: it is none.
    """
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        raise _no_address() from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise _no_address()
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    label = host if port is None else f"{host}:{port}"
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    root = "" if whole else path.removesuffix("/v1")
    return Address(
        f"{parts.scheme}://{label}{root}",
        label,
        path if whole else path.removeprefix(root) or "/v1",
        parts.username or "",
        parts.password or "",
    )


def _no_address() -> UsageError:
    return UsageError(
        "The endpoint is no address of a server.", hint="For example --endpoint http://localhost:8080/v1."
    )


def bearer(key: str) -> dict[str, str]:
    """The header with a key; none without one.

    Raises:
        UsageError: it holds what no header may.
    """
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            "The key holds letters that no key has.",
            hint="Copy it again: only plain letters, digits and signs.",
        )
    return {"Authorization": f"Bearer {key}"} if key else {}


class Questions:
    """Asks one server; for a `with` block."""

    def __init__(self, address: Address, headers: Mapping[str, str]) -> None:
        self.address = address
        self._client = httpx.Client(
            base_url=address.base,
            headers=dict(headers),
            auth=(address.user, address.password) if address.user else None,
            # As the requests that are measured: no proxy stands between, whose time would count.
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def probe(self, path: str) -> tuple[int, Document]:
        """As `ask`, of a path that many servers do not have: one that hangs up or is silent has none.

        Raises:
            ServiceError: nobody listens at the address.
        """
        try:
            return self.ask(path, seconds=PROBE_SECONDS)
        except ServiceError as error:
            if error.code == "unreachable":
                raise
            return 0, {}

    def ask(
        self, path: str, body: Document | None = None, seconds: float = ANSWER_SECONDS
    ) -> tuple[int, Document]:
        """Status and JSON object of an answer; an empty object where it is none.

        Raises:
            ServiceError: the server cannot be reached, hangs up, or takes too long.
        """
        try:
            status, content = self._received(path, body, seconds)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(self.address.label, error) from None
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        return status, found if isinstance(found, dict) else {}

    def _received(self, path: str, body: Document | None, seconds: float) -> tuple[int, bytes]:
        """Status and content, empty where it is too large; what trickles in is not waited for any longer."""
        content, end = bytearray(), time.monotonic() + seconds
        limits = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        method = "GET" if body is None else "POST"
        with self._client.stream(method, path, json=body, timeout=limits) as answer:
            for part in answer.iter_bytes():
                content += part
                if len(content) > MAX_BYTES:
                    return answer.status_code, b""
                if time.monotonic() > end:
                    raise httpx.ReadTimeout("")
            return answer.status_code, bytes(content)


def unreachable(label: str, error: Exception) -> ServiceError:
    """Nobody listens, or what listens does not answer."""
    if isinstance(error, httpx.ReadTimeout | TimeoutError):
        return ServiceError(
            f"{label} took too long to answer.", hint="Its own log tells why.", code="timeout"
        )
    if isinstance(error, httpx.ProtocolError | httpx.ReadError | httpx.WriteError):
        return ServiceError(f"What answers at {label} is no model server.", hint=HINT, code="not_a_server")
    return ServiceError(
        f"No model server answers at {label}.",
        hint="Start it, or name another one with --endpoint or OLLAMA_HOST.",
        code="unreachable",
    )


def refusal(label: str, model: str, status: int, said: str) -> AdvisorError:
    """What an HTTP status instead of an answer means; the server's own words are not repeated."""
    if status in (401, 403):
        return ServiceError(
            f"{label} refused the key.",
            hint="An endpoint's key is in the environment variable that --key-variable names, a provider's "
            "in its own (OPENAI_API_KEY).",
            code="bad_key",
        )
    if status == 404 or re.search(r"model.{0,120}(?:not found|does not exist)", said, re.IGNORECASE):
        return unknown_model(label, model)
    if re.search(r"does not support (?:chat|generate)", said, re.IGNORECASE):
        return NoAnswerError(
            f"`{model[:80]}` does not generate text.",
            hint="Only models that do can be measured.",
            code="no_chat",
        )
    if status == 429:
        return ServiceError(
            f"{label} takes no more requests for now.",
            hint="Wait a minute, or measure with fewer requests at once (--concurrency).",
            code="rate_limit",
        )
    if re.search(r"context|too long|too large|maximum", said, re.IGNORECASE) and status in (400, 413, 422):
        return NoAnswerError(
            f"A prompt did not fit the context of {model}.", hint="Measure with shorter --prompt-tokens."
        )
    if re.search(r"requires more .{0,20}memory", said, re.IGNORECASE):
        return ServiceError(
            f"{label} cannot load {model}: there is too little memory.",
            hint="Use a smaller model or quantization, or end other programs.",
            code="memory",
        )
    return ServiceError(f"{label} failed with status {status}.", hint="Its own log tells why.", code="server")


def unknown_model(label: str, model: str, known: tuple[str, ...] = ()) -> NoAnswerError:
    """The server does not have the model."""
    near = f"It has: {', '.join(known[:6])}." if known else "Check the model's name with the server."
    return NoAnswerError(f"{label} has no model `{model[:80]}`.", hint=near, code="unknown_model")


def broken(label: str, said: str, kind: Fault = "cut") -> ServiceError:
    """An answer that cannot be measured."""
    if kind == "empty":
        return ServiceError(
            f"{label} sent an answer without a single token.",
            hint="A model that reasons may need more --output-tokens before it answers.",
            code="empty",
        )
    if kind == "whole":
        return ServiceError(
            f"{label} sent its answer in one piece, so that no token has a moment of its own.",
            hint="Only servers that stream their answers can be measured; a proxy may hold them back.",
            code="no_stream",
        )
    if kind == "endless":
        return ServiceError(
            f"{label} goes on far beyond the tokens that it was asked for.",
            hint="Only servers that keep to a limit (max_tokens, num_predict) can be measured.",
            code="endless",
        )
    if kind == "foreign":
        return ServiceError(
            f"What {label} answers is no stream of a model server.", hint=HINT, code="not_a_server"
        )
    if re.search(r"requires more .{0,20}memory|out of memory", said, re.IGNORECASE):
        return ServiceError(
            f"{label} ran out of memory.",
            hint="Measure with fewer requests at once or shorter prompts.",
            code="memory",
        )
    return ServiceError(
        f"{label} broke off in the middle of an answer.",
        hint="What was measured until then is kept. The server's own log tells more.",
        code="cut",
    )
