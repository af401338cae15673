"""How good a model is at all the tasks a person named together: the mean of the tasks by their shares.

One task alone gives exactly what `tools.quality` and `tools.expected` give for it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, zip_longest

from tools.candidates import QualityFigure
from tools.expected import GRADES, Expected, api_expected_of, expected_of
from tools.needs import Task
from tools.quality import api_quality_of, quality_of
from tools.task_shares import shares

MOST_EVIDENCE = 6


def task_words(tasks: tuple[Task, ...]) -> str:
    """`code`, `code and translation`, `code, writing and translation`."""
    return " and ".join([", ".join(tasks[:-1]), tasks[-1]] if len(tasks) > 1 else tasks)


def expected_for(model_id: str, tasks: tuple[Task, ...]) -> Expected:
    """What is expected of a model of the catalog at some tasks together."""
    return _expected(model_id, tasks, expected_of)


def api_expected_for(key: str, tasks: tuple[Task, ...]) -> Expected:
    """What is expected of an API model at some tasks together."""
    return _expected(key, tasks, api_expected_of)


def quality_for(model_id: str, tasks: tuple[Task, ...], trained: bool = False) -> QualityFigure:
    """The quality of a model of the catalog at some tasks together, with its evidence.

    Args:
        model_id: hub id in the catalog.
        tasks: the main one first.
        trained: whether it will be fine-tuned first.
    """
    return _quality(tasks, lambda task: quality_of(model_id, task, trained))


def api_quality_for(key: str, tasks: tuple[Task, ...]) -> QualityFigure:
    """The same of an API model."""
    return _quality(tasks, lambda task: api_quality_of(key, task))


def _expected(name: str, tasks: tuple[Task, ...], look: Callable[[str, Task], Expected]) -> Expected:
    if len(tasks) == 1:
        return look(name, tasks[0])
    parts, weights = [look(name, task) for task in tasks], shares(tasks)
    return Expected(
        sum(w * p.score for w, p in zip(weights, parts, strict=True)),
        sum(w * p.spread for w, p in zip(weights, parts, strict=True)),
        max((p.grade for p in parts), key=GRADES.index),
    )


def _quality(tasks: tuple[Task, ...], look: Callable[[Task], QualityFigure]) -> QualityFigure:
    """The tasks together; errors at two tasks of one model go together, so that spreads add up."""
    if len(tasks) == 1:
        return look(tasks[0])
    parts, weights = [look(task) for task in tasks], shares(tasks)
    each = ", ".join(
        f"{task} {part.score:.0f} at {100 * weight:.0f} %"
        for task, part, weight in zip(tasks, parts, weights, strict=True)
    )
    # The evidence of each task in turn, so that a short list shows some of all.
    turns = chain.from_iterable(zip_longest(*(part.basis for part in parts)))
    basis = tuple(dict.fromkeys(one for one in turns if one is not None))[:MOST_EVIDENCE]
    return QualityFigure(
        score=sum(w * p.score for w, p in zip(weights, parts, strict=True)),
        spread=sum(w * p.spread for w, p in zip(weights, parts, strict=True)),
        measured=all(part.measured for part in parts),
        basis=basis,
        note=f"{each}; {parts[0].note}" if parts[0].note else each,
        grade=max((part.grade for part in parts), key=GRADES.index),
        doubts=tuple(dict.fromkeys(doubt for part in parts for doubt in part.doubts)),
    )
