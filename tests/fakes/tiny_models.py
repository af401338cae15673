"""Models of the sentence-transformers kind with random weights, small enough to make in a moment."""

from __future__ import annotations

import json
import re
from pathlib import Path

from knowledge.corpus import SHIPPED

LAYERS, WIDTH, HEADS = 2, 32, 2


def vocabulary(most: int = 4000) -> list[str]:
    """The special tokens, single characters and the words of the shipped guides, for WordPiece."""
    text = " ".join(path.read_text(encoding="utf-8") for path in sorted(SHIPPED.glob("**/*.md"))).lower()
    words = sorted(set(re.findall(r"[a-z]+", text)))[:most]
    signs = sorted(set(re.findall(r"[!-~]", text)) | set("abcdefghijklmnopqrstuvwxyz0123456789"))
    pieces = [f"##{sign}" for sign in signs]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return list(dict.fromkeys([*special, *signs, *pieces, *words]))


def _bert(folder: Path, seed: int, labels: int | None) -> None:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    words = vocabulary()
    places = {word: place for place, word in enumerate(words)}
    BertTokenizer(vocab=places, model_max_length=256).save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=300,
    )
    if labels is not None:
        config.num_labels = labels
    kind = BertModel if labels is None else BertForSequenceClassification
    kind(config).save_pretrained(folder, safe_serialization=True)


def tiny_embedder(folder: Path, *, seed: int = 0, prompts: dict[str, str] | None = None) -> Path:
    """Writes an embedder of 32 dimensions (mean pooling) and returns its folder."""
    _bert(folder, seed, None)
    (folder / "1_Pooling").mkdir(exist_ok=True)
    pooling = {"word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    told = {"prompts": prompts or {}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(told), encoding="utf-8")
    return folder


def tiny_reranker(folder: Path, *, labels: int = 1) -> Path:
    """Writes a cross-encoder and returns its folder."""
    _bert(folder, 1, labels)
    return folder
