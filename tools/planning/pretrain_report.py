"""The document of a pretraining plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tools.brief import Assumption
from tools.candidates import evidence_json
from tools.citing import citation
from tools.memory.pretrain import PretrainConfig
from tools.memory.types import Evidence
from tools.planning.amounts import Amount, bytes_per_token, text_units
from tools.planning.pretrain import (
    Phase,
    Scaling,
    default_iterations,
    domain_data,
    domain_iterations,
    initial_loss,
    learning_rates,
    phase_of,
    scaling_of,
)
from tools.planning.pretrain_caveats import caveats_of
from tools.planning.pretrain_commands import Source, commands_for, file_settings, is_sharded
from tools.planning.pretrain_compare import configurations_on, memory_by_context, rounded
from tools.planning.pretrain_run import (
    Batch,
    Place,
    memory_of,
    stated_hours,
)
from tools.planning.pretrain_tables import Decision, Vote, by_size, plan_tables, size_words

Document = dict[str, Any]
PARTS = (
    "weights_bytes", "gradient_bytes", "optimizer_bytes", "activation_bytes", "logits_bytes",
    "overhead_bytes", "total_bytes", "low_bytes", "high_bytes", "formula",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chosen:
    """The decided configuration as it is trained."""

    decision: Decision
    config: PretrainConfig
    """With the asked vocabulary and context."""
    batch: Batch
    votes: tuple[Vote, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """What is trained on, where and for how long."""

    place: Place
    hardware: str
    dataset: Amount | None
    domain: Amount | None
    phases: tuple[Literal["scratch", "domain"], ...]
    iterations: int
    domain_iterations: int | None
    adaptation: str
    adaptation_stated: bool
    question: str | None
    """The question of the summary matrix that the use case is."""


def _vote_json(vote: Vote, decides: str) -> Document:
    return {
        "table": vote.table,
        "title": vote.title,
        "asked": vote.asked,
        "row": vote.row,
        "configs": list(vote.configs),
        "minimum": vote.minimum,
        "note": vote.why,
        "decides": vote.table == decides,
        "evidence": evidence_json(vote.evidence),
    }


def _memory(chosen: Chosen, place: Place) -> Document:
    config, batch = chosen.config, chosen.batch
    found = memory_of(config, config.block_size, batch.micro, checkpointing=batch.checkpointing)
    parts = {key: getattr(found, key) for key in PARTS}
    return {
        **parts,
        "available_bytes": place.room_bytes,
        "fits": found.total_bytes <= place.room_bytes,
        "stated_bytes": int(chosen.decision.config.stated_vram_gb * 1e9),
        "stated_note": f"the guide's {chosen.decision.config.stated_vram_gb:g} GB for this configuration",
    }


def _batch(batch: Batch, config: PretrainConfig) -> Document:
    return {
        "micro_batch": batch.micro,
        "accumulation_steps": batch.steps,
        "effective_batch": batch.effective,
        "guide_low": batch.low,
        "guide_high": batch.high,
        "largest_micro_batch": batch.largest,
        "gradient_checkpointing": batch.checkpointing,
        "tokens_per_iteration": batch.effective * config.block_size,
    }


def _phases(
    chosen: Chosen, material: Material, rates: dict[str, float], assumed: list[Assumption]
) -> tuple[Phase, ...]:
    found = []
    config, batch, place = chosen.config, chosen.batch, material.place
    vocabulary = config.vocab_size
    for name in material.phases:
        amount = material.dataset if name == "scratch" else material.domain
        data = amount.tokens(vocabulary) if amount is not None else None
        count = material.iterations
        if name == "domain":
            count, data = _domain_length(chosen, material, data, assumed)
        rate = rates[name]
        found.append(phase_of(name, config, batch, place, rate=rate, iterations=count, data=data))
    return tuple(found)


def _domain_length(
    chosen: Chosen, material: Material, data: int | None, assumed: list[Assumption]
) -> tuple[int, int | None]:
    """Iterations of the adaptation, and the domain tokens that they read."""
    row = domain_data(chosen.config, None).row
    if data is None and row is not None and material.domain_iterations is None:
        data = row["tokens_high"]
        assumed.append(
            Assumption(
                "domain_data",
                f"{data / 1e6:,.0f} million tokens",
                "the upper end of the guide's range for this size",
            )
        )
    if material.domain_iterations is not None:
        return material.domain_iterations, data
    if data is None:
        usual = default_iterations(chosen.decision.config, None)
        why = f"{usual.why}; no domain data were stated"
        assumed.append(Assumption("domain_iterations", usual.iterations, why))
        return usual.iterations, None
    count = domain_iterations(chosen.config, chosen.batch, data)
    assumed.append(Assumption("domain_iterations", count, "four passes over the domain data"))
    return count, data


def _phase_json(phase: Phase) -> Document:
    return {
        "phase": phase.name,
        "config_file": f"configs/pretrain/{phase.config}.json",
        "init_from_model": phase.init_from,
        "learning_rate": phase.learning_rate,
        "warmup_iterations": phase.warmup,
        "iterations": phase.iterations,
        "tokens_seen": phase.tokens_seen,
        "dataset_tokens": phase.dataset_tokens,
        "epochs": None if phase.epochs is None else float(f"{phase.epochs:.3g}"),
        "hours": rounded(phase.hours),
    }


def _time(chosen: Chosen, material: Material, phases: tuple[Phase, ...]) -> Document:
    stated = stated_hours(chosen.decision.config, phases[0].iterations, material.place)
    known = [phase.hours for phase in phases if phase.hours is not None]
    total = known[0].plus(known[1]) if len(known) > 1 else known[0] if known else None
    return {
        "computed_hours": rounded(total),
        "computed_basis": f"{plan_tables()['flops']['source']}; {material.place.compute.basis}",
        "utilization": _utilization(material.place),
        "stated_hours_low": None if stated.low is None else float(f"{stated.low:.3g}"),
        "stated_hours_high": None if stated.high is None else float(f"{stated.high:.3g}"),
        "stated_basis": stated.note,
        "implied_utilization_low": None if stated.implied_low is None else round(stated.implied_low, 3),
        "implied_utilization_high": None if stated.implied_high is None else round(stated.implied_high, 3),
    }


def _utilization(place: Place) -> Document | None:
    """The stated share of the catalog's rate; None where the time rests on another rate."""
    share = plan_tables()["utilization"]
    return None if place.compute.peak_tflops is None else {key: share[key] for key in ("low", "mid", "high")}


def _scaling(chosen: Chosen, phase: Phase) -> Document:
    config = chosen.config
    asked = config.vocab_size if config.vocab_size != chosen.decision.config.vocab_size else None
    found = scaling_of(config, phase.dataset_tokens, phase.tokens_seen, vocabulary=asked)
    document = asdict(found)
    document["smaller_words"] = smaller_words(found, config)
    document["rule_params"] = None if found.rule_params is None else list(found.rule_params)
    document["tokens_per_parameter"] = float(f"{found.tokens_per_parameter:.3g}")
    document["epochs"] = None if found.epochs is None else float(f"{found.epochs:.3g}")
    document["needed_bytes"] = int(found.needed_tokens * bytes_per_token(config.vocab_size))
    return document


def smaller_words(found: Scaling, config: PretrainConfig) -> str:
    """The smaller alternative, or that none is needed, or that there is none."""
    if found.smaller is None:
        return {
            "unknown": "unknown: the size of the data was not stated",
            "none needed": "none needed",
        }.get(found.smaller_state, "none exists: the smallest configuration wants more text than that")
    words = found.smaller
    if found.smaller_tokens != found.unique_tokens and found.smaller_tokens is not None:
        words += f", which reads the same text as about {found.smaller_tokens / 1e6:,.0f} million tokens"
    if found.smaller_context is not None and found.smaller_context < config.block_size:
        words += f"; it sees only {found.smaller_context} tokens, not {config.block_size:,}"
    return words


def _matrix(config: PretrainConfig, question: str | None) -> Document:
    """The guide's summary matrix for this size."""
    table = plan_tables()["matrix"]
    row = by_size(table["classes"], config.params)
    at = table["classes"].index(row)
    answers = [{"question": r["question"], "answer": r["answers"][at]} for r in table["rows"]]
    asked = next((a["answer"] for a in answers if a["question"] == question), None)
    return {"class": table["classes"][at]["name"], "answers": answers, "asked": question, "answer": asked}


def _rates(chosen: Chosen, material: Material) -> tuple[list[Document], dict[str, float]]:
    found = learning_rates(chosen.config, material.phases, material.adaptation)
    chosen_rates = [rate for rate in found if rate.chosen is not None]
    by_phase = {
        "scratch" if rate.scenario == "scratch" else "domain": rate.chosen
        for rate in chosen_rates
        if rate.chosen is not None
    }
    return [asdict(rate) for rate in found], by_phase


def _sources(material: Material, chosen: Chosen) -> tuple[Source, ...]:
    name = chosen.decision.config.name
    found = []
    for phase in material.phases:
        amount = material.dataset if phase == "scratch" else material.domain
        size = amount.bytes() if amount is not None else None
        title = "corpus" if phase == "scratch" else "domain_corpus"
        found.append(Source(is_sharded(size, name), title))
    return tuple(found)


def _settings(chosen: Chosen, warmup: int) -> Document:
    """Fields of the configuration file that the plan sets; the guide shows no option for them."""
    row = by_size(plan_tables()["combinations"]["rows"], chosen.config.params)
    assert row is not None
    return {
        "batch_size": chosen.batch.micro,
        "gradient_accumulation_steps": chosen.batch.steps,
        "block_size": chosen.config.block_size,
        "vocab_size": chosen.config.vocab_size,
        "dropout": row["dropout"],
        "warmup_iters": warmup,
    }


def document_of(
    chosen: Chosen, material: Material, assumed: list[Assumption], notes: tuple[str, ...]
) -> Document:
    """The whole plan as JSON-plain data; bytes are integers, times are hours."""
    rates, by_phase = _rates(chosen, material)
    if "domain" in material.phases and not material.adaptation_stated:
        assumed.append(
            Assumption("adaptation", material.adaptation, "the guide's middle rate, as in its example")
        )
    phases, config = _phases(chosen, material, by_phase, assumed), chosen.config
    settings = tuple(file_settings(phase, chosen.batch, config, chosen.decision.config) for phase in phases)
    domain = domain_data(config, material.domain) if "domain" in material.phases else None
    document: Document = {
        "config": {**config.as_json(), "file": f"configs/pretrain/{chosen.decision.config.name}.json"},
        "decision": {
            "decides": chosen.decision.decides,
            "why": chosen.decision.why,
            "tables": [_vote_json(vote, chosen.decision.decides) for vote in chosen.votes],
        },
        "hardware": {"name": material.hardware, "device": material.place.name, "cards": material.place.cards},
        "memory": _memory(chosen, material.place),
        "batch": _batch(chosen.batch, config),
        "settings": _settings(chosen, phases[0].warmup),
        "learning_rates": rates,
        "phases": [
            _phase_json(phase) | {"file_settings": dict(each)}
            for phase, each in zip(phases, settings, strict=True)
        ],
        "domain_data": None
        if domain is None
        else {"row": domain.row, "tokens": domain.tokens, "verdict": domain.verdict},
        "dataset": None if material.dataset is None else _amount(material.dataset, config),
        "time": _time(chosen, material, phases),
        "configurations": configurations_on(material.place, phases[0].iterations),
        "memory_by_context": memory_by_context(chosen.config, chosen.batch.micro),
        "scaling": _scaling(chosen, phases[0]) if phases[0].name == "scratch" else None,
        "matrix": _matrix(config, material.question),
        "validation": _validation(config),
        "commands": [
            {"label": line.label, "shell": line.shell}
            for line in commands_for(phases, _sources(material, chosen), settings)
        ],
        "assumptions": [assumption.as_json() for assumption in assumed],
    }
    document["caveats"] = [*caveats_of(document), *notes]
    document["basis"] = [evidence_json(evidence) for evidence in _basis(material)]
    document["citations"] = _citations()
    if not document["memory"]["fits"]:
        document["error"] = _refusal(document)
    return document


def _validation(config: PretrainConfig) -> Document:
    """The short run before the long one."""
    table = plan_tables()["validation"]
    return {
        "iterations": table["iterations"],
        "initial_loss": round(initial_loss(config.vocab_size), 2),
        "look_at": table["look_at"],
    }


def _refusal(document: Document) -> dict[str, str]:
    """A named configuration that does not fit: the whole plan is shown, and this beside it."""
    fitting = [row["config"] for row in document["configurations"] if row["fits"]]
    return {
        "code": "nothing_fits",
        "message": f"{document['config']['name']} does not fit {document['hardware']['device']}.",
        "hint": f"What fits: {', '.join(fitting)}." if fitting else "A card of 4 GB trains `small`.",
    }


def _amount(amount: Amount, config: PretrainConfig) -> Document:
    size, tokens = amount.bytes(config.vocab_size), amount.tokens(config.vocab_size)
    return {"said": amount.said, "bytes": size, "tokens": tokens, "words": f"{size_words(size)} of text"}


def _basis(material: Material) -> list[Evidence]:
    laws, tables = plan_tables()["scaling"], plan_tables()
    return [
        Evidence("tool", "estimate_memory (training from scratch)", "tools/memory/pretrain.py"),
        Evidence("tool", tables["flops"]["source"]),
        material.place.compute.evidence,
        Evidence("tool", laws["chinchilla"]),
        Evidence("tool", laws["repetition"]),
        Evidence("tool", text_units()["source"]),
    ]


def _citations() -> list[dict[str, str]]:
    tables = plan_tables()
    return [citation(row["claim"], tables["guide"], row["heading"]) for row in tables["citations"]]
