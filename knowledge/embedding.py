"""Turning texts into vectors, in a process of its own (see `model_worker`)."""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from knowledge.embedding_worker import DIMENSIONS, NAME
from knowledge.errors import AdvisorError, ServiceError
from knowledge.model_child import ModelChild

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

ANSWER_SECONDS = 30.0
SECONDS_PER_TEXT = 2.0


class EmbedderError(ServiceError):
    """The embedder cannot be started or did not answer; search goes on by words."""

    code = "embedder"


class Embedder(Protocol):
    """Something that turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """Identifies the model and its weights; vectors of two names are never compared.

        Raises:
            EmbedderError: there is no such model here.
        """
        ...

    @property
    def dimensions(self) -> int | None:
        """Numbers in a vector; None where only the first vector tells."""
        ...

    @property
    def ready(self) -> bool:
        """True when `embed` answers without loading first."""
        ...

    def warm(self) -> None:
        """Starts loading and returns at once."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a passage, as the rows of a float32 matrix; waits for loading.

        Raises:
            EmbedderError: it cannot be loaded, died, or took too long.
        """
        ...

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """As `embed`, for texts that passages are looked up by: many models read them differently.

        Raises:
            EmbedderError: as above.
        """
        ...

    def close(self) -> None:
        """Gives everything back; `embed` afterwards raises EmbedderError."""
        ...


class Model(Protocol):
    """Which model an embedder's process loads."""

    @property
    def dimensions(self) -> int | None: ...

    def identity(self) -> str:
        """The embedder's name.

        Raises:
            AdvisorError: there is no such model here.
        """
        ...

    def command(self) -> list[str]:
        """The process that loads it.

        Raises:
            AdvisorError: as above.
        """
        ...

    def seconds(self, count: int, query: bool) -> float:
        """How long an answer to so many texts may take."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2, which is part of the installation."""

    dimensions = DIMENSIONS

    def identity(self) -> str:
        return NAME

    def command(self) -> list[str]:
        return worker("knowledge.embedding_worker")

    def seconds(self, count: int, query: bool) -> float:
        return ANSWER_SECONDS + SECONDS_PER_TEXT * count


def dimensions_of(embedder: Embedder) -> int:
    """Numbers in a vector; some embedders tell only with their first.

    Raises:
        EmbedderError: it cannot make one.
    """
    return embedder.dimensions or int(embedder.embed_queries(["ready"]).shape[1])


class ChildEmbedder:
    """A model in a child process, started when first needed. Safe to use from several threads."""

    def __init__(
        self,
        model: Model | None = None,
        *,
        command: Sequence[str] | None = None,
        log: Path | None = None,
        patience: float | None = None,
    ) -> None:
        """
        Args:
            model: None for all-MiniLM-L6-v2.
            command: stands in for the model's process in tests; `log` and `patience` as for ModelChild.
        """
        self._model: Model = model or MiniLM()
        self._command = None if command is None else list(command)
        self._child = ModelChild("embedder", EmbedderError, log=log, patience=patience)
        self._name: str | None = None
        self._dimensions = self._model.dimensions

    @property
    def name(self) -> str:
        if self._name is None:
            try:
                self._name = self._model.identity()
            except AdvisorError as error:
                raise EmbedderError(error.message, hint=error.hint) from None
        return self._name

    @property
    def dimensions(self) -> int | None:
        return self._dimensions or self._child.told.get("dimensions")

    @property
    def ready(self) -> bool:
        return self._child.ready

    @property
    def failed(self) -> bool:
        """True when it died and will not be started again."""
        return self._child.failed

    @property
    def tokens(self) -> int | None:
        """Tokens that it reads of a text; None before it is loaded, or where it does not say."""
        return self._child.told.get("tokens")

    def warm(self) -> None:
        try:
            self._child.warm(self._process())
        except EmbedderError:
            return

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._vectors(texts, query=False)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._vectors(texts, query=True)

    def close(self) -> None:
        self._child.close()

    def _process(self) -> list[str]:
        try:
            return self._command or self._model.command()
        except AdvisorError as error:
            raise EmbedderError(error.message, hint=error.hint) from None

    def _vectors(self, texts: Sequence[str], *, query: bool) -> Vectors:
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions or 0), dtype=np.float32)
        seconds = self._model.seconds(len(texts), query)
        request = {"texts": list(texts), "query": query, "seconds": seconds}
        answer = self._child.ask(self._process(), request, seconds)
        try:
            data = np.frombuffer(base64.b64decode(answer["vectors"], validate=True), dtype="<f4")
            vectors = data.reshape(len(texts), self.dimensions or -1)
        except (binascii.Error, KeyError, ValueError, TypeError):
            self._child.stop()
            raise EmbedderError("The embedder answered something that is no vector.") from None
        self._dimensions = int(vectors.shape[1])
        return vectors.astype(np.float32)


class UnusableEmbedder:
    """Stands where the embedder that was set cannot be used: words alone answer, and say why."""

    dimensions = None
    ready = False

    def __init__(self, reason: AdvisorError) -> None:
        self._reason = reason

    @property
    def name(self) -> str:
        raise EmbedderError(self._reason.message, hint=self._reason.hint)

    def warm(self) -> None:
        """There is nothing to load."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise EmbedderError(self._reason.message, hint=self._reason.hint)

    embed_queries = embed

    def close(self) -> None:
        """There is nothing to give back."""


def worker(module: str, *words: str) -> list[str]:
    """The command line of a model's process; `-P` keeps the working folder off its path."""
    return [sys.executable, "-P", "-m", module, *words]
