"""The rows that a pretraining plan compares: every configuration on a device, and memory by context."""

from __future__ import annotations

from typing import Any

from tools.memory.pretrain import PretrainConfig
from tools.planning.pretrain import alternatives_on
from tools.planning.pretrain_run import Place, hours_for, memory_of, with_context
from tools.planning.pretrain_tables import plan_tables
from tools.speed_types import Interval

Document = dict[str, Any]


def rounded(hours: Interval | None) -> dict[str, float] | None:
    """Three digits of each end; None stays unknown."""
    if hours is None:
        return None
    return {key: float(f"{getattr(hours, key):.3g}") for key in ("low", "mid", "high")}


def memory_by_context(shape: PretrainConfig, batch: int) -> list[Document]:
    """Memory of the same batch at 256, 512 and 1024 tokens, with and without flash attention."""
    rows: list[Document] = []
    for row in plan_tables()["memory_by_context"]["rows"]:
        block = row["block_size"]
        config = with_context(shape, block)
        found = memory_of(config, block, batch)
        plain = memory_of(config, block, batch, flash=False)
        rows.append(
            {
                "block_size": block,
                "total_bytes": found.total_bytes,
                "activation_bytes": found.activation_bytes + found.logits_bytes,
                "without_flash_bytes": plain.total_bytes,
                "stated_factor": row["stated"],
            }
        )
    first = rows[0]
    for each in rows:
        each["factor"] = round(each["total_bytes"] / first["total_bytes"], 2)
        each["activation_factor"] = round(each["activation_bytes"] / first["activation_bytes"], 2)
        each["without_flash_factor"] = round(each["without_flash_bytes"] / first["without_flash_bytes"], 2)
    return rows


def configurations_on(place: Place, iterations: int) -> list[Document]:
    """Every configuration of the guide on this device."""
    rows = []
    for config, batch in alternatives_on(place):
        found = memory_of(config, config.block_size, batch.micro, checkpointing=batch.checkpointing)
        tokens = iterations * batch.effective * config.block_size
        hours = hours_for(config, config.block_size, tokens, place, checkpointing=batch.checkpointing)
        rows.append(
            {
                "config": config.name,
                "params": config.params,
                "block_size": config.block_size,
                "fits": batch.largest > 0,
                "micro_batch": batch.micro,
                "accumulation_steps": batch.steps,
                "total_bytes": found.total_bytes,
                "stated_bytes": int(config.stated_vram_gb * 1e9),
                "hours": rounded(hours),
                "use": config.use,
            }
        )
    return rows
