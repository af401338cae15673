"""A connection to a Chroma server, with time limits, and with one sentence for everything that can go wrong.

chromadb's own client waits for ever and asks the server about tenants while it is made; here its interface to
the server is used directly, on a session that has time limits.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from knowledge.errors import AdvisorError, ServiceError

if TYPE_CHECKING:
    import httpx
    from chromadb.api import ServerAPI
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.api.models.Collection import Collection
    from chromadb.types import Collection as Model

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
STORE_SECONDS = 120.0
"""For an answer to a batch of vectors, which a busy server indexes first."""
TOKEN_VARIABLE = "CHROMA_TOKEN"
DEFAULT_PORTS = {"http": 8000, "https": 443}
_WHERE = "Correct the setting `chroma`; without it the index is kept in the state folder."


class ChromaServerError(ServiceError):
    """The Chroma server cannot be used; words alone answer."""

    code = "chroma_server"


class ServerLink:
    """A connection to one server; nothing is sent before it is used."""

    def __init__(self, address: str, token: str | None = None) -> None:
        """
        Args:
            address: URL, which may hold a user and a password.
            token: sent in place of those; never shown or logged.
        """
        self.label = self.label_of(address)
        self._api, self._session = _api(address, token)

    @staticmethod
    def label_of(address: str) -> str:
        """The address without user, password and whatever follows the path."""
        parts = urlsplit(address)
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}{parts.path.rstrip('/')}"

    def collection(self, name: str) -> Collection | None:
        """The collection of that name; None where there is none."""
        from chromadb.errors import NotFoundError

        try:
            return self._wrapped(self._api.get_collection(name))
        except NotFoundError:
            return None

    def collections(self, count: int) -> list[Collection]:
        """The first collections of the server."""
        return [self._wrapped(model) for model in self._api.list_collections(limit=count)]

    def create(
        self, name: str, configuration: CreateCollectionConfiguration, metadata: dict[str, Any]
    ) -> Collection:
        """An empty collection."""
        return self._wrapped(
            self._api.create_collection(name, configuration=configuration, metadata=metadata)
        )

    def delete(self, name: str) -> None:
        """Removes a collection."""
        self._api.delete_collection(name)

    @contextlib.contextmanager
    def errors(self, *, building: bool = False) -> Iterator[None]:
        """Turns whatever goes wrong inside into one of our errors.

        Args:
            building: waits longer for each answer.
        """
        import httpx

        if building:
            self._session.timeout = httpx.Timeout(STORE_SECONDS, connect=CONNECT_SECONDS)
        try:
            yield
        except Exception as error:
            raise self.explained(error) from error

    def explained(self, error: Exception) -> AdvisorError:
        """What to say of an error of the client."""
        import httpx
        from chromadb.errors import ChromaError

        at = f"The Chroma server at {self.label}"
        if isinstance(error, AdvisorError):
            return error
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return ChromaServerError(f"{at} cannot be reached.", hint=f"Start it. {_WHERE}")
        if isinstance(error, httpx.TimeoutException):
            return ChromaServerError(f"{at} does not answer in time.", hint="Try again later.")
        if isinstance(error, httpx.HTTPError):
            return ChromaServerError(f"{at} broke off the connection.", hint="Try again later.")
        if isinstance(error, ChromaError):
            return ChromaServerError(
                f"{at} answered with an error ({type(error).__name__}).", hint="Its log says more."
            )
        if isinstance(error, OSError):
            return ChromaServerError(f"{at} did not store the whole index.", hint="Its log says more.")
        return ChromaServerError(f"What answers at {self.label} is no Chroma server.", hint=_WHERE)

    def close(self) -> None:
        """Ends the connection."""
        self._session.close()

    def _wrapped(self, model: Model) -> Collection:
        from chromadb.api.models.Collection import Collection

        return Collection(client=self._api, model=model, embedding_function=None)


def _api(address: str, token: str | None) -> tuple[ServerAPI, httpx.Client]:
    """chromadb's interface to the server, on a session of ours."""
    import httpx
    from chromadb.api.fastapi import FastAPI
    from chromadb.config import Settings, System

    parts = urlsplit(address)
    # With a whole URL for the host, chromadb appends its own path to that of the URL.
    system = System(
        Settings(
            chroma_api_impl="chromadb.api.fastapi.FastAPI",
            chroma_server_host=ServerLink.label_of(address),
            chroma_server_http_port=parts.port or DEFAULT_PORTS[parts.scheme],
            anonymized_telemetry=False,
        )
    )
    api = system.instance(FastAPI)
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    session = httpx.Client(
        headers={**api.get_request_headers(), **_authorization(token)},
        auth=None if token else user,
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        # A proxy is for the network, not for this machine.
        trust_env=not _is_loopback(parts.hostname or ""),
        event_hooks={"response": [_refusal(ServerLink.label_of(address))]},
    )
    api._session.close()
    api._session = session
    return api, session


def _authorization(token: str | None) -> dict[str, str]:
    # Chroma reads either, depending on how the server is set up.
    return {"Authorization": f"Bearer {token}", "X-Chroma-Token": token} if token else {}


def _refusal(label: str) -> Callable[[httpx.Response], None]:
    def look(response: httpx.Response) -> None:
        if response.status_code in (401, 403):
            raise ChromaServerError(
                f"The Chroma server at {label} refuses this advisor ({response.status_code}).",
                hint=f"Set {TOKEN_VARIABLE} in the environment, or put user and password into the address; "
                "building an index needs the right to write.",
            )
        if response.status_code >= 500 and "json" not in response.headers.get("content-type", ""):
            raise ChromaServerError(
                f"The Chroma server at {label} answered with an error ({response.status_code}).",
                hint="Its log says more.",
            )

    return look


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
