"""A hub on loopback as huggingface_hub asks it: facts of a repository, and files by range."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.fakes.http_server import Asked, FakeServer, Reply

SHA = "0123456789abcdef0123456789abcdef01234567"


class FakeHub(FakeServer):
    """Serves repositories from memory and from files on disk.

    Attributes:
        repositories: contents by repository and file name; a path stands for a file on disk.
        cards: more facts by repository (`tags`, `cardData`, `pipeline_tag`).
        gated: repositories whose files nobody may read.
        status: answered to everything, where set.
        ranges: False ignores ranges, as a bad mirror does.
        replies: answers to single paths, in the place of what they would be (a redirect, a web page).
        digests: what is listed of a file (`blobId`, `lfs`, `size`) by repository and name, where it is wrong.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.repositories: dict[str, dict[str, bytes | Path]] = {}
        self.cards: dict[str, dict[str, Any]] = {}
        self.names: dict[str, list[str]] = {}
        self.gated: set[str] = set()
        self.status: int | None = None
        self.ranges = True
        self.replies: dict[str, Reply] = {}
        self.digests: dict[tuple[str, str], dict[str, Any]] = {}
        self.sent = 0

    def _answer(self, asked: Asked) -> Reply:
        if self.status is not None:
            return Reply(status=self.status)
        path = unquote(urlsplit(asked.path).path).strip("/")
        if path in self.replies:
            return self.replies[path]
        for start in ("api/models/", "api/datasets/"):
            if path.startswith(start):
                return self._facts(path.removeprefix(start))
        repo, _, rest = path.removeprefix("datasets/").partition("/resolve/")
        if repo in self.gated:
            return Reply(status=403, headers={"X-Error-Code": "GatedRepo"})
        content = self.repositories.get(repo, {}).get(rest.partition("/")[2])
        if content is None:
            return Reply(status=404, headers={"X-Error-Code": "EntryNotFound"})
        return self._part(content, asked.headers.get("range"))

    def _facts(self, repo: str) -> Reply:
        files = self.repositories.get(repo)
        if files is None:
            return Reply(status=404, headers={"X-Error-Code": "RepoNotFound"})
        sizes = {name: len(c) if isinstance(c, bytes) else c.stat().st_size for name, c in files.items()}
        siblings: list[dict[str, Any]] = [
            {"rfilename": name, "size": size, **_blob(files[name]), **self.digests.get((repo, name), {})}
            for name, size in sizes.items()
        ]
        siblings += [{"rfilename": name, "size": 10} for name in self.names.get(repo, [])]
        facts = {"id": repo, "sha": SHA, "tags": [], "siblings": siblings, **self.cards.get(repo, {})}
        return Reply(json.dumps(facts).encode(), headers={"Content-Type": "application/json"})

    def _part(self, content: bytes | Path, asked: str | None) -> Reply:
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        start, end, status = 0, size, 200
        if asked is not None and self.ranges:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end, status = int(first), min(int(last) + 1, size), 206
        if isinstance(content, bytes):
            body = content[start:end]
        else:
            with content.open("rb") as file:
                file.seek(start)
                body = file.read(end - start)
        self.sent += len(body)
        return Reply(body, status, {"Content-Range": f"bytes {start}-{end - 1}/{size}"})


def _blob(content: bytes | Path) -> dict[str, str]:
    """The name that git gives a small file; large ones are not read for it."""
    if not isinstance(content, bytes):
        return {}
    data = b"blob %d\0" % len(content) + content
    return {"blobId": hashlib.sha1(data, usedforsecurity=False).hexdigest()}


def safetensors(tensors: Mapping[str, tuple[int, ...]], dtype: str = "BF16") -> bytes:
    """The head of a safetensors file, and no data."""
    table = {
        name: {"dtype": dtype, "shape": list(shape), "data_offsets": [0, 0]}
        for name, shape in tensors.items()
    }
    data = json.dumps({"__metadata__": {"format": "pt"}, **table}).encode()
    return struct.pack("<Q", len(data)) + data
