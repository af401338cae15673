"""A training estimate in words: every part with its inputs."""

from __future__ import annotations

from tools.memory.training_layers import Activations
from tools.memory.training_shape import TrainingShape
from tools.memory.training_tables import Framework
from tools.memory.types import TrainingEstimate, TrainingRequest

GIB = 1 << 30


def gib(size: float) -> str:
    """Bytes as GiB."""
    return f"{size / GIB:.2f} GiB"


def _weights(shape: TrainingShape, asked: TrainingRequest, framework: Framework) -> str:
    count = f"{shape.params / 1e9:.3g}e9 parameters"
    if asked.method == "qlora":
        bits = "4.127 bits, double quantization" if asked.double_quantization else "4.5 bits"
        return (
            f"{(shape.params - shape.embedding) / 1e9:.3g}e9 parameters in NF4 ({bits}), "
            f"{shape.embedding / 1e9:.3g}e9 of tables in {8 * framework.unquantized_bytes:.0f} bits"
        )
    if asked.method == "lora":
        return f"{count} in {32 if asked.precision == 'float32' else 16} bits"
    kinds = {"mixed": "float32 with autocast's 16-bit copy", "bf16": "16 bits", "float32": "float32"}
    return f"{count} in {kinds[asked.precision or 'mixed']}"


def _layers(shape: TrainingShape, asked: TrainingRequest, found: Activations) -> str:
    tokens = f"{asked.sequence_length * asked.micro_batch_size:,} tokens"
    scores = "" if asked.flash_attention else f", scores of {shape.heads} heads without flash attention"
    if asked.gradient_checkpointing:
        return (
            f"{shape.layers} checkpoints of {tokens} x {shape.hidden:,} {gib(found.held)}, "
            f"one layer recomputed {gib(found.layer)}{scores}"
        )
    return f"{shape.layers} layers of {tokens} {gib(found.held)} without checkpointing{scores}"


def _logits(shape: TrainingShape, asked: TrainingRequest, found: Activations) -> str:
    tokens = asked.sequence_length * asked.micro_batch_size
    chunks = "in chunks, " if asked.fused_cross_entropy else ""
    one = gib(shape.vocab * tokens * 4)
    return (
        f"logits of {shape.vocab:,} entries x {tokens:,} tokens {gib(found.logits)} "
        f"({chunks}{found.copies:.3g} bytes an entry; one float32 copy of all is {one})"
    )


def formula_of(
    shape: TrainingShape,
    asked: TrainingRequest,
    framework: Framework,
    estimate: TrainingEstimate,
    found: Activations,
    step: float,
) -> str:
    """The parts of a settled request with what they are made of."""
    parts = [f"weights {gib(estimate.weights_bytes)} ({_weights(shape, asked, framework)})"]
    if estimate.adapter_bytes:
        parts.append(
            f"adapters {gib(estimate.adapter_bytes)} (rank {asked.lora_rank} on {asked.target_modules}, "
            f"{8 * framework.adapter_bytes:.0f} bits)"
        )
    freed = ", each freed in the backward pass" if asked.optimizer_in_backward else ""
    parts.append(f"gradients {gib(estimate.gradient_bytes)}{freed}")
    where = " in system memory" if asked.offload_optimizer else ""
    parts.append(f"optimizer {gib(estimate.optimizer_bytes)} ({asked.optimizer}{where})")
    parts.append(
        f"activations {gib(estimate.activation_bytes)} and logits {gib(estimate.logits_bytes)} at the peak "
        f"({_layers(shape, asked, found)}; {_logits(shape, asked, found)}; a layer's work begins when the "
        "logits are gone, so the larger of the two counts)"
    )
    copies = f", of it {gib(step)} for the optimizer step's copies" if step else ""
    parts.append(f"runtime {gib(estimate.overhead_bytes)}{copies}")
    sharing = f"; {asked.sharding} over {asked.gpus} GPUs" if asked.sharding != "none" else ""
    return " + ".join(parts) + sharing
