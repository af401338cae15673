"""Tables that turn a Hub configuration's terms into llama.cpp's, by `model_type`.

Every entry states what the family publishes (configuration classes, reports, llama.cpp's converters).
Where an entry supplies a value that the facts lack, the architecture names it in `approximations`, unless the
parameter count that it implies confirms it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from knowledge.catalog.tokens import word_set


@dataclass(frozen=True, slots=True)
class Family:
    """How one `model_type` reads in llama.cpp's terms."""

    arch: str | None
    wrapper: bool = False
    """A text model inside a larger one: the parameter count holds a vision or audio tower."""
    bias: bool | None = False
    """Biases on query, key and value."""
    window: Window | None = None
    recurrent: (
        Literal["gated_delta_net", "mamba2", "mamba", "short_conv", "kimi_delta", "lightning"] | None
    ) = None
    full_every: int | None = None
    """Every n-th layer holds attention (counted so that layer n-1 is the first)."""
    causal: bool = True
    latent: str | None = None
    """Architecture name of the members with latent attention, where it differs."""
    dense: str | None = None
    """Architecture name of the members without experts, where it differs."""
    sparse: bool = False
    """An indexer picks the rows that attention reads, and keeps a small key cache of its own."""
    nextn: bool = False
    """The stored weights hold a multi-token prediction block beside the layers."""


@dataclass(frozen=True, slots=True)
class Window:
    """A pattern of windowed layers: in each period, the layers at `full` attend to everything."""

    period: int
    full: tuple[int, ...]
    size: int | None = None
    chunked: bool = False

    def layers(self, count: int) -> list[bool]:
        """Flags for `count` layers, True where windowed."""
        return [layer % self.period not in self.full for layer in range(count)]


def _same(names: str, family: Family) -> dict[str, Family]:
    return dict.fromkeys(names.split(), family)


_LLAMA = Family("llama")
_LLAMA_WRAPPER = Family("llama", wrapper=True)
_QWEN2_WRAPPER = Family("qwen2vl", wrapper=True, bias=True)
_DELTA_DENSE = Family("qwen35", wrapper=True, recurrent="gated_delta_net", full_every=4, nextn=True)
_DELTA_MOE = Family("qwen35moe", wrapper=True, recurrent="gated_delta_net", full_every=4, nextn=True)
_ENCODER = Family("bert", bias=True, causal=False)

FAMILIES: dict[str, Family] = {
    **_same("llama mistral mixtral nanbeige ministral3 solar internlm3 codellama", _LLAMA),
    "mistral3": Family("llama", wrapper=True, latent="deepseek2"),
    **_same("idefics3 smolvlm llava_next granite4_vision hyperclovax_vlm aya_vision_llama", _LLAMA_WRAPPER),
    "mimo": Family("qwen2", bias=True, nextn=True),
    **_same("llama_vl llava", _LLAMA_WRAPPER),
    "minicpmv": Family("minicpm", wrapper=True),
    "paligemma": Family("gemma2", wrapper=True, window=Window(2, (1,), 4096)),
    "gpt_bigcode": Family("starcoder", bias=True),
    "bloom": Family("bloom", bias=True),
    "falcon_mamba": Family("mamba", recurrent="mamba"),
    "llama_bidirec": Family("llama", causal=False),
    "llama4": Family("llama4", wrapper=True, window=Window(4, (3,), 8192, chunked=True)),
    "qwen2": Family("qwen2", bias=True),
    "qwen2_moe": Family("qwen2moe", bias=True),
    **_same("qwen2_vl qwen2_5_vl", _QWEN2_WRAPPER),
    "internvl_chat": Family("qwen2", wrapper=True, bias=None),
    "qwen3": Family("qwen3"),
    "qwen3_moe": Family("qwen3moe"),
    "qwen3_vl": Family("qwen3vl", wrapper=True),
    "qwen3_vl_moe": Family("qwen3vlmoe", wrapper=True),
    "interns1": Family("qwen3moe", wrapper=True, dense="qwen3"),
    "qwen3_next": Family("qwen3next", recurrent="gated_delta_net", full_every=4, nextn=True),
    "qwen3_5": _DELTA_DENSE,
    **_same("qwen3_5_moe qwen3_5_moe_text intern_s2_preview", _DELTA_MOE),
    "gemma": Family("gemma"),
    "gemma2": Family("gemma2", window=Window(2, (1,), 4096)),
    "gemma3": Family("gemma3", wrapper=True, window=Window(6, (5,), 1024)),
    "gemma3_text": Family("gemma3", window=Window(6, (5,), 512)),
    "gemma3n": Family("gemma3n", wrapper=True, window=Window(5, (4,), 512)),
    "gemma4": Family("gemma4", wrapper=True, window=Window(6, (5,), 1024)),
    "gemma4_unified": Family(None, wrapper=True, window=Window(6, (5,), 1024)),
    "phi": Family("phi2", bias=True),
    "phi3": Family("phi3"),
    **_same("phi3_v phi4mm phi4-siglip", Family("phi3", wrapper=True)),
    "phimoe": Family("phimoe", bias=True),
    "gpt_oss": Family("gpt-oss", bias=True, window=Window(2, (1,), 128)),
    "deepseek": Family("deepseek"),
    "deepseek_v2": Family("deepseek2"),
    "deepseek_v3": Family("deepseek2", nextn=True),
    "deepseek_v32": Family("deepseek2", nextn=True, sparse=True),
    "kimi_k2": Family("deepseek2"),
    **_same("kimi_k25 kimi_vl", Family("deepseek2", wrapper=True)),
    "kimi_linear": Family("kimi-linear", recurrent="kimi_delta", full_every=4),
    "glm4_moe_lite": Family("deepseek2", nextn=True),
    "glm_moe_dsa": Family("glm-dsa", nextn=True, sparse=True),
    "minicpm3": Family("minicpm3"),
    "glm": Family("chatglm", bias=True),
    "chatglm": Family("chatglm", bias=True),
    "glm4": Family("glm4", bias=None),
    "glm4v": Family("glm4", wrapper=True, bias=None),
    "glm4_moe": Family("glm4moe", bias=True, nextn=True),
    "glm4v_moe": Family("glm4moe", wrapper=True, bias=True, nextn=True),
    "granite": Family("granite"),
    "granitemoe": Family("granitemoe"),
    "granitemoehybrid": Family("granitehybrid", recurrent="mamba2"),
    "lfm2": Family("lfm2", recurrent="short_conv"),
    "lfm2_vl": Family("lfm2", wrapper=True, recurrent="short_conv"),
    "lfm2_moe": Family("lfm2moe", recurrent="short_conv"),
    "falcon": Family("falcon"),
    "falcon_h1": Family("falcon-h1", recurrent="mamba2"),
    "nemotron_h": Family("nemotron_h", recurrent="mamba2"),
    "nemotron_h_vl": Family("nemotron_h", wrapper=True, recurrent="mamba2"),
    "nemotron": Family("nemotron"),
    "jamba": Family("jamba", recurrent="mamba"),
    "cohere": Family("command-r"),
    "cohere2": Family("cohere2", window=Window(4, (3,), 4096)),
    "cohere2_vision": Family("cohere2", wrapper=True, window=Window(4, (3,), 4096)),
    "aya_vision": Family("cohere2", wrapper=True, window=Window(4, (3,), 4096)),
    "olmo": Family("olmo"),
    "olmo2": Family("olmo2"),
    "olmo3": Family("olmo2", window=Window(4, (3,), 4096)),
    "olmoe": Family("olmoe"),
    "exaone": Family("exaone"),
    "exaone4": Family("exaone4", window=Window(4, (3,), 4096)),
    "exaone_moe": Family("exaone-moe"),
    "internlm2": Family("internlm2"),
    "baichuan": Family("baichuan"),
    "starcoder2": Family("starcoder2", bias=True),
    "stablelm": Family("stablelm", bias=None),
    "gpt_neox": Family("gptneox", bias=True),
    "opt": Family("opt", bias=True),
    "smollm3": Family("smollm3"),
    "seed_oss": Family("seed_oss", bias=True),
    "hunyuan_v1_dense": Family("hunyuan-dense"),
    "hunyuan_v1_moe": Family("hunyuan-moe"),
    "ernie4_5": Family("ernie4_5"),
    "ernie4_5_moe": Family("ernie4_5-moe"),
    "minicpm": Family("minicpm"),
    "apertus": Family("apertus"),
    "arcee": Family("arcee"),
    "afmoe": Family("afmoe"),
    "arctic": Family("arctic"),
    "bailing_moe": Family("bailingmoe2"),
    "minimax_m2": Family("minimax-m2"),
    **_same("minimax minimax_text_01 minimax_m1", Family(None, recurrent="lightning", full_every=8)),
    "minimax_vl_01": Family(None, wrapper=True, recurrent="lightning", full_every=8),
    "mimo_v2_flash": Family("mimo2"),
    **_same("step3p5 step3p7", Family("step35", wrapper=True, window=Window(4, (0,), 512))),
    "bert": _ENCODER,
    **_same("roberta xlm-roberta xlm_roberta", Family("bert", bias=True, causal=False)),
    "modernbert": Family("modern-bert", causal=False, window=Window(3, (0,), 128)),
    "nomic_bert": Family("nomic-bert", causal=False),
}

# What mixtures of experts hold beside them, by model_type and layers: dense first layers, feed-forward of all
# shared experts, dense feed-forward or None. From the published configurations.
EXPERT_PARTS: dict[tuple[str, int], tuple[int, int, int | None]] = {
    ("deepseek", 28): (1, 2816, 10944),
    ("deepseek_v2", 27): (1, 2816, 10944),
    ("deepseek_v2", 60): (1, 3072, 12288),
    ("deepseek_v3", 61): (3, 2048, 18432),
    ("deepseek_v32", 61): (3, 2048, 18432),
    ("deepseek_v3", 27): (1, 2816, 11264),
    ("kimi_vl", 27): (1, 2816, 11264),
    ("kimi_k2", 61): (1, 2048, 18432),
    ("kimi_k25", 61): (1, 2048, 18432),
    ("kimi_linear", 27): (1, 1024, 9216),
    ("glm4_moe", 46): (1, 1408, 10944),
    ("glm4v_moe", 46): (1, 1408, 10944),
    ("glm4_moe", 92): (3, 1536, 12288),
    ("glm4_moe_lite", 47): (1, 1536, 10240),
    ("glm_moe_dsa", 78): (3, 2048, 12288),
    ("qwen2_moe", 24): (0, 5632, None),
    ("qwen2_moe", 28): (0, 20480, None),
    ("qwen3_next", 48): (0, 512, None),
    ("qwen3_5_moe", 40): (0, 512, None),
    ("qwen3_5_moe", 48): (0, 1024, None),
    ("qwen3_5_moe", 60): (0, 1024, None),
    ("qwen3_5_moe_text", 92): (0, 2048, None),
    ("intern_s2_preview", 40): (0, 512, None),
    ("intern_s2_preview", 60): (0, 1024, None),
    ("granitemoehybrid", 40): (0, 1024, None),
    ("hunyuan_v1_moe", 32): (0, 3072, None),
    ("ernie4_5_moe", 28): (1, 3072, 12288),
    ("ernie4_5_moe", 54): (3, 0, 28672),
    ("bailing_moe", 28): (0, 2816, None),
    ("bailing_moe", 20): (1, 512, 5120),
    ("lfm2_moe", 24): (2, 0, 7168),
    ("lfm2_moe", 40): (2, 0, 11776),
    ("afmoe", 56): (2, 256, 3072),
    ("afmoe", 32): (2, 1024, 6144),
    ("exaone_moe", 48): (1, 2048, 18432),
    ("mistral3", 61): (3, 4096, 16384),
    ("mistral3", 36): (0, 2048, None),
    ("mistral4", 36): (0, 2048, None),
    ("step3p5", 45): (3, 1280, 11264),
    ("step3p7", 45): (3, 1280, 11264),
    ("llama4", 48): (0, 8192, 16384),
    ("nemotron_h", 52): (0, 3712, None),
    ("nemotron_h", 88): (0, 5376, None),
}
# Types whose mixtures have neither shared experts nor dense layers.
PLAIN_EXPERTS = word_set(
    "mixtral mistral granitemoe olmoe phimoe qwen3_moe qwen3_vl_moe gpt_oss minimax_m2 interns1 minimax "
    "minimax_text_01 minimax_m1 minimax_vl_01 jamba"
)
# Architectures that share a model_type with others but not the tensors, by the beginning of the id.
ARCH_BY_ID = {
    "jinaai/jina-embeddings-v2": "jina-bert-v2",
    "OpenGVLab/InternVL3_5": "qwen3",
    "OpenGVLab/InternVL3-9B": "llama",
    "openbmb/MiniCPM-V-2_6": "qwen2",
    "openbmb/MiniCPM-V-4_5": "qwen3",
    "openbmb/MiniCPM-Llama3-V-2_5": "llama",
}
# State-space sizes that the facts lack, by model_type, layers and hidden size: kernel,
# inner, state, groups, rank.
# From the published configurations; used only where they reproduce the stated parameter count.
STATE_SIZES: dict[tuple[str, int, int], tuple[int, int, int, int, int]] = {
    ("falcon_h1", 24, 512): (4, 768, 64, 1, 24),
    ("falcon_h1", 36, 1024): (4, 1536, 128, 1, 24),
    ("falcon_h1", 24, 2048): (4, 3072, 256, 1, 48),
    ("falcon_h1", 66, 1280): (4, 1536, 256, 1, 24),
    ("falcon_h1", 32, 2560): (4, 4096, 256, 1, 32),
    ("falcon_h1", 44, 3072): (4, 3072, 256, 1, 24),
    ("falcon_h1", 72, 5120): (4, 4096, 256, 2, 32),
    ("falcon_mamba", 64, 4096): (4, 8192, 16, 0, 256),
    ("nemotron_h", 42, 3136): (4, 7680, 128, 8, 96),
    ("nemotron_h", 52, 3072): (4, 7168, 128, 8, 112),
    ("nemotron_h", 52, 4096): (4, 8192, 128, 8, 128),
    ("nemotron_h", 56, 4480): (4, 10240, 128, 8, 128),
    ("nemotron_h", 62, 5120): (4, 10240, 128, 8, 128),
    ("nemotron_h_vl", 62, 5120): (4, 10240, 128, 8, 128),
    ("nemotron_h", 52, 2688): (4, 4096, 128, 8, 64),
    ("nemotron_h", 88, 4096): (4, 8192, 128, 8, 128),
    ("granitemoehybrid", 40, 1536): (4, 3072, 128, 1, 48),
    ("granitemoehybrid", 40, 4096): (4, 8192, 128, 1, 128),
}
# llama.cpp's architectures of these names know no experts.
DENSE_ONLY = frozenset({"cohere2"})
# How many layers hold attention and how many a state, where the facts do not list them.
# The rest are feed-forward layers. Used only where the parameter count confirms it.
LAYER_COUNTS: dict[tuple[str, int, int], tuple[int, int]] = {
    ("nemotron_h", 42, 3136): (4, 21),
    ("nemotron_h", 52, 3072): (4, 24),
    ("nemotron_h", 52, 4096): (4, 24),
    ("nemotron_h", 56, 4480): (4, 27),
    ("nemotron_h", 62, 5120): (6, 28),
    ("nemotron_h_vl", 62, 5120): (6, 28),
    ("falcon_mamba", 64, 4096): (0, 64),
    ("nemotron_h", 52, 2688): (6, 23),
    ("nemotron_h", 88, 4096): (8, 40),
}
# Windows that a publisher's configuration states but llama.cpp does not apply: it keeps the whole cache.
IGNORED_WINDOW = frozenset({"mistral", "phi3", "starcoder2", "phi3_v", "phi4mm", "phi4-siglip"})
# Attention layers of hybrids where the facts name none: (model_type, layers) -> layers with attention.
HYBRID_ATTENTION: dict[tuple[str, int], tuple[int, ...]] = {
    ("lfm2", 16): (2, 5, 8, 10, 12, 14),
    ("lfm2_vl", 16): (2, 5, 8, 10, 12, 14),
    ("lfm2_moe", 24): (2, 6, 10, 14, 18, 21),
    ("granitemoehybrid", 40): (5, 15, 25, 35),
    ("kimi_linear", 27): (3, 7, 11, 15, 19, 23, 26),
}
