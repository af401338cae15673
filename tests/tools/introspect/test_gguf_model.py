"""Files of true shapes: the record is the catalog's, the memory is what was measured."""

from __future__ import annotations

import time
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from knowledge.catalog.records import Architecture, ModelRecord
from knowledge.catalog.store import Catalog, load_catalog
from knowledge.errors import UsageError
from tests.fakes.gguf_files import (
    ROPE_FREQS,
    TensorRow,
    catalog_file,
    metadata_of,
    tensor_rows,
    write_gguf,
)
from tests.tools.memory.helpers import model, request_of, rows
from tools.accuracy.placements import SAMPLES, placements
from tools.commands.memory import MemoryQuery, engine_request
from tools.commands.requests import parse
from tools.introspect.from_gguf import sight_file
from tools.introspect.shards import shard_names
from tools.introspect.sighting import record_of
from tools.licensing import judge
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.types import MemoryRequest
from tools.memory.weights import device_tensor_bytes, padded
from tools.needs import LicenseNeed

DAY = date(2026, 11, 21)
MEASURED = {(row["model_id"], row["quant"].removesuffix("_MOE")) for row in rows("llamacpp_server.csv")}


def added(path: Path, name: str | None = None) -> ModelRecord:
    return record_of(sight_file(path), load_catalog(), name, DAY)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`files(model id, quantization)` is the record of a file that llama-quantize would write."""
    folder = tmp_path_factory.mktemp("gguf")

    @cache
    def made(model_id: str, quant: str) -> ModelRecord:
        return added(catalog_file(folder, model(model_id), quant, vocabulary=64))

    return made


@pytest.mark.parametrize(("model_id", "quant"), sorted(MEASURED))
def test_the_shape_read_is_the_catalogs(files: Any, model_id: str, quant: str) -> None:
    found, known = files(model_id, quant), model(model_id)
    assert found.architecture.model_copy(update={"extra": {}}) == known.architecture.model_copy(  # type: ignore[union-attr]
        update={"extra": {}}
    )
    assert found.added.base_model == known.id
    assert found.added.same_weights
    assert found.added.quant == quant
    assert found.context_length == (known.context_length or 8192)
    assert (found.license, found.commercial_use) == (known.license, known.commercial_use)
    assert found.id == f"local/{known.name}-{quant}"


@pytest.mark.parametrize("row", rows("llamacpp_server.csv"), ids=lambda r: f"{r['model_id']}-{r['context']}")
def test_memory_is_what_was_measured(files: Any, row: dict[str, str]) -> None:
    quant = row["quant"].removesuffix("_MOE")
    found = device_bytes(files(row["model_id"], quant), request_of(row))
    assert found == device_bytes(model(row["model_id"]), request_of(row))
    assert found.kv_cache == int(row["kv_cache_bytes"])
    assert abs(found.weights - int(row["weights_bytes"])) <= 1024  # rotary tables, which these files lack


def test_a_file_with_its_rotary_table_is_exact_to_the_byte(tmp_path: Path) -> None:
    known = model("meta-llama/Llama-3.1-8B-Instruct")
    found = added(catalog_file(tmp_path, known, "Q4_K_M", more=[ROPE_FREQS]))
    true = [row for row in rows("llamacpp_server.csv") if row["model_id"] == known.id]
    assert true
    for row in true:
        assert device_bytes(found, request_of(row)).weights == int(row["weights_bytes"])
    assert found.params_total == known.params_total


def test_placements_are_what_was_measured(files: Any) -> None:
    for case in placements(SAMPLES):
        known = model(case.request["model"])
        request = engine_request(parse(MemoryQuery, case.request), known, None)
        estimate = estimate_memory(files(known.id, request.quant), request)
        for device, (weights, cached, _) in zip(estimate.per_device, case.devices, strict=True):
            assert abs(device.weights_bytes - weights) <= 1e-5 * weights, case
            assert device.kv_cache_bytes == cached, case


DYNAMIC = {
    "attn_v": "Q6_K",
    "attn_output": "IQ4_XS",
    "ffn_down": "IQ3_XXS",
    "ffn_up": "IQ1_S",
    "ffn_gate": "IQ2_XS",
    "token_embd": "IQ3_S",
    "output": "NVFP4",
}


def dynamic_rows(shape: Architecture) -> list[TensorRow]:
    """A recipe that llama-quantize does not write: types by tensor, and by layer."""
    found = []
    for name, type_name, dims in tensor_rows(shape, "Q4_K_M"):
        bare = name.removesuffix(".weight").split(".")[-1]
        layer = int(name.split(".")[1]) if name.startswith("blk.") else -1
        lifted = bare == "ffn_down" and layer % 5 == 0
        found.append((name, "Q8_0" if lifted else DYNAMIC.get(bare, type_name), dims))
    return found


@pytest.mark.parametrize("model_id", ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct"])
def test_a_dynamic_recipe_is_added_up_tensor_by_tensor(tmp_path: Path, model_id: str) -> None:
    known = model(model_id)
    shape = known.architecture
    assert shape is not None
    # Rows of 896 are no multiple of 256: such tensors fall back, as they do in real files.
    table = [(n, k if d[0] % 256 == 0 or len(d) == 1 else "Q8_0", d) for n, k, d in dynamic_rows(shape)]
    path = write_gguf(tmp_path / "x-UD-Q2_K_XL.gguf", "llama", metadata_of(shape), table)
    found = added(path)
    estimate = estimate_memory(found, MemoryRequest(quant="UD-Q2_K_XL"))
    device = host = 0
    for name, kind, dims in table:
        count = 1
        for size in dims[1:]:
            count *= size
        if name == "token_embd.weight":
            host += padded(device_tensor_bytes(kind, dims[0], count, pad_row=False))
            device += device_tensor_bytes(kind, dims[0], count) if shape.tied else 0
        else:
            device += device_tensor_bytes(kind, dims[0], count)
    assert estimate.weights_bytes == device
    assert estimate.host_bytes >= host
    assert "the file's own types" in estimate.formula
    assert estimate.basis[1].kind == "user"
    split = estimate_memory(found, MemoryRequest(quant="UD-Q2_K_XL", gpu_layers=10))
    assert 0 < split.weights_bytes < device
    # Other quantizations come from the shapes of its tensors and llama-quantize's rules.
    other = estimate_memory(found, MemoryRequest(quant="Q6_K"))
    assert other.weights_bytes == estimate_memory(known, MemoryRequest(quant="Q6_K")).weights_bytes
    with pytest.raises(UsageError, match="Unknown quantization"):
        estimate_memory(found, MemoryRequest(quant="IQ1_M"))


def test_an_architecture_without_a_table_is_computed_from_its_tensors(tmp_path: Path) -> None:
    shape = model("Qwen/Qwen3-8B").architecture
    assert shape is not None
    path = write_gguf(tmp_path / "a.gguf", "brandnew", metadata_of(shape), tensor_rows(shape, "Q5_K_M"))
    found = added(path)
    assert found.added is not None
    assert found.added.quant == "Q5_K"
    own = estimate_memory(found, MemoryRequest(quant="Q5_K"))
    assert (
        own.weights_bytes
        == estimate_memory(model("Qwen/Qwen3-8B"), MemoryRequest(quant="Q5_K_M")).weights_bytes
    )
    assert not own.exact
    assert any("general formula" in note for note in own.caveats)


def test_towers_and_prediction_layers_are_in_the_file_and_not_on_the_device(tmp_path: Path) -> None:
    shape = model("google/gemma-3-12b-it").architecture
    assert shape is not None
    table = tensor_rows(shape, "Q4_K_M")
    tower: list[TensorRow] = [
        ("v.blk.0.attn_q.weight", "F16", (1152, 1152)),
        ("mm.a.weight", "F16", (64, 64)),
    ]
    extra: list[TensorRow] = [(f"blk.{shape.layers}.nextn.eh_proj.weight", "Q4_K", (512, 256))]
    meta = metadata_of(shape) | {"block_count": shape.layers + 1, "nextn_predict_layers": 1}
    plain = added(write_gguf(tmp_path / "plain.gguf", "gemma3", metadata_of(shape), table))
    both = added(write_gguf(tmp_path / "both.gguf", "gemma3", meta, [*table, *tower, *extra]))
    request = MemoryRequest(quant="Q4_K")
    one, two = estimate_memory(plain, request), estimate_memory(both, request)
    assert (one.weights_bytes, one.kv_cache_bytes) == (two.weights_bytes, two.kv_cache_bytes)
    assert two.file_bytes - one.file_bytes == 2 * (1152 * 1152 + 64 * 64) + 512 * 256 // 256 * 144
    assert both.architecture is not None
    assert both.architecture.extra["vision_params"] == 1152 * 1152 + 64 * 64


def test_old_files_of_latent_attention_cache_keys_and_values_in_full(tmp_path: Path) -> None:
    shape = model("deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct").architecture
    assert shape is not None
    meta = metadata_of(shape)
    del meta["attention.key_length_mla"], meta["attention.value_length_mla"]
    meta |= {"attention.head_count_kv": 16, "attention.key_length": 192, "attention.value_length": 128}
    table = tensor_rows(shape, "Q4_K_M")
    found = added(write_gguf(tmp_path / "old.gguf", "deepseek2", meta, table))
    cached = estimate_memory(found, MemoryRequest(quant="Q4_K", context=4096)).kv_cache_bytes
    assert cached == 27 * 4096 * 16 * (192 + 128) * 2


def test_sizes_by_layer_are_kept(tmp_path: Path) -> None:
    """Pruned models (Nemotron Super) have their own number of heads in each layer, and none in some."""
    shape = model("meta-llama/Llama-3.2-1B-Instruct").architecture
    assert shape is not None
    kv = [8, 4, 0, 8] * 4
    meta = metadata_of(shape) | {"attention.head_count_kv": kv, "attention.head_count": [32, 32, 0, 32] * 4}
    found = added(write_gguf(tmp_path / "a.gguf", "deci", meta, tensor_rows(shape, "Q4_K_M")))
    cached = estimate_memory(found, MemoryRequest(quant="Q4_K", context=4096)).kv_cache_bytes
    assert cached == sum(kv) * 64 * 2 * 2 * 4096


REFUSED: dict[str, tuple[str, dict[str, Any], list[TensorRow], str]] = {
    "projector": ("clip", {}, [("v.blk.0.ln1.weight", "F32", (8,))], "vision projector"),
    "projector by type": ("qwen2", {"general.type": "mmproj"}, [("a", "F32", (8,))], "vision projector"),
    "adapter": ("llama", {"general.type": "adapter", "adapter.type": "lora"}, [], "adapter"),
    "control vector": ("controlvector", {}, [("direction.1", "F32", (8,))], "adapter"),
    "importance matrix": ("imatrix", {"general.type": "imatrix"}, [], "importance matrix"),
    "importance matrix by keys": ("x", {"imatrix.chunk_count": 3}, [], "importance matrix"),
    "image model": ("flux", {}, [("img_in.weight", "F16", (64, 64))], "no language model"),
    "vocabulary": (
        "llama",
        {"llama.block_count": 2, "llama.embedding_length": 64, "llama.vocab_size": 32000},
        [],
        "vocabulary",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_no_model_are_refused_with_the_next_step(tmp_path: Path, name: str) -> None:
    arch, general, table, words = REFUSED[name]
    path = write_gguf(tmp_path / "x.gguf", arch, {}, table, general=general)
    with pytest.raises(UsageError, match=words) as caught:
        sight_file(path)
    assert caught.value.code == "not_a_model"
    assert caught.value.hint


WRONG = {
    "no heads fit": {"attention.head_count": 2, "attention.head_count_kv": 64},
    "more experts used than there are": {"expert_count": 4, "expert_used_count": 9},
    "a million layers": {"block_count": 1_000_000},
    "a layer less than there are tensors": {"block_count": 15},
    "layers without tensors": {"block_count": 17},
    "another width": {"embedding_length": 4096},
    "a window as text": {"attention.sliding_window": "wide"},
    "heads as a fraction": {"attention.head_count": 3.5},
    "no number": {"attention.head_count": float("nan")},
    "too few entries by layer": {"attention.head_count_kv": [8, 8]},
    "lists where one number belongs": {"embedding_length": [2048, 2048]},
    "only prediction layers": {"nextn_predict_layers": 16},
    "experts without a count": {"expert_count": 65536, "expert_used_count": 0},
    "all layers share a cache": {"attention.shared_kv_layers": 16},
}


@pytest.mark.parametrize("name", WRONG)
def test_metadata_that_contradicts_the_tensors(tmp_path: Path, name: str) -> None:
    shape = model("meta-llama/Llama-3.2-1B-Instruct").architecture
    assert shape is not None
    meta = metadata_of(shape) | WRONG[name]  # type: ignore[operator]
    path = write_gguf(tmp_path / "x.gguf", "llama", meta, tensor_rows(shape, "Q4_K_M"))
    with pytest.raises(UsageError) as caught:
        sight_file(path)
    assert caught.value.code == "bad_gguf"


def split_file(folder: Path, count: int = 3) -> Path:
    """A model in parts; the first of them."""
    shape = model("meta-llama/Llama-3.2-1B-Instruct").architecture
    assert shape is not None
    table = tensor_rows(shape, "Q4_K_M")
    names = shard_names(f"big-Q4_K_M-00001-of-{count:05d}.gguf")
    for number, name in enumerate(names):
        part = table[number::count]
        general = {"split.no": number, "split.count": count, "split.tensors.count": len(table)}
        meta = metadata_of(shape) if number == 0 else {}
        write_gguf(folder / name, "llama", meta, part, general=general)
    return folder / names[0]


def test_parts_are_read_together_whichever_is_given(tmp_path: Path) -> None:
    first = split_file(tmp_path)
    whole = estimate_memory(model("meta-llama/Llama-3.2-1B-Instruct"), MemoryRequest())
    for path in (first, tmp_path / "big-Q4_K_M-00003-of-00003.gguf"):
        found = added(path)
        assert found.name == "big-Q4_K_M"
        assert estimate_memory(found, MemoryRequest()).weights_bytes == whole.weights_bytes


def test_a_missing_or_foreign_part(tmp_path: Path) -> None:
    first = split_file(tmp_path)
    second = tmp_path / "big-Q4_K_M-00002-of-00003.gguf"
    third = tmp_path / "big-Q4_K_M-00003-of-00003.gguf"
    saved = second.read_bytes()
    second.write_bytes(third.read_bytes())
    with pytest.raises(UsageError, match="not in order"):
        sight_file(first)
    second.write_bytes(saved)
    alone = tmp_path / "renamed.gguf"
    alone.write_bytes(first.read_bytes())
    with pytest.raises(UsageError, match="one of 3 parts"):
        sight_file(alone)
    second.unlink()
    with pytest.raises(Exception, match="no file"):
        sight_file(first)
    with pytest.raises(UsageError, match="not one of"):
        shard_names("x-00009-of-00003.gguf")


def test_a_fine_tune_derives_and_its_license_is_bound(tmp_path: Path) -> None:
    known = model("meta-llama/Llama-3.1-8B-Instruct")
    general = {
        "general.name": "Cathy 8B v2",
        "general.license": "apache-2.0",
        "general.base_model.count": 1,
        "general.base_model.0.repo_url": "https://huggingface.co/meta-llama/Llama-3.1-8B-Instruct",
        "tokenizer.chat_template": "{% if tools %}{{ tools }}{% endif %}",
    }
    path = catalog_file(tmp_path, known, "Q4_K_M", general=general)
    found = added(path.rename(tmp_path / "cathy.gguf"))
    assert found.added is not None
    assert (found.added.base_model, found.added.same_weights) == (known.id, False)
    assert (found.license, found.commercial_use) == (known.license, "conditional")
    assert "apache-2.0" in found.added.sources["license"]
    assert found.family == known.family
    assert found.tool_calling is True
    assert (found.thinking, found.release_date) == (None, None)


@pytest.mark.parametrize(
    ("stated", "base", "use"),
    [
        ("cc-by-nc-4.0", "meta-llama/Llama-3.1-8B-Instruct", "no"),
        ("apache-2.0", "meta-llama/Llama-3.3-70B-Instruct", "conditional"),
        ("apache-2.0", "someone/Llama-3-8B-Lexi", "conditional"),
        ("apache-2.0", "someone/unheard-of", "unknown"),
        ("apache-2.0", "mistralai/Mistral-7B-v0.1", "yes"),
    ],
)
def test_a_derivative_is_never_freer_than_its_base_or_than_its_source_says(
    tmp_path: Path, stated: str, base: str, use: str
) -> None:
    """The base may be of another shape (a merge) or none of the catalog's: its name still tells."""
    general = {
        "general.name": "Cathy",
        "general.license": stated,
        "general.base_model.count": 1,
        "general.base_model.0.repo_url": f"https://huggingface.co/{base}",
    }
    path = catalog_file(tmp_path, model("meta-llama/Llama-3.1-8B-Instruct"), "Q4_K_M", general=general)
    found = added(path.rename(tmp_path / "cathy.gguf"))
    verdict = judge(found, LicenseNeed(use="commercial"), load_catalog().license_of(found))
    assert found.commercial_use == verdict.figure.commercial_use == use
    assert verdict.allowed is (use in ("yes", "conditional"))
    if use == "conditional":
        over = judge(found, LicenseNeed(use="commercial", users=10**9), load_catalog().license_of(found))
        assert "700 million" in over.reason


def test_what_nobody_said_stays_unknown(tmp_path: Path) -> None:
    shape = model("meta-llama/Llama-3.2-1B-Instruct").architecture
    assert shape is not None
    path = write_gguf(tmp_path / "a.gguf", "llama", metadata_of(shape), tensor_rows(shape, "Q8_0"))
    found = added(path)
    assert (found.license, found.commercial_use) == (None, "unknown")
    assert (found.tool_calling, found.thinking, found.vision, found.release_date) == (None,) * 4
    assert found.kind == "base"


def test_a_hundred_tensors_and_a_large_vocabulary_are_read_soon(tmp_path: Path) -> None:
    known = model("meta-llama/Llama-3.2-1B-Instruct")
    path = catalog_file(tmp_path, known, "Q4_K_M", vocabulary=128_256)
    catalog = Catalog()
    assert catalog.models
    started = time.process_time()
    found = record_of(sight_file(path), catalog, None, DAY)
    assert time.process_time() - started < 10.0
    assert found.added is not None
    assert found.added.tensors is not None
    assert len(found.model_dump_json()) < 20_000
