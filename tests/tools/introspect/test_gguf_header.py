"""Hostile headers: a plain error, soon, with bounded memory."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
from datetime import date
from pathlib import Path

import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.catalog.store import load_catalog
from knowledge.errors import AdvisorError, NoAnswerError, UsageError
from tests.fakes.gguf_files import write_gguf
from tools.introspect.from_gguf import sight_file, sight_header
from tools.introspect.gguf_header import GgufHeader, read_header
from tools.introspect.sighting import record_of
from tools.memory.estimate import device_bytes, estimate_memory
from tools.memory.quantization import tables
from tools.memory.types import MemoryRequest

META = {
    "block_count": 2,
    "embedding_length": 256,
    "context_length": 4096,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "feed_forward_length": 512,
}
LAYER = (
    ("attn_norm.weight", "F32", (256,)),
    ("attn_q.weight", "Q4_K", (256, 256)),
    ("attn_k.weight", "Q4_K", (256, 128)),
    ("attn_v.weight", "Q6_K", (256, 128)),
    ("attn_output.weight", "IQ2_XXS", (256, 256)),
    ("ffn_up.weight", "TQ1_0", (256, 512)),
    ("ffn_gate.weight", "IQ1_M", (256, 512)),
    ("ffn_down.weight", "Q3_K", (512, 256)),
)
HEADER = 3072
"""Bytes of the header of the small file, about."""
TENSORS = [
    ("token_embd.weight", "Q4_K", (256, 1000)),
    ("output_norm.weight", "F32", (256,)),
    *((f"blk.{layer}.{name}", kind, shape) for layer in range(2) for name, kind, shape in LAYER),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole small file."""
    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    general = {"general.name": "Small", "tokenizer.chat_template": "{{ tools }}", "general.file_type": 15}
    return write_gguf(path, "llama", META, TENSORS, vocabulary=100, general=general)


def header_of(data: bytes, size: int | None = None) -> GgufHeader:
    return read_header(lambda start, end: data[start:end], len(data) if size is None else size)


def head(tensors: int = 0, entries: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, entries)


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    dims = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + dims + struct.pack("<IQ", kind, offset)


def test_the_reader_of_the_package_agrees(small: Path) -> None:
    found, reader = header_of(small.read_bytes()), GGUFReader(small)
    assert 0.8 * HEADER < reader.data_offset <= HEADER
    assert [(t.name, t.type, t.shape) for t in found.tensors] == [
        (t.name, t.tensor_type.name, tuple(t.shape.tolist())) for t in reader.tensors
    ]
    for key, value in found.metadata.items():
        assert reader.fields[key].contents() == value
    assert found.lengths["tokenizer.ggml.tokens"] == 100
    assert "tokenizer.ggml.tokens" not in found.metadata


def test_block_sizes_are_those_of_the_package() -> None:
    theirs = {kind.name: GGML_QUANT_SIZES[kind] for kind in GGMLQuantizationType}
    ours = tables().types
    assert {name: ours.get(name) for name in theirs} == theirs


HOSTILE = {
    "empty": b"",
    "no magic": b"PK\x03\x04" + bytes(100),
    "only the magic": b"GGUF",
    "version 1": head(version=1) + bytes(64),
    "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0) + bytes(64),
    "10**12 tensors": head(tensors=10**12) + bytes(64),
    "2**64 - 1 entries": head(entries=2**64 - 1) + bytes(64),
    "a key of 4 GB": head(entries=1) + struct.pack("<Q", 4 << 30) + bytes(64),
    "a key of 2**63 bytes": head(entries=1) + struct.pack("<Q", 1 << 63) + bytes(64),
    "a string of 4 GB": head(entries=1) + text("a") + struct.pack("<IQ", 8, 4 << 30) + bytes(64),
    "an empty key": head(entries=1) + text("") + bytes(64),
    "a key that is no text": head(entries=1) + text(b"\xff\xfe") + struct.pack("<IB", 0, 1) + bytes(64),
    "an unknown value type": head(entries=1) + text("a") + struct.pack("<I", 99) + bytes(64),
    "an array of 2**61 numbers": head(entries=1)
    + text("a")
    + struct.pack("<IIQ", 9, 10, 1 << 61)
    + bytes(64),
    "an array of 2**60 strings": head(entries=1) + text("a") + struct.pack("<IIQ", 9, 8, 1 << 60) + bytes(64),
    "arrays in arrays": head(entries=1) + text("a") + struct.pack("<IIQ", 9, 9, 1) * 5000,
    "a key twice": head(entries=2) + (text("a") + struct.pack("<IB", 0, 1)) * 2 + bytes(64),
    "no dimensions": head(tensors=1) + tensor("a", ()) + bytes(64),
    "five dimensions": head(tensors=1) + tensor("a", (1, 1, 1, 1, 1)) + bytes(64),
    "2**32 - 1 dimensions": head(tensors=1) + text("a") + struct.pack("<I", 2**32 - 1) + bytes(64),
    "a dimension of 0": head(tensors=1) + tensor("a", (32, 0)) + bytes(64),
    "a product that overflows": head(tensors=1) + tensor("a", (1 << 32, 1 << 32)) + bytes(64),
    "a product that wraps to 0": head(tensors=1) + tensor("a", (1 << 22,) * 3) + bytes(64),
    "an unknown tensor type": head(tensors=1) + tensor("a", (32,), kind=777) + bytes(256),
    "a removed tensor type": head(tensors=1) + tensor("a", (32,), kind=4) + bytes(256),
    "rows of no whole blocks": head(tensors=1) + tensor("a", (100,), kind=12) + bytes(4096),
    "an offset that is not aligned": head(tensors=1) + tensor("a", (8,), offset=3) + bytes(256),
    "an offset beyond the file": head(tensors=1) + tensor("a", (8,), offset=1 << 40) + bytes(256),
    "data beyond the file": head(tensors=1) + tensor("a", (1 << 30,)) + bytes(256),
    "a tensor twice": head(tensors=2) + tensor("a", (8,)) * 2 + bytes(256),
    "a tensor name to spoil a terminal": head(tensors=1) + tensor("\x1b[2J", (8,)) + bytes(256),
    "an alignment of 0": head(entries=1, tensors=1)
    + text("general.alignment")
    + struct.pack("<II", 4, 0)
    + tensor("a", (8,))
    + bytes(256),
    "an alignment of 3": head(entries=1, tensors=1)
    + text("general.alignment")
    + struct.pack("<II", 4, 3)
    + tensor("a", (8,))
    + bytes(256),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers_are_plain_errors(name: str) -> None:
    started = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(UsageError) as caught:
            header_of(HOSTILE[name])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.hint
    assert caught.value.message.isprintable()
    assert peak < 32 << 20
    assert time.process_time() - started < 20


def test_many_arrays_are_passed_over_once_enough_is_kept() -> None:
    arrays = b"".join(
        text(f"a.{index}") + struct.pack("<IIQ", 9, 4, 4096) + bytes(4 * 4096) for index in range(200)
    )
    found = header_of(head(entries=200) + arrays + bytes(64))
    assert len(found.lengths) == 200
    assert sum(len(value) for value in found.metadata.values()) <= 16_384


def test_a_lie_about_the_size_fetches_no_more_than_there_may_be() -> None:
    asked: list[int] = []

    def endless(start: int, end: int) -> bytes:
        asked.append(end - start)
        return bytes(end - start) if start else (head(entries=4000) + bytes(end - 24))

    with pytest.raises(UsageError):
        read_header(endless, 1 << 50)
    assert sum(asked) <= 256 << 20


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_a_file_that_is_cut_off(small: Path, share: float) -> None:
    data = small.read_bytes()
    with pytest.raises(UsageError) as caught:
        header_of(data[: int(len(data) * share)])
    assert caught.value.code == "bad_gguf"


@settings(max_examples=200, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, HEADER - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_a_corrupted_header_is_read_or_refused(small: Path, changes: list[tuple[int, int]]) -> None:
    data = bytearray(small.read_bytes())
    for place, value in changes:
        data[place] = value
    try:
        seen = sight_header(header_of(bytes(data)), "small-Q4_K_M.gguf")
        record = record_of(seen, load_catalog(), None, date(2026, 11, 21))
        sizes = device_bytes(record, MemoryRequest(quant=seen.quant or "Q4_K_M"))
        described = estimate_memory(record, MemoryRequest(quant=seen.quant or "Q4_K_M"))
    except AdvisorError:
        return
    assert seen.params_total
    assert sizes.total == described.total_bytes >= 0


@settings(max_examples=200, deadline=2000)
@given(junk=st.binary(max_size=400))
def test_junk_behind_the_magic_is_refused(junk: bytes) -> None:
    with pytest.raises(UsageError):
        sight_header(header_of(b"GGUF\x03\x00\x00\x00" + junk), "x.gguf")


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NoAnswerError, match="no file"):
        sight_file(tmp_path / "missing.gguf")
    with pytest.raises(UsageError, match="not a file"):
        sight_file(tmp_path)
    (tmp_path / "a\0b").parent.mkdir(exist_ok=True)
    with pytest.raises(NoAnswerError):
        sight_file(Path(f"{tmp_path}/a\0b.gguf"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(UsageError, match="not a file"):
        sight_file(tmp_path / "pipe.gguf")


def test_a_loop_of_links_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").symlink_to(tmp_path / "b.gguf")
    (tmp_path / "b.gguf").symlink_to(tmp_path / "a.gguf")
    with pytest.raises(NoAnswerError, match="cannot be read"):
        sight_file(tmp_path / "a.gguf")
