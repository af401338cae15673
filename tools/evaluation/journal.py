"""The record of a run: a line for each answer and each finished scenario, at once on the disk.

A line that was cut off by a crash is left out and asked again; nothing else is ever lost or asked twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from knowledge.errors import AdvisorError, ServiceError
from knowledge.files import replace_text
from knowledge.home import home
from knowledge.locking import locked
from tools.evaluation.answers import Answered, Asked, Call, Done, Judged, Key, Spent, Turn, Verdict
from tools.evaluation.plan import Plan

AS_JUDGE = " as judge"
"""Behind the name of a judge, which may be under test as well."""
FOLDER, FILE, ABOUT, OLDER = "evaluations", "journal.jsonl", "run.json", "journal.older.jsonl"


@dataclass(slots=True)
class Kept:
    """What earlier parts of a run left."""

    answered: dict[Key, Answered] = field(default_factory=dict)
    """Answered, and not yet judged."""
    turns: dict[Key, list[Asked]] = field(default_factory=dict)
    """First turns of conversations that did not come to their end."""
    judged: dict[Key, dict[str, Judged]] = field(default_factory=dict)
    """First verdicts of answers that are not judged to the end, by the place of the check."""
    done: dict[Key, Done] = field(default_factory=dict)
    lost: Spent = field(default_factory=Spent)
    """What requests took that brought no answer."""
    began: datetime | None = None
    ended: datetime | None = None
    """When the last line was written."""
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was known of the models and the judge, by name, see `Contender.about`."""
    replaced: dict[str, int] = field(default_factory=dict)
    """Finished runs that are of an earlier model than the one that has the name now, by name."""
    damaged: int = 0
    """Lines that could not be read."""

    def meet(self, name: str, about: dict[str, Any]) -> None:
        """What is known of a model now; behind the same name there may be another one than before."""
        before, now = self.models.get(name, {}).get("digest"), about.get("digest")
        if before is not None and now is not None and before != now:
            judged = sum(bool(done.verdicts) for done in self.done.values())
            own = sum(key.model == name for key in self.done)
            self.replaced[name] = judged if name.endswith(AS_JUDGE) else own
        self.models[name] = about

    def finish(self, key: Key, done: Done) -> None:
        """A run of a scenario is finished; its parts are in `done`."""
        self.done[key] = done
        for parts in (self.answered, self.turns, self.judged):
            parts.pop(key, None)

    @property
    def usd(self) -> float:
        """Dollars that were spent."""
        spent = [one.spent for one in self.answered.values()]
        for done in self.done.values():
            spent += [done.answered.spent, done.judge_spent]
        spent += [asked.spent for turns in self.turns.values() for asked in turns]
        spent += [one.spent for verdicts in self.judged.values() for one in verdicts.values()]
        return sum(one.usd for one in spent) + self.lost.usd


class Journal:
    """The record of one run, held against other processes; made by `open_journal`."""

    def __init__(self, path: Path, kept: Kept) -> None:
        self.path = path
        self.kept = kept
        # What models answered may be as private as what they were asked.
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")

    def turn(self, key: Key, asked: Asked) -> None:
        """Records a turn of a conversation that goes on."""
        row = {"turn": asked.turn.as_json(), "spent": asdict(asked.spent)}
        self._write({"kind": "turn", **_key(key), **row})
        self.kept.turns.setdefault(key, []).append(asked)

    def answer(self, key: Key, answered: Answered) -> None:
        """Records what a model answered, before it is judged."""
        self._write({"kind": "answer", **_key(key), **_answer(answered)})
        self.kept.turns.pop(key, None)
        self.kept.answered[key] = answered

    def verdict(self, key: Key, place: str, judged: Judged) -> None:
        """Records a verdict of an answer that has more checks to be judged."""
        row = {"place": place, "verdict": asdict(judged.verdict), "spent": asdict(judged.spent)}
        self._write({"kind": "verdict", **_key(key), **row})
        self.kept.judged.setdefault(key, {})[place] = judged

    def done(self, key: Key, done: Done) -> None:
        """Records a finished run of a scenario."""
        row: dict[str, Any] = {"kind": "done", **_key(key)}
        if key in self.kept.answered:
            row["answered"] = True
        else:
            row |= _answer(done.answered)
        if done.verdicts or done.judge_spent.requests:
            row["verdicts"] = {place: asdict(verdict) for place, verdict in done.verdicts.items()}
            row["judge_spent"] = asdict(done.judge_spent)
        self._write(row)
        self.kept.finish(key, done)

    def meet(self, name: str, about: dict[str, Any]) -> None:
        """Records what is known of a model, so that a finished run can be told without asking."""
        if self.kept.models.get(name) != about:
            self._write({"kind": "model", "model": name, "about": about})
            self.kept.meet(name, about)

    def lose(self, spent: Spent) -> None:
        """Records what requests took that brought no answer."""
        self._write({"kind": "lost", "spent": asdict(spent)})

    def _write(self, row: dict[str, Any]) -> None:
        row["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        data = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


@contextmanager
def open_journal(plan: Plan, folder: Path | None = None, *, fresh: bool = False) -> Iterator[Journal]:
    """The record of a plan's run, with what is in it already.

    Args:
        plan: what is run.
        folder: the state folder; None for the person's.
        fresh: begin anew; the record so far is kept beside it until the next time.

    Raises:
        ServiceError: another process runs the same.
        AdvisorError: the folder cannot be written.
    """
    place = run_folder(plan, folder)
    try:
        with locked(place, 0.0, "busy"):
            path = place / FILE
            if fresh and path.exists():
                path.replace(place / OLDER)
            kept = read_journal(path, mend=True)
            _describe(place, plan, kept)
            journal = Journal(path, kept)
            try:
                yield journal
            finally:
                journal.close()
    except OSError as error:
        if error.args == ("busy",):
            raise ServiceError(
                "Another process runs this evaluation.", hint="Wait for it, or end it first.", code="busy"
            ) from None
        raise _unwritable(place, error) from None


def run_folder(plan: Plan, folder: Path | None = None) -> Path:
    """Where the record of a plan's run lies."""
    return (folder or home()) / FOLDER / plan.identity


def read_journal(path: Path, *, mend: bool = False) -> Kept:
    """What a record holds. A last line without its end and other damage are counted.

    Args:
        path: the file.
        mend: cut a last line without its end away; only for who holds the lock, else it may be the one that
            is just being written.

    Raises:
        OSError: it cannot be read or mended.
    """
    kept = Kept()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return kept
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        kept.damaged += 1
        if mend:
            # Else the next line would be glued to it, and both lost.
            with path.open("rb+") as file:
                file.truncate(whole)
                os.fsync(file.fileno())
    for line in data[:whole].splitlines():
        try:
            _take(kept, json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            kept.damaged += 1
    return kept


def _take(kept: Kept, row: dict[str, Any]) -> None:
    at = datetime.fromisoformat(row["at"])
    if row["kind"] == "lost":
        kept.lost += Spent(**row["spent"])
    elif row["kind"] == "model":
        kept.meet(str(row["model"]), dict(row["about"]))
    else:
        _take_run(kept, row, Key(str(row["model"]), str(row["scenario"]), int(row["repeat"])))
    kept.began = kept.began or at
    kept.ended = at


def _take_run(kept: Kept, row: dict[str, Any], key: Key) -> None:
    """A line about one run of a scenario."""
    kind = row["kind"]
    if kind == "turn":
        kept.turns.setdefault(key, []).append(Asked(_turn(row["turn"]), Spent(**row["spent"])))
    elif kind == "answer":
        kept.answered[key] = _answered(row)
        kept.turns.pop(key, None)
    elif kind == "verdict":
        judged = Judged(Verdict(**row["verdict"]), Spent(**row["spent"]))
        kept.judged.setdefault(key, {})[str(row["place"])] = judged
    elif kind == "done":
        answered = kept.answered[key] if row.get("answered") else _answered(row)
        verdicts = {place: Verdict(**verdict) for place, verdict in row.get("verdicts", {}).items()}
        kept.finish(key, Done(answered, verdicts, Spent(**row.get("judge_spent", {}))))


def _key(key: Key) -> dict[str, Any]:
    return {"model": key.model, "scenario": key.scenario, "repeat": key.repeat}


def _answer(answered: Answered) -> dict[str, Any]:
    return {
        "turns": [turn.as_json() for turn in answered.turns],
        "problem": answered.problem,
        "spent": asdict(answered.spent),
    }


def _answered(row: dict[str, Any]) -> Answered:
    return Answered(tuple(map(_turn, row["turns"])), row["problem"], Spent(**row["spent"]))


def _turn(row: dict[str, Any]) -> Turn:
    return Turn(str(row["text"]), tuple(Call(*call) for call in row["calls"]), bool(row["cut_short"]))


def _describe(place: Path, plan: Plan, kept: Kept) -> None:
    """What the folder is about, for people who look into it."""
    about = {
        "rubric": plan.rubric.name,
        "digest": plan.rubric.digest,
        "scenarios": len(plan.rubric.scenarios),
        "models": list(plan.models),
        "settings": plan.as_json(),
        "began": (kept.began or datetime.now(UTC)).isoformat(timespec="seconds"),
    }
    replace_text(place / ABOUT, json.dumps(about, ensure_ascii=False, indent=2) + "\n", private=True)


def _unwritable(place: Path, error: OSError) -> AdvisorError:
    return AdvisorError(
        f"The record of the run cannot be written: {error.strerror or error}.",
        hint=f"Check the folder {place}, or set LLM_ADVISOR_HOME to another one.",
        code="not_stored",
    )
