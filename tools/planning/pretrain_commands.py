"""The command lines of a pretraining run, in the form of the guide's project."""

from __future__ import annotations

from dataclasses import dataclass

from tools.candidates import Command
from tools.memory.pretrain import PretrainConfig
from tools.planning.pretrain import Phase
from tools.planning.pretrain_run import Batch
from tools.planning.pretrain_tables import plan_tables


@dataclass(frozen=True, slots=True)
class Source:
    """Where the text is read from."""

    sharded: bool
    """Prepared into shards first; else one file is read as it is."""
    name: str

    @property
    def option(self) -> str:
        return (
            f"--dataset_dir data/{self.name}_shards" if self.sharded else f"--input_file data/{self.name}.txt"
        )

    @property
    def prepare(self) -> Command | None:
        """The line that makes the shards."""
        if not self.sharded:
            return None
        shell = (
            f'python scripts/prepare_weighted_dataset.py --source "docs:data/{self.name}/*.txt" \\\n'
            f"    --out_dir data/{self.name}_shards"
        )
        return Command(f"Prepare the {self.name.replace('_', ' ')} into shards", shell)


def is_sharded(size: int | None, config: str) -> bool:
    """Whether the text is prepared into shards: from 100 MB on, or for the larger models where unknown."""
    if size is None:
        return config not in ("tiny", "small")
    return bool(size >= plan_tables()["single_file_below_bytes"])


def train_line(phase: Phase, source: Source) -> str:
    """`train.py` with the options that the guide shows."""
    parts = [
        f"python train.py --config_file configs/pretrain/{phase.config}.json",
        f"--model_name {phase.model_name} {source.option}",
    ]
    if phase.init_from:
        parts.append(f"--init_from_model {phase.init_from}")
    parts.append(f"--learning_rate {short(phase.learning_rate)} --max_iters {phase.iterations}")
    return " \\\n    ".join(parts)


Setting = tuple[str, int | bool]


def file_settings(
    phase: Phase, batch: Batch, config: PretrainConfig, file: PretrainConfig
) -> tuple[Setting, ...]:
    """What the plan asks for and `train.py` takes from its configuration file, not from its command line.

    Args:
        phase: The run.
        batch: How a step is put together.
        config: What is trained.
        file: The configuration as the guide's file has it.
    """
    found: list[Setting] = [("batch_size", batch.micro)]
    if batch.steps > 1:
        found.append(("gradient accumulation", batch.steps))
    found.append(("warmup_iters", phase.warmup))
    if batch.checkpointing:
        found.append(("gradient checkpointing", True))
    found += [
        (name, getattr(config, name))
        for name in ("block_size", "vocab_size")
        if getattr(config, name) != getattr(file, name)
    ]
    return tuple(found)


def settings_line(phase: Phase, settings: tuple[Setting, ...]) -> Command:
    """The settings as a line to read before the command, which the shell passes over."""
    words = ", ".join(f"{name} {'on' if value is True else value}" for name, value in settings)
    return Command(
        "First set in the configuration file", f"# configs/pretrain/{phase.config}.json:\n# {words}"
    )


def short(rate: float) -> str:
    """`3e-4` for 0.0003."""
    mantissa, _, exponent = f"{rate:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def commands_for(
    phases: tuple[Phase, ...], sources: tuple[Source, ...], settings: tuple[tuple[Setting, ...], ...]
) -> tuple[Command, ...]:
    """Preparation, what to set in the file, a short run, the watch on memory, then each phase.

    Args:
        phases: The runs.
        sources: The text of each.
        settings: What each asks for that stands in its configuration file.
    """
    prepared = [source.prepare for source in sources]
    first = phases[0]
    trial = (
        f"python train.py --config_file configs/pretrain/{first.config}.json \\\n"
        f"    --model_name test_run --input_file data/sample.txt "
        f"--max_iters {plan_tables()['validation']['iterations']}"
    )
    if first.init_from:
        trial += f" \\\n    --init_from_model {first.init_from} --learning_rate {short(first.learning_rate)}"
    lines = [line for line in prepared if line is not None]
    lines += [
        settings_line(first, settings[0]),
        Command("A short run before the long one", trial),
        Command("Watch the memory meanwhile", "nvidia-smi -l 1"),
    ]
    titles = {"scratch": "Train from scratch", "domain": "Adapt the base to the domain"}
    for at, (phase, text) in enumerate(zip(phases, sources, strict=True), 1):
        if at > 1 and (phase.config, settings[at - 1]) != (phases[at - 2].config, settings[at - 2]):
            lines.append(settings_line(phase, settings[at - 1]))
        number = f"Phase {at}: " if len(phases) > 1 else ""
        title = titles[phase.name]
        lines.append(
            Command(number + (title[0].lower() + title[1:] if number else title), train_line(phase, text))
        )
    return tuple(lines)
