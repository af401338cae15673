"""Typed records of what is known: models, accelerators, licenses, engines, quantizations.

Every record is frozen and refuses unknown fields. `None` always means "not known", never "no".
Sizes are bytes, tokens or parameters as the field says; dates are ISO 8601, `2025-06` where only the month is
known.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

Kind = Literal["chat", "base", "code", "reasoning", "vision", "embedding", "reranker", "encoder"]
CommercialUse = Literal["yes", "conditional", "no", "unknown"]


class Record(BaseModel):
    """Base of all catalog records."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Experts(Record):
    """Mixture-of-experts part of a decoder."""

    count: int
    used: int
    """Experts a token passes through (without the shared ones)."""
    ff: int
    """Feed-forward size of one expert."""
    shared_ff: int = 0
    """Feed-forward size of all shared experts together; 0 where there are none."""
    dense_layers: int = 0
    """Leading layers with a dense feed-forward instead of experts."""
    every: int = 1
    """Experts stand in every n-th layer (Llama 4 Maverick: 2); the others are dense."""


class SlidingWindow(Record):
    """Layers that attend to a window only."""

    size: int
    """Window (or chunk) in tokens."""
    layers: tuple[bool, ...]
    """One flag a layer: True where the layer is windowed."""
    chunked: bool = False
    """Llama 4's chunks: tokens attend inside their chunk."""
    kv_heads: int | None = None
    """KV heads of the windowed layers, where they differ from the full ones."""
    head_dim: int | None = None
    """Head size of the windowed layers, where it differs."""


class LatentAttention(Record):
    """Multi-head latent attention (MLA): one compressed row per token and layer is cached."""

    kv_rank: int
    q_rank: int | None
    nope_dim: int
    rope_dim: int
    v_dim: int


class Recurrent(Record):
    """State-space or linear-attention part; its state is per slot and does not grow with the context."""

    layers: tuple[bool, ...]
    """One flag a layer: True where the layer keeps a recurrent state (it may hold attention as well)."""
    conv_kernel: int
    inner: int
    """Channels of the recurrent block (llama.cpp's ssm.inner_size)."""
    state: int
    groups: int
    dt_rank: int
    kind: Literal["mamba", "mamba2", "gated_delta_net", "short_conv", "other"]


class Architecture(Record):
    """Shape of a decoder in llama.cpp's terms, as the memory engine reads it."""

    arch: str | None
    """llama.cpp's architecture name, which selects the tensor table; None where no table is known."""
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    """Key and value size of one head in the full-attention layers (MLA: see `latent`)."""
    ff: int | None
    """Feed-forward size of a dense layer; None where every layer holds experts and it is unknown."""
    vocab: int
    tied: bool | None
    attention_layers: tuple[bool, ...] | None = None
    """One flag a layer: True where the layer holds attention; None means all do."""
    window: SlidingWindow | None = None
    latent: LatentAttention | None = None
    recurrent: Recurrent | None = None
    experts: Experts | None = None
    shared_kv_layers: int = 0
    """Last layers that reuse the cache of earlier ones and hold none themselves (Gemma 3n, Gemma 4 E)."""
    per_layer_embedding: int = 0
    """Width of per-layer input embeddings (Gemma 3n, Gemma 4 E); they stay in system memory."""
    attention_bias: bool | None = None
    """Biases on the query, key and value projections."""
    measured: bool = False
    """True where every detail needed for an exact figure is known (not only the usual shape fields)."""
    approximations: tuple[str, ...] = ()
    """What was assumed where a detail is not known; shown with every figure that rests on it."""
    extra: dict[str, int | float | bool | tuple[int, ...]] = {}
    """Rarely needed sizes of single architectures, by llama.cpp's metadata key."""


class EmbeddingFacts(Record):
    """What an embedder or reranker adds to a model record."""

    dimensions: int | None
    dimensions_mrl: tuple[int, ...] = ()
    """Shorter vectors the model was trained for (Matryoshka)."""
    max_tokens: int | None
    late_interaction: bool = False
    backbone_params: int | None = None
    """Parameters of the embedding table alone, where known."""
    memory_mb: int | None = None
    """Weights in memory as the publisher's metadata states them, in MB (10**6 bytes)."""


class OwnTensors(Record):
    """Every tensor of a weights file, with its type: a line is `name type dimensions`, row length first.

    Names stand without `.weight` and without `blk.N.`; layers of one make are stored once.
    """

    outside: tuple[str, ...]
    kinds: tuple[tuple[str, ...], ...]
    """Tensors of each make of layer."""
    layers: tuple[int, ...]
    """Make of each layer, in order: an index into `kinds`."""
    beside: tuple[str, ...] = ()
    """Tensors of the same file that are no part of the text model (a vision tower, prediction layers)."""


class Added(Record):
    """Where a model that a person added comes from, and what was seen there."""

    source: Literal["file", "ollama", "hub"]
    location: str
    """Path of the file, tag of the server, or hub id."""
    revision: str | None = None
    """Digest or commit, where the source names one."""
    day: str
    """ISO date on which it was added."""
    file_bytes: int | None = None
    """Size of the weights files."""
    quant: str | None = None
    """Name of the file's own quantization; None where the source holds several or none."""
    base_model: str | None = None
    """Hub id of the catalog's model that this one is or comes from."""
    bases: tuple[str, ...] = ()
    """Hub ids that the source names as what it was made from, known to the catalog or not."""
    same_weights: bool = False
    """The base model itself, in another format or quantization."""
    tensors: OwnTensors | None = None
    sources: dict[str, str] = {}
    """Where each field of the record comes from; `*` is the rest."""


class ModelRecord(Record):
    """One canonical model. Quantized uploads and derivatives are links, never records of their own.

    What a person added is a record too, with `added` set and an id under `local/`.
    """

    id: str
    """Hub id, `org/name`."""
    family: str
    kind: Kind
    params_total: int | None
    params_active: int | None = None
    """Parameters a token passes through; None for dense models and where unknown."""
    context_length: int | None
    """Native window in tokens from the publisher's configuration, without YaRN."""
    license: str | None
    commercial_use: CommercialUse
    commercial_condition: str | None = None
    languages: tuple[str, ...] = ()
    multilingual: bool | None = None
    tool_calling: bool | None = None
    thinking: Literal["yes", "hybrid", "no"] | None = None
    vision: bool | None = None
    release_date: str | None = None
    ollama_tag: str | None = None
    gguf_available: bool | None = None
    gguf_repo: str | None = None
    downloads: int | None = None
    aliases: tuple[str, ...] = ()
    inherited_from: str | None = None
    """The sibling whose architecture this record carries, where its own was not seen."""
    architecture: Architecture | None = None
    embedding: EmbeddingFacts | None = None
    as_of: str
    added: Added | None = None

    @cached_property
    def name(self) -> str:
        """Display name: the id without its organization."""
        return self.id.split("/", 1)[-1]

    @property
    def origin_id(self) -> str:
        """Hub id of the model that this one is or comes from; its own for models of the catalog."""
        return self.added.base_model or self.id if self.added is not None else self.id

    @property
    def scored_as(self) -> str:
        """Hub id under which published scores of these very weights stand."""
        return self.origin_id if self.added is not None and self.added.same_weights else self.id

    @property
    def params_b(self) -> float | None:
        """Parameters in billions."""
        return None if self.params_total is None else self.params_total / 1e9


class Accelerator(Record):
    """A GPU, an Apple chip or another accelerator."""

    name: str
    vendor: str
    cls: str
    """consumer, workstation, datacenter, apple, apu, embedded ... as the facts table has it."""
    memory_gb: float | None
    """Memory as sold (GiB for cards; unified memory sizes for Apple are options, see `memory_options_gb`)."""
    memory_options_gb: tuple[float, ...] = ()
    memory_type: str | None
    bandwidth_gbs: float | None
    """Theoretical memory bandwidth, 10**9 bytes per second."""
    fp16_tflops: float | None
    """Dense FP16 tensor rate where known, else the vector rate."""
    fp16_vector_tflops: float | None = None
    """FP16 rate outside the tensor cores: the same multiple of cores x clock within one architecture."""
    compute_capability: float | None
    architecture: str | None
    tdp_w: float | None
    release_date: str | None
    unified: bool = False
    """True where the accelerator shares system memory (Apple, APUs, GB10, Jetson)."""
    count: int = 1
    """GPUs on one board (an A16 is four)."""
    aliases: tuple[str, ...] = ()
    note: str | None = None
    source: str
    as_of: str


class SystemMemory(Record):
    """A memory class of computers without (or beside) an accelerator."""

    name: str
    bandwidth_gbs: float
    note: str | None
    source: str
    as_of: str


class License(Record):
    """A license and what it means for commercial use."""

    id: str
    name: str
    commercial_use: CommercialUse
    thresholds: str | None
    limits: str | None
    """Field-of-use and regional limits."""
    attribution: str | None
    redistribution: str | None
    derivatives: str | None
    output_training: str | None
    applies_to: str | None
    source: str
    as_of: str
    verified: bool
    """True where the text itself was read."""


class Engine(Record):
    """An inference engine."""

    id: str
    name: str
    formats: tuple[str, ...]
    backends: tuple[str, ...]
    """Device kinds it runs on: cuda, rocm, vulkan, metal, cpu."""
    many_users: bool
    """Continuous batching worth using for concurrent users."""
    quants: tuple[str, ...]
    note: str
    source: str
    as_of: str
    compute_capability: float | None = None
    """Lowest CUDA compute capability that any release runs on; None where none is named."""
    compute_capability_now: float | None = None
    """The same for current releases, where they ask for more."""
    gfx: tuple[str, ...] | None = None
    """The only AMD architectures that it runs on; None where they are not known."""
    hardware_source: str


class Quantization(Record):
    """A weight format; what it costs in quality stands in `tools/data/quant_loss.json`."""

    id: str
    format: str
    """gguf, safetensors, mlx ..."""
    bits_per_weight: float
    """Nominal; the memory engine sums the tensors."""
    note: str


class BenchmarkResult(NamedTuple):
    """One published score; a plain tuple, because thousands are read for one recommendation."""

    benchmark: str
    score: float
    unit: str
    higher_is_better: bool
    setting: str
    source: str
    as_of: str
    run_by: Literal["independent", "vendor"]


class Board(Record):
    """What a benchmark (or a group of them) measures and how far to trust it."""

    name: str
    benchmarks: tuple[str, ...]
    """Prefixes of the benchmark names that this entry is about."""
    measures: str
    contamination: str
    use_for: str
    higher_is_better: bool = True
    as_of: str
    source: str


class ApiModel(Record):
    """A model behind an API, as LiteLLM's bundled price map lists it."""

    key: str
    """LiteLLM key, also the `model_id` of a recommendation."""
    provider: str
    mode: str
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    cache_read_usd_per_mtok: float | None
    long_context_above: int | None = None
    """Input tokens above which the long-context price holds."""
    long_input_usd_per_mtok: float | None = None
    long_output_usd_per_mtok: float | None = None
    query_usd: float | None = None
    max_input_tokens: int | None
    max_output_tokens: int | None
    vision: bool | None
    tool_calling: bool | None
    thinking: bool | None
    structured_output: bool | None
    vector_size: int | None = None
    ends: str | None
    """Date on which the provider switches it off."""
    source: str
