"""Putting the first passages found in a better order with a cross-encoder, within a time limit.

An embedder reads query and passage apart, a cross-encoder reads them together: better, and a thousand times
slower, so it reads only the first passages. It works in a process of its own, as the embedder does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from knowledge.embedding import worker
from knowledge.errors import AdvisorError, ServiceError
from knowledge.local_models import LocalModelError, Place, find
from knowledge.model_child import ModelChild

AUTO = "auto"
"""The setting for the first of these that is on this machine."""
KNOWN = (
    "cross-encoder/ms-marco-MiniLM-L6-v2",
    "cross-encoder/ms-marco-MiniLM-L-6-v2",
    "cross-encoder/ms-marco-MiniLM-L4-v2",
    "cross-encoder/ms-marco-MiniLM-L12-v2",
    "cross-encoder/ms-marco-MiniLM-L-12-v2",
    "mixedbread-ai/mxbai-rerank-xsmall-v1",
    "BAAI/bge-reranker-base",
)
"""Small enough to read some passages in a moment, the fastest first."""
MOST_PASSAGES = 20
BUDGET_SECONDS = 0.3
"""For one query; a slower model reads fewer passages."""
GRACE_SECONDS = 10.0
"""A process that takes so much longer is stuck."""
RERANKER_SHARE = 2 / 3
"""How much the cross-encoder counts beside the fused score: it reads more, but an exact name that only one
passage holds should not be lost to it."""


class RerankerError(ServiceError):
    """The reranker cannot be started or did not answer; the order stays as it was."""

    code = "reranker"


class Reranker(Protocol):
    """Something that says how well passages answer a query."""

    @property
    def name(self) -> str:
        """Identifies the model and its weights.

        Raises:
            RerankerError: there is no such model here.
        """
        ...

    @property
    def ready(self) -> bool:
        """True when `scores` answers without loading first."""
        ...

    def warm(self) -> None:
        """Starts loading and returns at once."""
        ...

    def load(self) -> None:
        """Waits until it is ready; returns at once where no reranker was found for `auto`.

        Raises:
            RerankerError: it cannot be loaded.
        """
        ...

    def scores(self, query: str, passages: Sequence[str], seconds: float) -> list[float]:
        """A score for each of the first passages, as many as the time allows; more is better, of any scale.

        Raises:
            RerankerError: it cannot be loaded, died, or took far too long.
        """
        ...

    def close(self) -> None:
        """Gives everything back."""
        ...


class ChildReranker:
    """A cross-encoder in a child process, started when first needed. Safe to use from several threads."""

    def __init__(
        self,
        setting: str,
        *,
        command: Sequence[str] | None = None,
        log: Path | None = None,
        patience: float | None = None,
    ) -> None:
        """
        Args:
            setting: hub id of a model that is on this machine, a folder, or `auto`.
            command: stands in for the model's process in tests; `log` and `patience` as for ModelChild.
        """
        self._setting: str | None = setting
        self._command = None if command is None else list(command)
        self._child = ModelChild("reranker", RerankerError, log=log, patience=patience)
        self._place: Place | None = None

    @property
    def name(self) -> str:
        place = self._found()
        return "" if place is None else place.identity()

    @property
    def ready(self) -> bool:
        return self._child.ready

    def warm(self) -> None:
        try:
            process = self._process()
        except RerankerError:
            return
        if process:
            self._child.warm(process)

    def load(self) -> None:
        self.scores("ready", ["ready"], BUDGET_SECONDS)

    def scores(self, query: str, passages: Sequence[str], seconds: float) -> list[float]:
        process = self._process()
        if not process:
            return []
        request = {"query": query, "passages": list(passages), "seconds": seconds}
        answer = self._child.ask(process, request, seconds + GRACE_SECONDS)
        found = answer.get("scores")
        if not isinstance(found, list) or not all(isinstance(score, float | int) for score in found):
            self._child.stop()
            raise RerankerError("The reranker answered something that is no score.")
        return [float(score) for score in found[: len(passages)]]

    def close(self) -> None:
        self._child.close()

    def _found(self) -> Place | None:
        """Where it is; None where `auto` finds none."""
        if self._setting == AUTO:
            self._setting = installed()
        if self._place is None and self._setting is not None:
            try:
                self._place = find(self._setting)
            except AdvisorError as error:
                raise RerankerError(error.message, hint=error.hint) from None
        return self._place

    def _process(self) -> list[str]:
        if self._command is not None:
            return self._command
        place = self._found()
        return [] if place is None else worker("knowledge.reranking_worker", str(place.folder))


class SecondReading:
    """The reranker at work in a search, or nothing where there is none: it may fail, the search goes on."""

    def __init__(self, reranker: Reranker | None) -> None:
        self._reranker = reranker
        self._trouble: str | None = None

    @property
    def ready(self) -> bool:
        """True when it reads without loading first."""
        return self._reranker is not None and self._reranker.ready

    def warm(self) -> None:
        """Starts loading and returns at once."""
        if self._reranker is not None:
            self._reranker.warm()

    def load(self) -> None:
        """Waits until it is ready, or failed."""
        if self._reranker is None:
            return
        try:
            self._reranker.load()
            self._trouble = None
        except AdvisorError as error:
            self._trouble = error.message

    def order(
        self, query: str, fused: Sequence[tuple[int, float]], text_of: Callable[[int], str]
    ) -> tuple[list[tuple[int, float]], str | None]:
        """The passages in its order, and what to say where it failed; as they were while it is loading."""
        if self._reranker is None or not fused:
            return list(fused), None
        trouble = self._trouble
        if trouble is None and self._reranker.ready:
            texts = [text_of(number) for number, _ in fused[:MOST_PASSAGES]]
            try:
                return reordered(fused, self._reranker.scores(query, texts, BUDGET_SECONDS)), None
            except AdvisorError as error:
                trouble = error.message
        self._reranker.warm()
        return list(fused), None if trouble is None else f"The passages were not read again: {trouble}"

    def close(self) -> None:
        """Ends its process."""
        if self._reranker is not None:
            self._reranker.close()


def installed() -> str | None:
    """The first of the known cross-encoders that is on this machine; None where none is."""
    for name in KNOWN:
        try:
            find(name)
        except LocalModelError:
            continue
        return name
    return None


def reordered(fused: Sequence[tuple[int, float]], scores: Sequence[float]) -> list[tuple[int, float]]:
    """The fused passages with the first `len(scores)` in the order of both scores, still 0 to 1.

    Args:
        fused: passage numbers with their fused scores, best first.
        scores: what the reranker gave the first of them, of any scale.
    """
    if len(scores) < 2:
        return list(fused)
    low, high = min(scores), max(scores)
    head = [
        (number, (1 - RERANKER_SHARE) * score + RERANKER_SHARE * (given - low) / ((high - low) or 1.0))
        for (number, score), given in zip(fused, scores, strict=False)
    ]
    head.sort(key=lambda item: -item[1])
    last = head[-1][1]
    # What it did not read stays behind what it read: only the order means something.
    return head + [(number, min(score, last)) for number, score in fused[len(head) :]]
