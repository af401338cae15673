"""Reading from a hub: facts of a repository, and the first bytes of its files, with bounds and plain errors.

`huggingface_hub` finds the session, proxies, retries and addresses; the bodies are streamed here, because a
server that ignores a range would otherwise be read to the end of a 40 GB file. Nothing is written to disk and
no code of a repository is run. The token comes from the environment only; telemetry is off.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from knowledge.errors import NoAnswerError, ServiceError, UsageError
from tools.bounded import asked_to_wait, within

if TYPE_CHECKING:
    import httpx

SECONDS = 20.0
WHOLE_SECONDS = 120.0
MAX_REFUSAL = 64 << 10
MAX_FACTS = 16 << 20
REDIRECTS = 3
ENDPOINT = "https://huggingface.co"
_COMMIT = re.compile(r"[0-9a-zA-Z]{1,64}")


def _as_listed(data: bytes, listed: Mapping[str, Any]) -> bool:
    """Whether size and digest are those that the hub lists; what it does not list is not held against it."""
    size, blob, stored = listed.get("size"), listed.get("blobId"), listed.get("lfs")
    if isinstance(size, int) and size != len(data):
        return False
    digest = stored.get("sha256") if isinstance(stored, dict) else None
    if isinstance(digest, str):
        return hashlib.sha256(data).hexdigest() == digest
    if isinstance(blob, str):  # as git names the content of a file
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() == blob
    return True


def _shown(endpoint: str) -> str:
    """The address of a hub without user, password and query.

    Raises:
        UsageError: it is none.
    """
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(
            "HF_ENDPOINT is no address of a server.", hint="Unset it, or set it to https:// and a host."
        )
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class HubClient:
    """One repository of a hub.

    Args:
        repo: hub id.
        kind: what is in the repository.
        seconds: for everything that is read of it; None takes the usual bound.

    Attributes:
        endpoint: the address as it is asked, which may hold credentials.
        shown: the same without them, for everything that is told or kept.

    Raises:
        UsageError: HF_ENDPOINT is no address.
    """

    def __init__(
        self, repo: str, kind: Literal["model", "dataset"] = "model", seconds: float | None = None
    ) -> None:
        self.repo, self.kind = repo, kind
        self.endpoint = (os.environ.get("HF_ENDPOINT", "").strip() or ENDPOINT).rstrip("/")
        self.shown = _shown(self.endpoint)
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        from huggingface_hub import HfApi

        self.revision = "main"
        token = os.environ.get("HF_TOKEN", "").strip() or os.environ.get("HUGGING_FACE_HUB_TOKEN", "").strip()
        # False keeps the library from looking for a stored token.
        self._api = HfApi(endpoint=self.endpoint, token=token or False)
        self._end = time.monotonic() + (WHOLE_SECONDS if seconds is None else seconds)

    def info(self) -> Any:  # noqa: ANN401 - huggingface_hub's ModelInfo, which is not imported at start
        """What the hub says of the repository; later reads are of the commit it names.

        Raises:
            NoAnswerError: there is none, or it may not be read.
            ServiceError: the hub cannot be reached.
            UsageError: the id is none, or huggingface_hub is set offline.
        """
        from huggingface_hub import ModelInfo

        facts = self.facts()
        with self._plain_errors():
            try:
                return ModelInfo(**facts)  # type: ignore[no-untyped-call]
            except (TypeError, KeyError, AttributeError):
                raise ValueError("not a hub's answer") from None

    def facts(self) -> dict[str, Any]:
        """What the hub says of the repository, as it stands; later reads are of the commit it names.

        Raises:
            NoAnswerError: there is none, or it may not be read.
            ServiceError: the hub cannot be reached, sends on to another server, or sends no facts.
            UsageError: the id is none, or huggingface_hub is set offline.
        """
        from huggingface_hub.utils import validate_repo_id

        with self._plain_errors():
            validate_repo_id(self.repo)
        url = f"{self.endpoint}/api/{self.kind}s/{self.repo}?blobs=true"
        data = self._own(url, MAX_FACTS)
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ServiceError(
                f"The hub at {self.shown} does not answer with the facts of {self.repo}.",
                hint="Check the network (or HF_ENDPOINT) and try again.",
            )
        sha = found.get("sha")
        if isinstance(sha, str) and _COMMIT.fullmatch(sha):
            self.revision = sha
        return found

    def whole(self, name: str, limit: int, listed: Mapping[str, Any] | None = None) -> bytes:
        """A file of the repository, from this hub alone.

        Args:
            name: path in the repository.
            limit: bytes; a longer one is refused.
            listed: what the hub lists of it (`size`, `blobId`, `lfs`), against which it is held.

        Raises:
            ServiceError: as `facts`; or it is not what the hub lists, or too large.
            NoAnswerError: it may not be read.
        """
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(self.repo, name, repo_type=self.kind, revision=self.revision, endpoint=self.endpoint)
        data = self._own(url, limit)
        if listed is not None and not _as_listed(data, listed):
            raise ServiceError(
                f"`{name}` of {self.repo} is not what the hub lists: cut off, or another file."
            )
        return data

    def _own(self, url: str, limit: int) -> bytes:
        """The content of an address of this hub, in time; redirects are followed on its own server only."""
        data = self._whole_in_time(lambda: self._followed(url, limit + 1))
        if len(data) > limit:
            raise ServiceError(
                f"The hub at {self.shown} sends more than {limit >> 20} MiB, which is not read."
            )
        return data

    def _whole_in_time(self, work: Callable[[], bytes]) -> bytes:
        return within(self._end - time.monotonic(), work, f"{self.shown} answers too slowly.")

    def _followed(self, url: str, size: int) -> bytes:
        import httpx
        from huggingface_hub.utils import build_hf_headers, get_session

        headers = build_hf_headers(token=self._api.token) | {"Accept-Encoding": "identity"}
        address = httpx.URL(url)
        with self._plain_errors():
            for _ in range(REDIRECTS + 1):
                with get_session().stream(
                    "GET", address, headers=headers, timeout=SECONDS, follow_redirects=False
                ) as answer:
                    if answer.next_request is None:
                        if answer.status_code != 200:
                            self._raise(answer)
                        return self._limited(answer.iter_raw(), size)
                    target = answer.next_request.url
                if (target.scheme, target.host, target.port) != (address.scheme, address.host, address.port):
                    raise ServiceError(
                        f"The hub at {self.shown} sends on to another server "
                        f"({target.scheme}://{target.host}), which is not followed."
                    )
                address = target
        raise ServiceError(f"The hub at {self.shown} sends on without an end.")

    def read(self, name: str, start: int, end: int) -> bytes:
        """Bytes of a file from `start` (inclusive) to `end` (exclusive); fewer where it ends.

        Raises:
            NoAnswerError: the file may not be read.
            ServiceError: the hub cannot be reached, or does not serve ranges.
        """
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers, get_session

        url = hf_hub_url(self.repo, name, revision=self.revision, endpoint=self.endpoint)
        headers = build_hf_headers(token=self._api.token) | {
            "Range": f"bytes={start}-{end - 1}",
            "Accept-Encoding": "identity",
        }

        def part() -> bytes:
            with (
                self._plain_errors(),
                get_session().stream("GET", url, headers=headers, timeout=SECONDS) as answer,
            ):
                if answer.status_code >= 400:
                    self._raise(answer)
                if start and answer.status_code != 206:
                    raise ServiceError(
                        f"{self.shown} does not serve parts of files.", hint="Try again later."
                    )
                return self._limited(answer.iter_raw(), end - start)

        return self._whole_in_time(part)

    def _raise(self, answer: httpx.Response) -> None:
        """Raises what a refusal means; of its body no more is read than a message needs."""
        import httpx
        from huggingface_hub.utils import hf_raise_for_status

        if answer.status_code == 429:
            raise asked_to_wait(f"The hub at {self.shown}", answer.headers.get("retry-after"))
        if answer.status_code < 400:
            raise self._refused(answer.status_code)
        body = self._limited(answer.iter_raw(), MAX_REFUSAL)
        headers = {name: value for name, value in answer.headers.items() if name.startswith("x-")}
        hf_raise_for_status(
            httpx.Response(answer.status_code, headers=headers, content=body, request=answer.request)
        )

    def _limited(self, chunks: Iterator[bytes], size: int) -> bytes:
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if len(data) >= size:
                break
            self._in_time()
        return bytes(data[:size])

    def _in_time(self) -> None:
        if time.monotonic() > self._end:
            raise ServiceError(f"{self.shown} answers too slowly.", hint="Try again later.")

    def document(self, name: str, limit: int) -> dict[str, Any]:
        """A JSON file of the repository.

        Raises:
            UsageError: it is too large, or no JSON object.
            NoAnswerError: see `read`.
            ServiceError: see `read`.
        """
        data = self.read(name, 0, limit + 1)
        try:
            value = json.loads(data) if len(data) <= limit else None
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise UsageError(
                f"`{name}` of {self.repo} is no configuration.", hint="Look at the repository's files."
            )
        return value

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        import httpx
        from huggingface_hub import errors

        self._in_time()
        page = f"{self.shown}/{self.repo}"
        try:
            yield
        except (errors.GatedRepoError, errors.DisabledRepoError):
            raise NoAnswerError(
                f"{self.repo} is gated: its owner has to grant access first.",
                hint=f"Ask for access at {page} and set HF_TOKEN to a token that may read it.",
                code="gated",
            ) from None
        except errors.RepositoryNotFoundError:
            raise NoAnswerError(
                f"The hub has no model {self.repo}, or it is private.",
                hint="Check the spelling of org/name; for a private one set HF_TOKEN.",
                code="no_repository",
            ) from None
        except (errors.EntryNotFoundError, errors.RevisionNotFoundError):
            raise NoAnswerError(
                f"A file of {self.repo} is not there.", hint=f"Look at {page}/tree/main.", code="no_file"
            ) from None
        except errors.OfflineModeIsEnabled:
            raise UsageError(
                "HF_HUB_OFFLINE forbids to ask the hub.", hint="Unset it, or add a GGUF file."
            ) from None
        except errors.HFValidationError:
            raise UsageError(f"`{self.repo[:100]}` is no hub id.", hint="A hub id is org/name.") from None
        except errors.HfHubHTTPError as error:
            raise self._refused(error.response.status_code) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            raise ServiceError(
                f"The hub at {self.shown} does not answer ({type(error).__name__}).",
                hint="Check the network (or HF_ENDPOINT) and try again; a GGUF file needs none.",
            ) from None

    def _refused(self, status: int) -> NoAnswerError | ServiceError:
        if status in (401, 403):
            return NoAnswerError(
                f"The hub refuses to show {self.repo} (status {status}).",
                hint=f"Ask for access at {self.shown}/{self.repo} and set HF_TOKEN.",
                code="gated",
            )
        return ServiceError(f"The hub at {self.shown} answers with status {status}.", hint="Try again later.")
