"""From slots to a brief: every need with a value, and the assumptions that filled the gaps.

The recommender works on a `Brief` only. What was not said becomes an assumption that a person can see and
change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import chain
from typing import Any, TypeVar

from pydantic import TypeAdapter

from tools.calibrated import calibrated
from tools.evaluated import Evaluated, for_task
from tools.hardware import describe, detect_machine, read_hardware
from tools.hardware_types import Machine
from tools.needs import (
    Budget,
    Dataset,
    Deployment,
    Feature,
    LicenseNeed,
    ModelWish,
    Needs,
    Priority,
    Role,
    Slot,
    Task,
    TaskNeed,
    Training,
    Volume,
)
from tools.reserve import reserved
from tools.task_shares import counted, required

T = TypeVar("T")
ON_ANY_COMPUTER: tuple[Role, ...] = ("embedder", "reranker", "classifier")
"""Roles whose models run without a card, and of which no API is known here."""
WRITING_ROLES: tuple[Role, ...] = ("generator", "finetune-base")
"""Roles whose models write text, in a window that is theirs to fill."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """A value nobody stated, and why it was taken."""

    slot: str
    value: Any
    why: str

    def as_json(self) -> dict[str, Any]:
        return {"slot": self.slot, "value": self.value, "why": self.why}


@dataclass(frozen=True, slots=True)
class Brief:
    """Every need, filled."""

    role: Role
    task: Task
    also: tuple[Task, ...]
    mode: str
    """`local`, `api` or `either`."""
    private: bool
    server: bool
    machine: Machine | None
    """Where the model is used."""
    training_machine: Machine | None
    license: LicenseNeed
    context: int
    """Tokens of one conversation."""
    priority: Priority
    min_speed: float
    """Tokens per second."""
    speed_is_hard: bool
    parallel: int
    volume: Volume
    budget: Budget
    languages: tuple[str, ...]
    features: tuple[Feature, ...]
    training: Training
    dataset: Dataset
    wish: ModelWish
    assumptions: tuple[Assumption, ...]
    evaluated: tuple[Evaluated, ...] = ()
    """What options passed of scenarios at this task, oldest first."""

    @property
    def volume_words(self) -> str:
        """Whose volume a cost a month is for: the person's, or the usual one where it was not said."""
        assumed = any(one.slot == "volume" for one in self.assumptions)
        return "an assumed volume" if assumed else "your volume"

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks that a model is weighed for, the main one first; an encoder has one."""
        writes = self.role in WRITING_ROLES
        return counted(self.task, self.also) if writes else (self.task,)


@cache
def defaults() -> dict[str, Any]:
    """The table of default values, from `tools/data/defaults.json`."""
    text = resources.files("tools").joinpath("data/defaults.json").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Any]).validate_json(text)


def role_of(needs: Needs) -> Role:
    """The kind of model the needs call for."""
    task = needs.task.value.name if needs.task else "chat"
    training = needs.training.value.method if needs.training else "none"
    dataset = needs.dataset.value if needs.dataset else None
    if training == "scratch":
        return "pretrain-config"
    if task == "embedding":
        return "embedder"
    if task == "reranking":
        return "reranker"
    if task == "classification":
        unlabeled = dataset is not None and dataset.labeled is False
        declined = needs.training is not None and training == "none"
        rented = needs.deployment is not None and needs.deployment.value.mode == "api"  # none has encoders
        return "generator" if unlabeled or declined or rented else "classifier"
    return "generator" if training == "none" else "finetune-base"


def _says(pattern: str, text: str) -> bool:
    """Whether a text matches one of the patterns of the defaults."""
    return re.search(str(defaults()[pattern]), text, re.IGNORECASE) is not None


def _machines(needs: Needs) -> tuple[Machine | None, Machine | None, bool]:
    """Machine for use, machine for training, and whether the first was detected."""
    slot = needs.hardware
    if slot is None:
        return detect_machine(), None, True
    if slot.value.none:
        local = needs.deployment is not None and needs.deployment.value.mode == "local"
        cardless = role_of(needs) in ON_ANY_COMPUTER or (local and _says("only_no_card", slot.value.text))
        return _computer(defaults()["plain_computer"]) if cardless else None, None, False
    reading = read_hardware(slot.value.text)
    if not reading.machines and _says("this_machine", slot.value.text):
        return detect_machine(), None, True
    training = read_hardware(slot.value.training_text).machines if slot.value.training_text else ()
    use = [m for m in reading.machines if m.purpose != "train"]
    train = [m for m in reading.machines if m.purpose == "train"] + list(training)
    machine = use[0] if use else (train[0] if train else None)
    if machine is None and not reading.unknown and _says("some_machine", slot.value.text):
        machine = _computer(slot.value.text.strip())
    if machine is not None and len(use) > 1:
        others = " or ".join(m.name for m in use[1:])
        note = f"planned for {machine.name}, the first machine named, and not for {others}"
        machine = replace(machine, assumptions=(note, *machine.assumptions))
    return machine, (train[0] if train else None), False


def _computer(name: str) -> Machine:
    """A computer without a card of which nothing more is known."""
    return Machine(name=name, ram_bandwidth_gbs=float(defaults()["generic_bandwidth_gbs"]))


def _mode(needs: Needs) -> tuple[str, Assumption | None]:
    """Local, API or either, from the deployment slot or from what hardware there is."""
    if needs.deployment is not None:
        return needs.deployment.value.mode, None
    why = defaults()["why"]
    if needs.hardware is not None and needs.hardware.value.none and role_of(needs) not in ON_ANY_COMPUTER:
        return "api", Assumption("deployment", "api", why["deployment_none"])
    return "local", Assumption("deployment", "local", why["deployment"])


def _with_ram(machine: Machine, needs: Needs) -> tuple[Machine, Assumption]:
    """A computer of unknown memory gets a usual amount, which is said."""
    server = needs.deployment is not None and needs.deployment.value.server
    server = server or _says("some_server", machine.name)
    gib = int(defaults()["ram_gib"]["server" if server else "other"])
    return replace(machine, ram_bytes=gib << 30), Assumption(
        "hardware", f"{gib} GiB RAM", defaults()["why"]["ram"]
    )


def _volume(needs: Needs, mode: str, task: Task, assumed: list[Assumption]) -> Volume:
    """Tokens a day: as said, else from the requests, else the usual amount."""
    said = needs.volume.value if needs.volume else Volume()
    if said.input_tokens_per_day is not None:
        return said
    table, usual, why = defaults(), dict(defaults()["volume"]), defaults()["why"]["volume"]
    if said.requests_per_day is not None:
        each = table["request"] | table["request_by_task"].get(task, {})
        if needs.context is not None and (needs.task is None or task in table["whole_document_tasks"]):
            each |= {"input_tokens": needs.context.value}
        usual = {f"{name}_per_day": tokens * said.requests_per_day for name, tokens in each.items()}
        why = table["why"]["request"].format(**each)
    filled = said.model_copy(update=usual | said.model_dump(exclude_none=True))
    if mode != "local":
        words = f"{filled.input_tokens_per_day:,} tokens in and {filled.output_tokens_per_day:,} out per day"
        assumed.append(Assumption("volume", words, why))
    return filled


def _context(needs: Needs, role: Role, tasks: tuple[Task, ...], assumed: list[Assumption]) -> int:
    """Tokens of one conversation: as said, with room for instructions and an answer, or as usual.

    Of several tasks the one decides that usually takes most.
    """
    table = defaults()
    if needs.context is None:
        usual = int(table["role_context"].get(role, max(table["context"][task] for task in tasks)))
        long = role in WRITING_ROLES and needs.task is not None and needs.task.value.long_inputs
        if long and usual < table["long_context"]:
            usual, why = int(table["long_context"]), "long_context"
        else:
            why = "context"
        assumed.append(Assumption("context", usual, table["why"][why]))
        return usual
    least = int(table["least_context"].get(role, 0))
    if needs.context.value < least:
        assumed.append(Assumption("context", least, table["why"]["least_context"]))
    return max(least, needs.context.value)


def _min_speed(needs: Needs, tasks: tuple[Task, ...], assumed: list[Assumption]) -> float:
    """Tokens per second at the least: as said, else as usual.

    Where quality comes first the usual floor is lowered: nobody who says so wants bits of the weights given
    away for a speed that was never asked for.
    """
    if needs.min_speed is not None:
        return needs.min_speed.value
    table = defaults()
    usual, why = max(float(table["min_speed"][task]) for task in tasks), "min_speed"
    if needs.priority is not None and needs.priority.value == "quality":
        usual = round(usual * float(table["min_speed_share_for_quality"]), 1)
        why = "min_speed_for_quality"
    if usual > 0:  # an encoder has none
        assumed.append(Assumption("min_speed", usual, table["why"][why]))
    return usual


def _parallel(needs: Needs, assumed: list[Assumption]) -> int:
    """Conversations at once; how many people there are is all that was said of a team, so that is told."""
    said, why = needs.concurrency, defaults()["why"]
    if said is None:
        assumed.append(Assumption("concurrency", 1, why["concurrency"]))
        return 1
    if said.strength == "wish" and said.value > 1:
        assumed.append(Assumption("concurrency", said.value, why["team"]))
    return said.value


def _features(needs: Needs, tasks: tuple[Task, ...], assumed: list[Assumption]) -> tuple[Feature, ...]:
    """What was asked for, and what a further task cannot be done without."""
    said = needs.features.value if needs.features else ()
    more = {feature: why for feature, why in required(tasks[1:]).items() if feature not in said}
    assumed += [Assumption("features", feature, why) for feature, why in more.items()]
    return (*said, *more)


def _in_words(value: Any) -> Any:  # noqa: ANN401 - any slot value
    """An assumed value as a person reads it."""
    if isinstance(value, TaskNeed):
        return value.name
    if isinstance(value, LicenseNeed):
        return f"{value.use} use"
    return ", ".join(value) if isinstance(value, tuple) else value


def _place(needs: Needs, assumed: list[Assumption]) -> tuple[Machine | None, Machine | None, str]:
    """Machine for use, machine for training, and `local`, `api` or `either`."""
    why = defaults()["why"]
    machine, trainer, detected = _machines(needs)
    if machine is not None and not machine.devices and machine.ram_bytes is None:
        machine, filled = _with_ram(machine, needs)
        assumed.append(filled)
    machine, trainer = (reserved(each) if each is not None else None for each in (machine, trainer))
    machine = calibrated(machine, detect_machine) if machine is not None else None
    mode, assumption = _mode(needs)
    if detected and mode != "api" and machine is not None:
        assumed.append(Assumption("hardware", describe(machine), why["hardware"]))
    if assumption is not None:
        assumed.append(assumption)
    # What is assumed of both machines is said once.
    both = (m.assumptions for m in (machine, trainer) if m is not None and not detected)
    unsaid = dict.fromkeys(chain.from_iterable(both))
    assumed += [Assumption("hardware", words, "it was not said") for words in unsaid]
    return machine, trainer, mode


def _training(needs: Needs, role: Role, assumed: list[Assumption]) -> Training:
    said = needs.training.value if needs.training else Training(method="none")
    if role != "finetune-base" or said.method != "any":
        return said
    assumed.append(Assumption("training", "qlora", defaults()["why"]["training"]))
    return said.model_copy(update={"method": "qlora"})


def brief_of(needs: Needs) -> Brief:
    """Fills the gaps of the needs.

    Raises:
        UsageError: where the hardware text cannot be read at all.
    """
    table = defaults()
    assumed: list[Assumption] = []

    def default(slot: str, given: Slot[T] | None, value: T) -> T:
        if given is not None:
            return given.value
        assumed.append(Assumption(slot, _in_words(value), table["why"][slot]))
        return value

    need = default("task", needs.task, TaskNeed(name="chat"))
    machine, training_machine, mode = _place(needs, assumed)
    role = role_of(needs)
    tasks = counted(need.name, need.also) if role in WRITING_ROLES else (need.name,)
    deployment = needs.deployment.value if needs.deployment else Deployment(mode="local")
    return Brief(
        role=role,
        task=need.name,
        also=need.also,
        mode=mode,
        private=deployment.private or deployment.offline,
        machine=machine,
        training_machine=training_machine,
        license=default("license", needs.license, LicenseNeed(use="commercial")),
        context=_context(needs, role, tasks, assumed),
        priority=default("priority", needs.priority, "balanced"),
        min_speed=_min_speed(needs, tasks, assumed),
        speed_is_hard=needs.min_speed is not None and needs.min_speed.strength == "must",
        parallel=(parallel := _parallel(needs, assumed)),
        server=deployment.server or parallel > 4,
        languages=default("languages", needs.languages, ("en",)),
        volume=_volume(needs, mode, need.name, assumed),
        budget=needs.budget.value if needs.budget else Budget(),
        features=_features(needs, tasks, assumed),
        training=_training(needs, role, assumed),
        dataset=needs.dataset.value if needs.dataset else Dataset(),
        wish=needs.model.value if needs.model else ModelWish(),
        assumptions=tuple(assumed),
        evaluated=for_task(needs.evaluated, need.name),
    )
