"""Measures what a training step of transformers keeps in memory, for `tools/memory/data/training.json`.

    .venv/bin/python scripts/measure_training.py

Runs small random models of the true make on the CPU under a dispatch mode that follows every storage from
birth to death, so the bytes are those of autograd, not of an allocator; kernels' own workspaces are not seen.
Prints, for each make of block and way of training, the bytes that one token leaves in one layer for each unit
of hidden width, query width, key width and feed-forward width (slopes between two sizes), the bytes an entry
of the logits at the loss, and the peak while one checkpointed layer is recomputed. Needs torch and
transformers, which come with sentence-transformers.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    PhiConfig,
    PretrainedConfig,
)

HEAD = 64
TOKENS = (256, 512)
LAYERS = (2, 4)
ATTENTION_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "query_key_value", "dense")


class Live(TorchDispatchMode):
    """Bytes of all storages that are alive, and their peak."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[int, int] = {}
        self.now = self.peak = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        """Runs an operation and notes what it brought into the world."""
        out = func(*args, **(kwargs or {}))
        for value in tree_flatten(out)[0]:
            if isinstance(value, torch.Tensor):
                self._born(value.untyped_storage())
        return out

    def ignore(self, tensor: torch.Tensor) -> None:
        """Weights and gradients were there before."""
        self.sizes[tensor.untyped_storage()._cdata] = 0

    def _born(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self.sizes:
            return
        self.sizes[key] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.now -= self.sizes.pop(key, 0)


class Adapted(nn.Module):
    """A linear layer with an adapter of rank 8, as peft computes it without dropout."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.in_features, 8, bias=False, dtype=torch.bfloat16)
        self.up = nn.Linear(8, base.out_features, bias=False, dtype=torch.bfloat16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.base(x) + self.up(self.down(x)) * 2
        return y


def adapt(model: nn.Module, targets: tuple[str, ...] | None) -> None:
    """Freezes a model and puts adapters on the linear layers of its blocks (all, or those named)."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    blocks = next(m for m in model.modules() if isinstance(m, nn.ModuleList))
    for parent in list(blocks.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and (targets is None or name in targets):
                setattr(parent, name, Adapted(child))
    model.enable_input_require_grads()  # type: ignore[operator]


@dataclass(frozen=True)
class Step:
    """Bytes at the end of the forward pass, and the peaks of both passes."""

    kept: int
    forward_peak: int
    backward_peak: int


def step(config: PretrainedConfig, tokens: int, trained: str, *, checkpointing: bool = False) -> Step:
    """One step of `full` (16 bits), `mixed` (float32, autocast) or adapter training (`mlp`, `attention`)."""
    torch.manual_seed(0)
    config._attn_implementation = "sdpa"
    model = AutoModelForCausalLM.from_config(config)
    model = model.to(torch.float32 if trained == "mixed" else torch.bfloat16).train()
    model.config.use_cache = False
    if trained in ("mlp", "attention"):
        adapt(model, ATTENTION_TARGETS if trained == "attention" else None)
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    ids = torch.randint(0, config.vocab_size, (1, tokens))
    live = Live()
    for parameter in model.parameters():
        live.ignore(parameter)
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
            live.ignore(parameter.grad)
    with live, torch.autocast("cpu", torch.bfloat16, enabled=trained == "mixed"):
        out = model(input_ids=ids, labels=ids)
        kept, forward_peak, loss = live.now, live.peak, out.loss
        del out
        live.peak = live.now
        loss.backward()
    return Step(kept, forward_peak, live.peak)


Make = Callable[..., PretrainedConfig]


def llama(
    layers: int, hidden: int = 256, query: int = 256, key: int = 64, ff: int = 896, vocab: int = 64
) -> PretrainedConfig:
    """A gated block with two RMS norms."""
    return LlamaConfig(
        num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=query // HEAD, head_dim=HEAD,
        num_key_value_heads=key // HEAD, intermediate_size=ff, vocab_size=vocab, tie_word_embeddings=False,
    )  # fmt: skip


def gemma(layers: int, hidden: int = 256, query: int = 256, key: int = 64, ff: int = 896) -> PretrainedConfig:
    """A gated block with four RMS norms, and norms of queries and keys."""
    return Gemma3TextConfig(
        num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=query // HEAD, head_dim=HEAD,
        num_key_value_heads=key // HEAD, intermediate_size=ff, vocab_size=64,
        layer_types=["full_attention"] * layers,
    )  # fmt: skip


def phi(layers: int, hidden: int = 256, ff: int = 1024) -> PretrainedConfig:
    """A plain block with one layer norm for both halves."""
    return PhiConfig(
        num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=hidden // HEAD,
        intermediate_size=ff, vocab_size=64, resid_pdrop=0.0,
        embd_pdrop=0.0, attention_dropout=0.0, hidden_act="gelu",
    )  # fmt: skip


def neox(layers: int, hidden: int = 256, ff: int = 1024) -> PretrainedConfig:
    """A plain block with two layer norms side by side."""
    return GPTNeoXConfig(
        num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=hidden // HEAD,
        intermediate_size=ff, vocab_size=64, hidden_act="gelu",
    )  # fmt: skip


def gpt2(layers: int, hidden: int = 256, ff: int = 1024) -> PretrainedConfig:
    """A plain block with two layer norms in turn."""
    return GPT2Config(
        n_layer=layers, n_embd=hidden, n_head=hidden // HEAD, n_inner=ff, vocab_size=64, resid_pdrop=0.0,
        embd_pdrop=0.0, attn_pdrop=0.0, activation_function="gelu",
    )  # fmt: skip


def per_token(make: Make, trained: str, **widths: int) -> float:
    """Bytes that one token leaves in one layer: the slope over tokens of the slope over layers."""
    kept = {(n, t): step(make(n, **widths), t, trained).kept for n in LAYERS for t in TOKENS}
    (few, many), (short, long) = LAYERS, TOKENS
    grown = (kept[many, long] - kept[few, long]) - (kept[many, short] - kept[few, short])
    return grown / (many - few) / (long - short)


def coefficients(make: Make, trained: str, widths: dict[str, int]) -> dict[str, float]:
    """Bytes a token, layer and unit of each width; the others stay where they are."""
    base = per_token(make, trained)
    return {
        name: round((per_token(make, trained, **{name: 2 * width}) - base) / width, 2)
        for name, width in widths.items()
    }


GATED = {"hidden": 256, "query": 256, "key": 64, "ff": 896}
WAYS = ("full", "mixed", "mlp", "attention")


def main() -> None:
    """Prints all figures."""
    torch.set_num_threads(2)
    for make in (llama, gemma):
        for trained in WAYS:
            print(make.__name__, trained, coefficients(make, trained, GATED), flush=True)
    for make in (phi, neox, gpt2):
        for trained in WAYS if make is not gpt2 else WAYS[:2]:
            base, wide = per_token(make, trained), per_token(make, trained, ff=2048)
            ff = (wide - base) / 1024
            # Queries and keys are as wide as the hidden state here.
            print(
                make.__name__,
                trained,
                {"hidden": round(base / 256 - 4 * ff, 2), "ff": round(ff, 2)},
                flush=True,
            )
    found = step(llama(1, hidden=64, query=64, ff=64, vocab=65536), 256, "full")
    print("logits, bytes an entry at the peak:", round(found.backward_peak / 65536 / 256, 2))
    for trained in ("full", "mlp", "attention"):
        kept = step(llama(2), 256, trained).kept / 256
        peak = step(llama(2), 256, trained, checkpointing=True).backward_peak / 256
        print(
            "checkpointed",
            trained,
            f"{peak:.0f} bytes a token at the peak; two layers leave {kept:.0f} without",
        )


if __name__ == "__main__":
    main()
