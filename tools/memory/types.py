"""Request and answer of the memory engine. Bytes throughout; frozen, so that results can be cached."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from tools.hardware_types import Machine

Frontend = Literal["server", "api"]
TrainingMethod = Literal["full", "lora", "qlora", "scratch"]
ALL_LAYERS = 1 << 30
Optimizer = Literal[
    "adamw", "adamw_8bit", "paged_adamw", "paged_adamw_8bit", "adafactor", "lion", "muon", "sgd"
]
Precision = Literal["mixed", "bf16", "float32"]
Sharding = Literal["none", "zero1", "zero2", "zero3", "fsdp"]


@dataclass(frozen=True, slots=True)
class Serving:
    """How an engine other than llama.cpp is started; None takes what the engine would.

    The names are the request's. `activation_bytes`, `non_torch_bytes` and `visible_bytes` are per device, as
    a log tells them.
    """

    gpu_memory_utilization: float | None = None
    tensor_parallel: int | None = None
    pipeline_parallel: int | None = None
    expert_parallel: bool = False
    max_num_batched_tokens: int | None = None
    max_num_seqs: int | None = None
    hybrid_kv_manager: bool | None = None
    enforce_eager: bool = False
    activation_bytes: int | None = None
    non_torch_bytes: int | None = None
    visible_bytes: int | None = None
    engine_version: str | None = None


@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """One configuration of an engine.

    `context` is the engine's context setting in tokens, shared by its slots (llama-server's `-c`, unified
    cache).
    """

    quant: str = "Q4_K_M"
    context: int = 8192
    kv_cache_type: str = "f16"
    """Cache type of keys and values; `q8_0/q4_0` sets them apart."""
    engine: str = "llama.cpp"
    parallel: int = 1
    ubatch_size: int = 512
    flash_attention: bool = True
    hardware: Machine | None = None
    """None assumes one CUDA device that is large enough."""
    gpu_layers: int | None = None
    cpu_moe: bool = False
    """All experts stay in system memory (`--cpu-moe`)."""
    cpu_moe_layers: int | None = None
    """The experts of so many layers, from the first one, stay in system memory (`--n-cpu-moe`)."""
    swa_full: bool = False
    kv_unified: bool = True
    kv_offload: bool = True
    tensor_split: tuple[float, ...] | None = None
    frontend: Frontend = "server"
    serving: Serving | None = None
    """Options of engines other than llama.cpp."""

    @property
    def experts_away(self) -> int:
        """Layers, from the first one, whose experts stay in system memory; `ALL_LAYERS` for all."""
        return ALL_LAYERS if self.cpu_moe else self.cpu_moe_layers or 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a figure or claim comes from; `kind` as the contract lists it."""

    kind: Literal["guide", "benchmark", "catalog", "tool", "measurement", "user"]
    source: str
    locator: str = ""
    quote: str = ""
    """Of a guide: the beginning of the cited words, by which they are found again when the guide changes."""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """What one device holds."""

    device: str
    weights_bytes: int
    kv_cache_bytes: int
    compute_bytes: int
    overhead_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.kv_cache_bytes + self.compute_bytes + self.overhead_bytes


@dataclass(frozen=True, slots=True)
class DevicePool:
    """What an engine that claims its cache at start leaves for it on one device; bytes."""

    device: str
    visible_bytes: int
    """Memory that a program sees; less than what is sold."""
    weights_bytes: int
    weights_low_bytes: int
    weights_high_bytes: int
    activation_bytes: int
    graph_bytes: int
    non_torch_bytes: int
    kv_pool_bytes: int
    """Negative: that much is missing."""
    kv_pool_low_bytes: int
    kv_pool_high_bytes: int


@dataclass(frozen=True, slots=True)
class Pool:
    """The cache pool of an engine that claims a share of each device at start."""

    gpu_memory_utilization: float
    tensor_parallel: int
    pipeline_parallel: int
    block_tokens: int
    """Tokens of one block of an attention layer."""
    tokens: int
    """Tokens over all requests; where layers keep windows or states, of requests of the length asked for."""
    tokens_low: int
    tokens_high: int
    request_tokens: int
    """Length of one request, for which the concurrency holds."""
    max_concurrency: float
    max_concurrency_low: float
    max_concurrency_high: float
    per_device: tuple[DevicePool, ...]

    @property
    def kv_pool_bytes(self) -> int:
        return sum(device.kv_pool_bytes for device in self.per_device)

    @property
    def interval(self) -> tuple[int, int]:
        """Lowest and highest bytes of the pool over all devices."""
        low = sum(device.kv_pool_low_bytes for device in self.per_device)
        return low, sum(device.kv_pool_high_bytes for device in self.per_device)


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Memory of one model in one configuration; field meanings as in the command-line contract."""

    weights_bytes: int
    kv_cache_bytes: int
    compute_bytes: int
    overhead_bytes: int
    host_bytes: int
    file_bytes: int
    low_bytes: int
    high_bytes: int
    per_device: tuple[DeviceMemory, ...]
    exact: bool
    """True where the engine's layout is reproduced tensor by tensor; False for an estimate."""
    formula: str
    basis: tuple[Evidence, ...]
    caveats: tuple[str, ...] = ()
    pool: Pool | None = None
    """The cache pool of an engine that claims one on named hardware."""
    inputs: tuple[tuple[str, str], ...] = ()
    """What the figures were computed from, by name."""

    def beside(
        self, place: int, held: DeviceMemory, interval: tuple[int, int], file_bytes: int, words: str
    ) -> MemoryEstimate:
        """The estimate together with something else on one of its devices.

        Args:
            place: index of the device.
            held: what the other thing takes there.
            interval: its lowest and highest bytes.
            file_bytes: what is downloaded for it.
            words: its term of the formula.
        """
        rows = list(self.per_device)
        rows[place] = replace(
            rows[place],
            weights_bytes=rows[place].weights_bytes + held.weights_bytes,
            compute_bytes=rows[place].compute_bytes + held.compute_bytes,
            overhead_bytes=rows[place].overhead_bytes + held.overhead_bytes,
        )
        return replace(
            self,
            weights_bytes=self.weights_bytes + held.weights_bytes,
            compute_bytes=self.compute_bytes + held.compute_bytes,
            overhead_bytes=self.overhead_bytes + held.overhead_bytes,
            low_bytes=self.low_bytes + interval[0],
            high_bytes=self.high_bytes + interval[1],
            file_bytes=self.file_bytes + file_bytes,
            per_device=tuple(rows),
            exact=False,
            formula=f"{self.formula} + {words}",
        )

    @property
    def total_bytes(self) -> int:
        """Everything on the accelerators."""
        return self.weights_bytes + self.kv_cache_bytes + self.compute_bytes + self.overhead_bytes


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """One training configuration; None is what the framework does by default."""

    method: TrainingMethod = "qlora"
    sequence_length: int = 2048
    micro_batch_size: int = 1
    lora_rank: int = 16
    target_modules: str | None = None
    """`all-linear`, `attention`, modules by name such as `q_proj,v_proj`, or several of these."""
    optimizer: Optimizer | None = None
    gradient_checkpointing: bool | None = None
    fused_cross_entropy: bool | None = None
    flash_attention: bool = True
    precision: Precision | None = None
    """How fully trained weights are held: float32 with 16-bit computation, 16 bits only, or float32 only."""
    double_quantization: bool | None = None
    """QLoRA: whether the scales of the 4-bit blocks are quantized too."""
    optimizer_in_backward: bool | None = None
    """Each gradient is used and freed as soon as it is there."""
    offload_optimizer: bool = False
    """Optimizer states, and float32 master copies beside 16-bit weights, stay in system memory."""
    sharding: Sharding = "none"
    gpus: int = 1
    framework: str = "transformers"


@dataclass(frozen=True, slots=True)
class TrainingEstimate:
    """Memory of one training run per GPU; an interval, never exact."""

    weights_bytes: int
    adapter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes: int
    logits_bytes: int
    overhead_bytes: int
    low_bytes: int
    high_bytes: int
    formula: str
    basis: tuple[Evidence, ...]
    caveats: tuple[str, ...] = field(default=())

    @property
    def total_bytes(self) -> int:
        return (
            self.weights_bytes
            + self.adapter_bytes
            + self.gradient_bytes
            + self.optimizer_bytes
            + self.activation_bytes
            + self.logits_bytes
            + self.overhead_bytes
        )
