"""The command lines of a pretraining run, in the form of the guide's project."""

from __future__ import annotations

from dataclasses import dataclass

from tools.candidates import Command
from tools.planning.pretrain import Phase
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


def short(rate: float) -> str:
    """`3e-4` for 0.0003."""
    mantissa, _, exponent = f"{rate:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def commands_for(phases: tuple[Phase, ...], sources: tuple[Source, ...]) -> tuple[Command, ...]:
    """Preparation, a short run, the watch on memory, then each phase."""
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
        Command("A short run before the long one", trial),
        Command("Watch the memory meanwhile", "nvidia-smi -l 1"),
    ]
    titles = {"scratch": "Train from scratch", "domain": "Adapt the base to the domain"}
    for at, (phase, text) in enumerate(zip(phases, sources, strict=True), 1):
        number = f"Phase {at}: " if len(phases) > 1 else ""
        title = titles[phase.name]
        lines.append(
            Command(number + (title[0].lower() + title[1:] if number else title), train_line(phase, text))
        )
    return tuple(lines)
