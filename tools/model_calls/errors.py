"""Every way in which a language model can fail: whether it is tried again, one sentence, and a next step.

The table is read from the top; the first row that fits says what happened. A row fits by the name of the
exception's class (or of one above it), by HTTP status, or by words of the server's message. The message is
shown to nobody: it may hold a key. The one exception is a row that picks a known harmless part out of it.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

OLLAMA = "ollama"
MOST_WAIT = 8.0
"""Seconds; who is told to come again later than that, does not wait in the middle of a turn."""
DEPTH = 5
"""Exceptions that are followed inside one another."""


class ModelError(Exception):
    """A request to a model failed. `message` is one sentence for a person, `hint` the next step."""

    def __init__(self, code: str, message: str, hint: str = "", *, gave_up: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.gave_up = gave_up
        """The request was made and brought no answer; without it nothing was asked, or the model goes on."""
        self.wait: float | None = None
        """Seconds after which the server said to come again."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of failure; `{server}`, `{name}` and `{found}` (the pattern's first group) are filled in."""

    code: str
    message: str
    hint: str
    kinds: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    words: str = ""
    provider: str | None = None
    """Only for this provider; None for any."""
    goes_on: bool = False
    """The model still answers."""
    retries: int = 0
    """How often the same request is sent again, as long as nothing of an answer was seen."""
    wait: float = 0.0
    """Seconds before that, where the server says nothing of its own; doubled each time."""


TABLE = (
    Row(
        "no_tools",
        "{name} cannot call tools; it is asked for them in words.",
        "Models that can are listed under `tools` in Ollama's library, for example `ollama pull qwen3:8b`.",
        words=r"does not support tools|tools? (?:use |calling )?(?:is|are) not supported",
        goes_on=True,
    ),
    Row(
        "no_form",
        "{name} cannot be held to a form of answer; it is asked in words.",
        "Nothing needs to be done.",
        words=r"response_format|json_schema|structured outputs? (?:is|are) not supported",
        goes_on=True,
    ),
    Row(
        "quota",
        "The account with {server} has no credit left.",
        "Look at plan and billing with the provider, or use another model.",
        statuses=(402,),
        words=r"insufficient[_ ](?:quota|balance|credits?|funds)|exceeded your current quota"
        r"|credit balance is too low|payment required",
    ),
    Row(
        "context_full",
        "The conversation no longer fits the context of {name}.",
        "Begin a new session, or use a model with a longer context.",
        kinds=("ContextWindowExceededError",),
        statuses=(413,),
        words=r"exceed\w* (?:the |max )?(?:available )?context|maximum context length|prompt too long"
        r"|context (?:length|window) exceeded|no user query found|request (?:entity )?too large",
    ),
    Row(
        "memory",
        "Ollama cannot load {name}: the {found}.",
        "Use a smaller model or quantization.",
        words=r"(model requires more \w+ memory(?: \([\d.]+ \w+\))? than is available(?: \([\d.]+ \w+\))?)",
        provider=OLLAMA,
    ),
    Row(
        "bad_key",
        "{server} refused the key.",
        "Set the provider's key in its environment variable (for example OPENAI_API_KEY), or with "
        "`keyring set llm-advisor OPENAI_API_KEY`, and start again.",
        kinds=("AuthenticationError", "PermissionDeniedError"),
        statuses=(401, 403),
        words=r"api[_ -]?key (?:client option )?must be set|missing (?:credentials|.{0,40}api key)",
    ),
    Row(
        "unknown_model",
        "LiteLLM knows no provider for the model {name}.",
        "Write the provider first, for example openai/gpt-4.1-mini or ollama_chat/qwen3:8b.",
        kinds=("LiteLLMUnknownProvider",),
        words=r"LLM Provider NOT provided",
    ),
    Row(
        "model_missing",
        "Ollama does not have the model {name}.",
        "Get it with `ollama pull {name}`, or see `ollama list`.",
        kinds=("NotFoundError",),
        statuses=(404,),
        words=r"model .{0,120}not found",
        provider=OLLAMA,
    ),
    Row(
        "model_missing",
        "{server} does not know the model {name}.",
        "Check the model's name with the provider.",
        kinds=("NotFoundError",),
        statuses=(404,),
    ),
    Row(
        "rate_limit",
        "{server} takes no more requests for now.",
        "Wait a minute, or check the limits of your account.",
        kinds=("RateLimitError", "BudgetExceededError"),
        statuses=(429,),
        retries=2,
        wait=0.5,
    ),
    Row(
        "timeout",
        "{server} took too long to answer.",
        "Try again; a smaller model answers sooner.",
        kinds=("Timeout", "APITimeoutError", "TimeoutError", "TimeoutException"),
        statuses=(408, 504),
    ),
    Row(
        "unreachable",
        "Ollama does not answer at {server}.",
        "Start it with `ollama serve`, or set OLLAMA_API_BASE to where it runs.",
        kinds=("ConnectError", "ConnectTimeout"),
        words=r"cannot connect|connection (?:error|refused)|connect call failed|name or service not known"
        r"|all connection attempts failed",
        provider=OLLAMA,
    ),
    Row(
        "unreachable",
        "{server} cannot be reached.",
        "Check the network and the address.",
        kinds=("ConnectError", "ConnectTimeout"),
        words=r"cannot connect|connection (?:error|refused)|connect call failed|name or service not known"
        r"|all connection attempts failed",
    ),
    Row(
        "too_long",
        "{name} did not come to an end with its answer.",
        "Ask for less at once, or use another model.",
        words=r"repeating the same chunk",
    ),
    Row(
        "cut",
        "{server} broke off in the middle of its answer.",
        "Try again; where it happens often, look into the server's log.",
        kinds=("MidStreamFallbackError", "RemoteProtocolError", "APIConnectionError"),
        words=r"payload is not completed|server disconnected|incomplete",
        retries=1,
        wait=0.1,
    ),
    Row(
        "malformed",
        "{server} sent an answer that cannot be read.",
        "Check that the address is that of a model server of this kind.",
        kinds=("JSONDecodeError", "APIResponseValidationError", "ValidationError", "KeyError"),
        words=r"unexpected response|KeyError|expecting value|invalid json",
    ),
    Row(
        "server",
        "{server} failed while it answered.",
        "Look into the server's log, or try again.",
        statuses=(500, 502, 503, 520, 521, 522, 523, 524, 529),
        kinds=("InternalServerError", "ServiceUnavailableError", "BadGatewayError"),
        retries=1,
        wait=0.3,
    ),
    Row(
        "empty",
        "{name} gave an empty answer.",
        "Another model may do better.",
    ),
    Row(
        "refused",
        "{server} refused the request.",
        "Another model may take it.",
        kinds=("BadRequestError", "UnprocessableEntityError", "APIError"),
    ),
)
LAST = Row("model", "The language model failed.", "Try again, or use another model.")


def named(code: str, server: str, name: str, provider: str) -> ModelError:
    """The failure of a code, for what is noticed here rather than by an exception."""
    row = next((r for r in TABLE if r.code == code and r.provider in (None, provider)), LAST)
    return _filled(row, server, name, "")


def explained(error: BaseException, server: str, name: str, provider: str) -> ModelError:
    """What an exception of LiteLLM, OpenAI or httpx means.

    Args:
        error: the exception.
        server: who failed, for people: an address or the provider's name.
        name: the model's name without its provider.
        provider: `ollama` or LiteLLM's name of another one.
    """
    chain = _chain(error)
    kinds = {kind.__name__ for one in chain for kind in type(one).__mro__}
    # A cut stream is wrapped in a server error of status 500: only the innermost status counts.
    status = getattr(chain[-1], "status_code", None)
    text = " ".join(str(one) for one in chain)[:4000]
    for row in TABLE:
        if row.provider not in (None, provider):
            continue
        match = re.search(row.words, text, re.IGNORECASE) if row.words else None
        if match or kinds.intersection(row.kinds) or status in row.statuses:
            found = match[1] if match is not None and match.re.groups else ""
            failure = _filled(row, server, name, found)
            failure.wait = _retry_after(chain)
            return failure
    return _filled(LAST, server, name, "")


def wait_before_retry(error: ModelError, tried: int) -> float | None:
    """Seconds to wait before a request is sent again; None where it is not.

    Args:
        error: how it failed.
        tried: how often it was sent again already.
    """
    row = next((r for r in TABLE if r.code == error.code), LAST)
    wait = row.wait * 2**tried if error.wait is None else error.wait
    return None if tried >= row.retries or wait > MOST_WAIT else wait


def _retry_after(chain: list[BaseException]) -> float | None:
    """Seconds of a `Retry-After` header, which may also hold a date."""
    for one in chain:
        headers = getattr(one, "litellm_response_headers", None) or {}
        said = next((str(v) for k, v in dict(headers).items() if str(k).lower() == "retry-after"), "").strip()
        if re.fullmatch(r"\d+(?:\.\d+)?", said):
            return float(said)
        if said:
            with contextlib.suppress(TypeError, ValueError, OverflowError):
                moment = parsedate_to_datetime(said)
                moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
                return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and the ones it was made from, outermost first."""
    found = [error]
    while len(found) < DEPTH:
        inner = getattr(found[-1], "original_exception", None)
        if not isinstance(inner, BaseException) or inner in found:
            break
        found.append(inner)
    return found


def _filled(row: Row, server: str, name: str, found: str) -> ModelError:
    values = {"server": server, "name": name, "found": found}
    message, hint = row.message.format_map(values), row.hint.format_map(values)
    return ModelError(row.code, message, hint, gave_up=not row.goes_on)
