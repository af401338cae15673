"""Reading from a hub: facts of a repository, and the first bytes of its files, with bounds and plain errors.

`huggingface_hub` finds the session, proxies, retries and addresses; the bodies are streamed here, because a
server that ignores a range would otherwise be read to the end of a 40 GB file. Nothing is written to disk and
no code of a repository is run. The token comes from the environment only; telemetry is off.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from knowledge.errors import NoAnswerError, ServiceError, UsageError

if TYPE_CHECKING:
    import httpx

SECONDS = 20.0
WHOLE_SECONDS = 120.0
MAX_REFUSAL = 64 << 10
ENDPOINT = "https://huggingface.co"


class HubClient:
    """One repository of a hub."""

    def __init__(self, repo: str) -> None:
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        from huggingface_hub import HfApi

        self.repo = repo
        self.endpoint = (os.environ.get("HF_ENDPOINT", "").strip() or ENDPOINT).rstrip("/")
        self.revision = "main"
        token = os.environ.get("HF_TOKEN", "").strip() or os.environ.get("HUGGING_FACE_HUB_TOKEN", "").strip()
        # False keeps the library from looking for a stored token.
        self._api = HfApi(endpoint=self.endpoint, token=token or False)
        self._end = time.monotonic() + WHOLE_SECONDS

    def info(self) -> Any:  # noqa: ANN401 - huggingface_hub's ModelInfo, which is not imported at start
        """What the hub says of the repository; later reads are of the commit it names.

        Raises:
            NoAnswerError: there is none, or it may not be read.
            ServiceError: the hub cannot be reached.
            UsageError: the id is none, or huggingface_hub is set offline.
        """
        with self._plain_errors():
            try:
                found = self._api.model_info(self.repo, files_metadata=True, timeout=SECONDS)
            except (TypeError, KeyError, AttributeError):
                raise ValueError("not a hub's answer") from None
        if isinstance(found.sha, str) and found.sha.isalnum():
            self.revision = found.sha
        return found

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
        with (
            self._plain_errors(),
            get_session().stream("GET", url, headers=headers, timeout=SECONDS) as answer,
        ):
            if answer.status_code >= 400:
                self._raise(answer)
            if start and answer.status_code != 206:
                raise ServiceError(f"{self.endpoint} does not serve parts of files.", hint="Try again later.")
            return self._limited(answer.iter_raw(), end - start)

    def _raise(self, answer: httpx.Response) -> None:
        """Raises what a refusal means; of its body no more is read than a message needs."""
        import httpx
        from huggingface_hub.utils import hf_raise_for_status

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
            raise ServiceError(f"{self.endpoint} answers too slowly.", hint="Try again later.")

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
        page = f"{self.endpoint}/{self.repo}"
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
                f"The hub at {self.endpoint} does not answer ({type(error).__name__}).",
                hint="Check the network (or HF_ENDPOINT) and try again; a GGUF file needs none.",
            ) from None

    def _refused(self, status: int) -> NoAnswerError | ServiceError:
        if status in (401, 403):
            return NoAnswerError(
                f"The hub refuses to show {self.repo} (status {status}).",
                hint=f"Ask for access at {self.endpoint}/{self.repo} and set HF_TOKEN.",
                code="gated",
            )
        return ServiceError(
            f"The hub at {self.endpoint} answers with status {status}.", hint="Try again later."
        )
