"""One file over HTTP, with bounds on size and time; whatever is wrong with the answer is one sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from knowledge.errors import NoAnswerError, ServiceError, UsageError
from tools.bounded import asked_to_wait, within

if TYPE_CHECKING:
    import httpx

SECONDS = 20.0
"""For a connection, and for the next bytes."""
WHOLE_SECONDS = 60.0
REDIRECTS = 3


def fetch(url: str, limit: int) -> bytes:
    """The content of an address, which is read from its own server and from no other.

    Args:
        url: http or https.
        limit: bytes; more are not read.

    Raises:
        ServiceError: the server does not answer, is too slow, sends on to another one, sends too much, breaks
            off, or sends a web page.
        NoAnswerError: there is no such file.
        UsageError: the address is none.
    """
    import httpx

    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise _no_address() from None
    if address.scheme not in ("http", "https") or not address.host:
        raise _no_address()
    return within(WHOLE_SECONDS, lambda: _fetched(address, limit), f"{named(address)} answers too slowly.")


def _no_address() -> UsageError:
    return UsageError("the address is no web address.", hint="It begins with https://.")


def _fetched(address: httpx.URL, limit: int) -> bytes:
    import httpx

    try:
        with httpx.Client(timeout=SECONDS, follow_redirects=False) as client:
            return _read(client, address, limit)
    except httpx.RemoteProtocolError:
        raise ServiceError(f"{named(address)} breaks its answer off.", hint="Try again later.") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
        raise ServiceError(
            f"{named(address)} does not answer ({type(error).__name__}).", hint="Check the network."
        ) from None


def _read(client: httpx.Client, address: httpx.URL, limit: int) -> bytes:
    for _ in range(REDIRECTS + 1):
        with client.stream("GET", address, headers={"Accept-Encoding": "identity"}) as answer:
            if answer.next_request is None:
                return _body(answer, address, limit)
            address = followed(address, answer.next_request.url)
    raise ServiceError(f"{named(address)} sends on without an end.", hint="Try again later.")


def _body(answer: httpx.Response, address: httpx.URL, limit: int) -> bytes:
    if answer.status_code == 404:
        raise NoAnswerError(f"{named(address)} has no such file (status 404).", code="no_file")
    if answer.status_code == 429:
        raise asked_to_wait(named(address), answer.headers.get("retry-after"))
    if answer.status_code != 200:
        raise ServiceError(f"{named(address)} answers with status {answer.status_code}.")
    data = bytearray()
    for chunk in answer.iter_raw():
        data += chunk
        if len(data) > limit:
            raise ServiceError(f"{named(address)} sends more than {limit / 1e6:.0f} MB, which is not read.")
    no_page(bytes(data), address)
    return bytes(data)


def followed(origin: httpx.URL, target: httpx.URL) -> httpx.URL:
    """Where a redirect leads, as long as it stays on the server.

    Raises:
        ServiceError: it leads elsewhere.
    """
    if (origin.scheme, origin.host, origin.port) != (target.scheme, target.host, target.port):
        raise ServiceError(
            f"{named(origin)} sends on to another server ({target.scheme}://{named(target)}), which is not "
            "followed."
        )
    return target


def no_page(data: bytes, address: httpx.URL) -> None:
    """Raises:
    ServiceError: the data is a web page.
    """
    if data[:200].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ServiceError(f"{named(address)} answers with a web page instead of data.")


def named(address: httpx.URL) -> str:
    """The host and its port, without what stands before them."""
    return address.host + (f":{address.port}" if address.port is not None else "")


def parsed(data: bytes, what: str) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value.

    Raises:
        ServiceError: it is none.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ServiceError(f"{what} is no JSON, or is cut off.") from None
