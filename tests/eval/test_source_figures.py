"""Every figure of the five older guides can be asked for and is answered with the right present value."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.reply import Reply
from knowledge.retrieval import Retriever
from tests.eval.source_figures import CHECKS, Case, asked, faults_of, holds_number, load_cases
from tests.fakes.retriever import FakeRetriever

LEAST_SHARE_WITH_VECTORS = 0.98
"""With the embedder, passages may change places; nearly all must still be right."""


@pytest.fixture(scope="module")
def guides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retriever]:
    retriever = FakeRetriever(tmp_path_factory.mktemp("guides"))
    yield retriever
    retriever.close()


def _groups() -> dict[str, list[Case]]:
    groups: dict[str, list[Case]] = {}
    for case in load_cases():
        groups.setdefault(case.about, []).append(case)
    return groups


def test_the_rows_are_many_and_well_formed() -> None:
    cases = load_cases()
    assert len(cases) >= 500
    assert len({case.ask for case in cases}) >= 0.99 * len(cases)
    for case in cases:
        assert "{" not in case.ask, case.ask
        assert set(case.expect) <= set(CHECKS), case.about
        assert set(case.expect) - {"cites"}, case.about


@pytest.mark.parametrize("about", _groups())
async def test_every_figure_is_answered(about: str, guides: Retriever) -> None:
    wrong = {}
    for case in _groups()[about]:
        reply = await asked(case.ask, guides)
        faults = faults_of(case, reply)
        if faults:
            wrong[case.ask] = (faults, reply.text)
    assert not wrong


@pytest.mark.index
@pytest.mark.timeout(600)
async def test_the_same_with_the_embedder(shipped: Retriever) -> None:
    """The index a person has ranks passages by meaning too."""
    wrong = {c.ask: found for c in load_cases() if (found := faults_of(c, await asked(c.ask, shipped)))}
    assert len(wrong) <= (1 - LEAST_SHARE_WITH_VECTORS) * len(load_cases()), wrong


def test_a_question_is_no_answer_to_itself() -> None:
    """No check may be met by the words of the question, whatever is cited."""
    for case in load_cases():
        echo = Reply(case.ask, [{"kind": "guide", "source": "", "locator": ""}])
        assert faults_of(Case(case.about, case.ask, _without_cites(case)), echo), case.ask


async def test_an_answer_to_something_else_is_wrong(guides: Retriever) -> None:
    """A check that any answer of the same kind would pass says nothing."""
    reply = await asked("How many exchanges fit into 16K tokens?", guides)
    passed = [
        case.ask
        for case in load_cases()
        if "exchanges" not in case.about
        and not faults_of(Case(case.about, case.ask, _without_cites(case)), reply)
    ]
    assert not passed


def _without_cites(case: Case) -> dict[str, object]:
    return {kind: wanted for kind, wanted in case.expect.items() if kind != "cites"}


@pytest.mark.parametrize(
    ("text", "wanted", "held"),
    [
        ("it takes about 42.2 GiB", "42.2 GiB", True),
        ("it takes about 43.9 GiB", "42.2 GiB", False),
        ("it takes about 42.2 GB", "42.2 GiB", False),
        ("costs $2.50 in and $10.00 out", "$2.50 / $10", True),
        ("costs $2.50 in", "$2.50 / $10", False),
        ("reads 32,768 tokens", "32K tokens", True),
        ("reads 131,072 tokens", "32K tokens", False),
    ],
)
def test_numbers_are_matched_as_numbers(text: str, wanted: str, held: bool) -> None:
    assert holds_number(text, wanted) is held


def test_what_is_not_cited_is_no_answer() -> None:
    case = load_cases()[0]
    assert "no citation" in faults_of(case, Reply("anything", []))
