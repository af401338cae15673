"""How much each of several named tasks counts, and what a further task asks of a model: the table of
`tools/data/task_shares.json`.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from pydantic import TypeAdapter

from tools.needs import Feature, Role, Task


@cache
def _table() -> dict[str, Any]:
    data = resources.files("tools").joinpath("data/task_shares.json").read_bytes()
    return TypeAdapter(dict[str, Any]).validate_json(data)


@cache
def counted(main: Task, also: tuple[Task, ...]) -> tuple[Task, ...]:
    """The tasks that one writing model is weighed for, the main one first.

    Further tasks that take a model of another kind are left out, see `apart`.
    """
    further = (task for task in also if task not in _table()["apart"])
    return tuple(dict.fromkeys((main, *further)))


def apart(task: Task, role: Role) -> str:
    """Why a further task takes another model than one of this role."""
    usual = _table()["other_roles"]["why"].format(role=role)
    return str(_table()["apart"].get(task, usual))


def shares(tasks: tuple[Task, ...]) -> tuple[float, ...]:
    """What each task counts, in the order of the tasks; together 1."""
    if len(tasks) == 1:
        return (1.0,)
    each = float(_table()["further"]["share"]) / (len(tasks) - 1)
    return (float(_table()["main"]["share"]), *(each for _ in tasks[1:]))


def required(further: tuple[Task, ...]) -> dict[Feature, str]:
    """Features without which a further task cannot be done at all, each with the reason."""
    rows = (_table()["needs"][task] for task in further if task in _table()["needs"])
    return {feature: row["why"] for row in rows for feature in row["features"]}
