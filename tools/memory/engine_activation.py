"""Peak of the activations in engines other than llama.cpp: the widest layer of a step, or the sampler.

vLLM measures this peak at start with a step of `max_num_batched_tokens` and `max_num_seqs` sampled rows. Its
logs (PR #10511, issues #12330, #13882) show the larger of two: values of one layer in 16 bits, and 38 to 41
bytes for each logit of the sampled rows (copies in float32, probabilities, sorted values and indices).
"""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.catalog.records import Architecture, ModelRecord
from tools.memory.engine_data import EngineModel
from tools.memory.parallel import Split
from tools.memory.types import MemoryRequest, Serving

GIB = 1 << 30
Three = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """The largest step of an engine."""

    tokens: int
    sequences: int
    sequences_named: bool
    """The number of sequences was asked for; otherwise fewer may be in flight."""


def step_of(engine: EngineModel, request: MemoryRequest) -> Step:
    """Tokens and sequences of the largest step, from the request or the engine's defaults."""
    serving = request.serving or Serving()
    each = -(-request.context // request.parallel)
    tokens, sequences = engine.batched_tokens or request.context, engine.sequences
    devices = request.hardware.devices if request.hardware is not None else ()
    large = engine.large
    if large is not None and devices:
        capability, size = devices[0].compute_capability, devices[0].memory_bytes / GIB
        if capability is not None and capability >= large.compute_capability and size >= large.gib:
            tokens, sequences = large.batched_tokens, large.sequences
    if each <= engine.whole_prompts_until:
        tokens = max(tokens, each)
    if engine.claim is None:
        tokens, sequences = min(tokens, request.context), request.parallel
    return Step(
        serving.max_num_batched_tokens or tokens,
        serving.max_num_seqs or sequences,
        serving.max_num_seqs is not None or engine.claim is None,
    )


def _layer(arch: Architecture | None, params: int, tokens: int, tensor: int) -> int:
    """Values of the widest layer in 16 bits: residual stream, queries, and feed-forward or experts."""
    if arch is None:
        return int(tokens * 24 * params**0.5)
    experts = arch.experts
    dense = 3 * max(arch.ff or 0, experts.shared_ff if experts is not None else 0) / tensor
    routed = 0.0
    if experts is not None:
        routed = experts.used * (max(2 * experts.ff / tensor, arch.hidden) + experts.ff / tensor)
    attention = 2 * arch.heads * arch.head_dim / tensor
    return int(2 * tokens * (4 * arch.hidden + attention + max(dense, routed)))


def activation_peak(
    model: ModelRecord, engine: EngineModel, request: MemoryRequest, split: Split, step: Step
) -> Three:
    """Lowest, middle and highest peak on one device, in bytes; a logged figure where the request has one."""
    serving = request.serving or Serving()
    if serving.activation_bytes is not None:
        return (serving.activation_bytes,) * 3
    arch = model.architecture
    layer = _layer(arch, model.params_total or 0, step.tokens, split.tensor)
    rows = step.sequences * (arch.vocab if arch is not None else 128_000)
    low_rows = rows if step.sequences_named else 0
    low = max(engine.activation_spread[0] * layer, low_rows * engine.logit_bytes[0])
    mid = max(layer, rows * engine.logit_bytes[1])
    high = engine.activation_spread[1] * layer + rows * engine.logit_bytes[2]
    if engine.prompt_logits_high and arch is not None:
        high += step.tokens * arch.vocab * engine.logit_bytes[2]
    if engine.eager_scores and not request.flash_attention and arch is not None:
        each = -(-request.context // request.parallel)
        scores = arch.heads * each * each * request.parallel
        low, mid, high = low + 2 * scores, mid + 6 * scores, high + 10 * scores
    if model.vision:
        times = step.sequences if engine.encoder_by_sequence else 1
        low += engine.encoder[0] * times
        mid += engine.encoder[1] * times
        high += engine.encoder[2] * times
    return int(low), int(mid), int(high)
