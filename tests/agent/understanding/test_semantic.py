"""The nearest labeled example, with a fake embedder and by words."""

from __future__ import annotations

from collections.abc import Sequence

from agent.understanding import Asked, understand
from agent.understanding.semantic import NearestExamples, nearest_by_words
from tools.needs import Needs


class FakeEmbedder:
    """Counts a few letters: equal texts are equal, others are not."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        self.calls += 1
        return [[float(text.lower().count(c)) for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts]


def test_an_example_itself_is_nearest_to_its_task() -> None:
    nearest = NearestExamples(FakeEmbedder())
    task, score = nearest("Prove lemmas for my algebra class")
    assert -1 <= score <= 1.0001
    assert task == "reasoning" or score > 0.8


def test_examples_are_embedded_once() -> None:
    embedder = FakeEmbedder()
    nearest = NearestExamples(embedder)
    nearest("one")
    nearest("two")
    assert embedder.calls == 3


def test_shared_words_name_the_task() -> None:
    assert nearest_by_words("write the next chapter of a crime story")[0] == "writing"
    assert nearest_by_words("zzz qqq")[1] == 0


def test_understanding_asks_the_semantic_reader_only_without_a_task_word() -> None:
    asked: list[str] = []

    def semantic(text: str) -> tuple[str, float]:
        asked.append(text)
        return "extraction", 0.9

    got = understand("pluck the sums from the bills every night", Needs(), semantic=semantic)
    assert got.updates["task"].value.name == "extraction"
    assert got.updates["task"].strength == "wish"
    understand("a coding assistant for my team", Needs(), semantic=semantic)
    assert len(asked) == 1


def test_far_neighbors_name_nothing() -> None:
    got = understand("the sky over the harbor was gray", Needs(), semantic=lambda _: ("writing", 0.1))
    assert "task" not in got.updates


def test_asked_task_takes_a_nearer_guess() -> None:
    got = understand(
        "pluck sums from bills", Needs(), asked=Asked("task"), semantic=lambda _: ("extraction", 0.35)
    )
    assert got.updates["task"].value.name == "extraction"
