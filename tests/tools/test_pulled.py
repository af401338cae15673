"""Models that lie on this computer: read from folders, matched to the catalog, preferred where they tie."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.asking import DESKTOP, brief, needs
from tools import on_this_computer, recommend
from tools.candidates import Candidate
from tools.hardware_read import read_hardware
from tools.hardware_types import Machine
from tools.pulled import Pulled, include_pulled, marked, prefer_pulled, pulled
from tools.pulled_folders import quant_in, roots
from tools.storage import that_the_disk_holds, too_large, with_storage

GIB = 1 << 30
LIBRARY = "registry.ollama.ai/library"


def _ollama(root: Path, tag: str, **about: str) -> Path:
    """A tag as Ollama writes it: a manifest, and the description that it names."""
    name, _, label = tag.partition(":")
    digest = f"{zlib.crc32(tag.encode()):064x}"
    layers = [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:0", "size": 4 * GIB}]
    place = root / "manifests" / (name if "/" in name else f"{LIBRARY}/{name}") / label
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"config": {"digest": f"sha256:{digest}"}, "layers": layers}))
    (root / "blobs").mkdir(exist_ok=True)
    (root / "blobs" / f"sha256-{digest}").write_text(json.dumps(about))
    return place


def _hub(root: Path, repository: str, *files: str) -> Path:
    folder = root / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir()
    for name in files:
        (snapshot / name).write_bytes(b"x")
    return folder


def _ids(kind: str, root: Path) -> list[tuple[str, str | None]]:
    return [(one.model_id, one.quant) for one in pulled([(kind, root)])]


@pytest.mark.parametrize(
    ("tag", "about", "expected"),
    [
        ("llama3.1:8b", {"model_type": "8.0B", "model_family": "llama", "file_type": "Q4_K_M"}, "Q4_K_M"),
        ("llama3.1:latest", {"model_type": "8.0B", "model_family": "llama", "file_type": "Q4_K_M"}, "Q4_K_M"),
        ("llama3.1:8b-instruct-q8_0", {"model_type": "8.0B", "file_type": "Q8_0"}, "Q8_0"),
        ("llama3.1:8b-instruct-q8_0", {}, "Q8_0"),
        ("llama3.1:8b-text-q4_K_M", {"model_type": "8.0B", "file_type": "Q4_K_M"}, None),
        ("llama3.1:latest", {}, None),
        ("llama3.1:8b", {"model_type": "70.6B", "file_type": "Q4_K_M"}, None),
        ("nobody-knows:8b", {"model_type": "8.0B", "file_type": "Q4_K_M"}, None),
    ],
)
def test_ollamas_store(tmp_path: Path, tag: str, about: dict[str, str], expected: str | None) -> None:
    _ollama(tmp_path, tag, **about)
    known = [("meta-llama/Llama-3.1-8B-Instruct", expected)] if expected else []
    assert _ids("ollama", tmp_path) == known


def test_a_tag_that_now_points_at_another_model_is_not_the_old_one(tmp_path: Path) -> None:
    """`deepseek-r1:8b` was a Llama and became a Qwen of about the same size."""
    _ollama(tmp_path, "deepseek-r1:8b", model_type="8.2B", model_family="qwen3", file_type="Q4_K_M")
    assert _ids("ollama", tmp_path) == []


def test_a_hub_repository_in_ollamas_store(tmp_path: Path) -> None:
    _ollama(tmp_path, "hf.co/unsloth/Qwen3-8B-GGUF:Q5_K_M", model_type="8.2B", file_type="Q5_K_M")
    (one,) = pulled([("ollama", tmp_path)])
    assert (one.model_id, one.quant, one.kind) == ("Qwen/Qwen3-8B", "Q5_K_M", "Ollama")
    assert one.size_bytes == 4 * GIB


def test_the_hugging_face_cache(tmp_path: Path) -> None:
    _hub(tmp_path, "Qwen/Qwen3-8B", "model-00001-of-00002.safetensors", "config.json")
    _hub(tmp_path, "Qwen/Qwen3-4B", "config.json")
    _hub(tmp_path, "unsloth/gemma-3-4b-it-GGUF", "gemma-3-4b-it-Q4_K_M.gguf", "mmproj-F16.gguf")
    broken = _hub(tmp_path, "Qwen/Qwen3-14B", "model.safetensors")
    (broken / "blobs" / "abc.incomplete").write_bytes(b"")
    assert _ids("huggingface", tmp_path) == [("Qwen/Qwen3-8B", None), ("google/gemma-3-4b-it", "Q4_K_M")]


def test_a_link_to_weights_that_were_removed_is_no_model(tmp_path: Path) -> None:
    folder = _hub(tmp_path, "Qwen/Qwen3-8B")
    (folder / "snapshots/abc/model.safetensors").symlink_to(folder / "blobs" / "gone")
    assert _ids("huggingface", tmp_path) == []


def test_llama_cpps_own_cache(tmp_path: Path) -> None:
    (tmp_path / "unsloth_Qwen3-8B-GGUF_Qwen3-8B-Q4_K_M.gguf").write_bytes(b"x")
    (tmp_path / "unsloth_Qwen3-8B-GGUF_Qwen3-8B-Q4_K_M.gguf.json").write_bytes(b"x")
    assert _ids("llama.cpp", tmp_path) == [("Qwen/Qwen3-8B", "Q4_K_M")]


@pytest.mark.parametrize("kind", ["ollama", "huggingface", "llama.cpp"])
def test_no_folder_is_no_error(tmp_path: Path, kind: str) -> None:
    assert pulled([(kind, tmp_path / "none")]) == ()
    (tmp_path / "file").write_bytes(b"")
    assert pulled([(kind, tmp_path / "file")]) == ()


@given(st.binary(max_size=200))
def test_damaged_manifests_are_left_out(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    root = tmp_path_factory.mktemp("store")
    place = root / "manifests" / LIBRARY / "llama3.1" / "8b"
    place.parent.mkdir(parents=True)
    place.write_bytes(junk)
    assert pulled([("ollama", root)]) == ()


def test_a_new_model_is_seen_without_a_restart(tmp_path: Path) -> None:
    _ollama(tmp_path, "llama3.1:8b", model_type="8.0B", file_type="Q4_K_M")
    assert len(pulled([("ollama", tmp_path)])) == 1
    place = _ollama(tmp_path, "qwen3:8b", model_type="8.2B", file_type="Q4_K_M")
    os.utime(place.parent, (2e9, 2e9))
    assert len(pulled([("ollama", tmp_path)])) == 2


def test_the_folders_follow_the_environment(tmp_path: Path) -> None:
    usual = dict(roots({}, tmp_path))
    assert usual["huggingface"] == tmp_path / ".cache/huggingface/hub"
    own = roots({"OLLAMA_MODELS": "/o", "HF_HOME": "/h", "LLAMA_CACHE": "/l"}, tmp_path)
    assert own == (("ollama", Path("/o")), ("huggingface", Path("/h/hub")), ("llama.cpp", Path("/l")))
    assert ("huggingface", Path("/c")) in roots({"HF_HUB_CACHE": "/c", "HF_HOME": "/h"}, tmp_path)


@pytest.mark.parametrize(
    ("text", "quant"),
    [
        ("8b-instruct-q4_K_M", "Q4_K_M"),
        ("Qwen3-8B-UD-Q4_K_XL", None),
        ("x-Q4_K_S", "Q4_K_S"),
        ("gpt-oss-20b-MXFP4", "MXFP4"),
        ("latest", None),
    ],
)
def test_quantization_in_a_name(text: str, quant: str | None) -> None:
    assert quant_in(text) == quant


# -- in a recommendation -----------------------------------------------------------------------------


def _machine(free_gib: float | None = 500.0) -> Machine:
    machine = read_hardware(DESKTOP).machines[0]
    free = None if free_gib is None else int(free_gib * GIB)
    return replace(machine, detected=True, disk_free_bytes=free, disk_folder="/models")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`here(machine, pulled models)` is this computer."""

    def set_up(machine: Machine, *there: Pulled) -> None:
        monkeypatch.setattr("tools.brief.detect_machine", lambda: machine)
        monkeypatch.setattr(on_this_computer, "detect_machine", lambda: machine)
        monkeypatch.setattr("tools.pulled.pulled", lambda: there)

    return set_up


def _held(c: Candidate) -> Pulled:
    assert c.configuration is not None
    kind = "Ollama" if c.configuration.engine == "ollama" else "GGUF"
    return Pulled(str(c.model_id), c.configuration.quant, kind, "its:tag", "/models/x")


def test_what_lies_here_wins_a_tie_and_says_so(
    here: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    here(_machine())
    first, other, *_ = recommend.recommend(needs("chat", None)).candidates
    gap = abs(first.utility - other.utility)
    monkeypatch.setattr(recommend, "is_tie", lambda priority, apart, *spreads: abs(apart) <= gap + 0.01)
    assert not other.pulled
    assert other.download_bytes
    here(_machine(), _held(other))
    found = recommend.recommend(needs("chat", None)).candidates
    assert found[0].model_id == other.model_id
    assert found[0].pulled
    assert found[0].download_bytes == 0
    document = found[0].as_json()
    assert (document["pulled"], document["free_disk_bytes"]) == (True, 500 * GIB)
    reason = next(r for r in found[0].why if "Already on this computer" in r.text)
    assert reason.evidence[0].locator == "/models/x"
    assert any(command.shell == "ollama run its:tag" for command in found[0].commands)
    assert [c.pulled for c in found[1:]] == [False] * (len(found) - 1)
    assert first.model_id in {c.model_id for c in found}


def test_what_lies_here_does_not_win_over_a_clearly_better_one(here: Callable[..., None]) -> None:
    small = Pulled("meta-llama/Llama-3.2-1B-Instruct", "Q8_0", "Ollama", "llama3.2:1b", "/x")
    here(_machine())
    without = recommend.recommend(needs("chat", None)).candidates
    here(_machine(), small)
    assert [c.model_id for c in recommend.recommend(needs("chat", None)).candidates] == [
        c.model_id for c in without
    ]


def test_a_pulled_one_beside_the_shown_ones_takes_part(here: Callable[..., None]) -> None:
    here(_machine())
    wide = recommend.rank_for(brief("chat", None), recommend.WIDE).candidates
    shown, hidden = wide[:4], wide[-1]
    assert len(wide) > 4
    found = include_pulled(shown, wide, [_held(hidden)], lambda a, b: True)
    assert found == [shown[0], hidden, shown[1], shown[2]]
    assert include_pulled(shown, wide, [_held(hidden)], lambda a, b: False) == shown
    assert include_pulled(shown, wide, [_held(shown[2])], lambda a, b: True) == shown


def test_another_machine_is_only_told(here: Callable[..., None]) -> None:
    here(_machine())
    wanted = needs("chat", "M3 Max 64GB")
    plain = recommend.recommend(wanted).candidates
    here(_machine(), _held(plain[1]))
    found = recommend.recommend(wanted).candidates
    assert [c.model_id for c in found] == [c.model_id for c in plain]
    assert not any(c.pulled for c in found)
    assert any("the machine asked for is another one" in r.text for r in found[1].why)


def test_a_machine_named_that_is_this_one_counts_as_it(here: Callable[..., None]) -> None:
    here(_machine())
    plain = recommend.recommend(needs("chat", DESKTOP)).candidates
    here(_machine(), _held(plain[0]))
    assert recommend.recommend(needs("chat", DESKTOP)).candidates[0].pulled


def test_another_quantization_is_told_and_is_a_download(here: Callable[..., None]) -> None:
    here(_machine())
    first = recommend.recommend(needs("chat", None)).candidates[0]
    other = replace(_held(first), quant="Q2_K")
    done = marked(first, [other], here=True)
    assert not done.pulled
    assert any("another form" in r.text for r in done.why)
    assert marked(first, [replace(_held(first), kind="safetensors", quant=None)], here=True).pulled is False


def test_the_disk_decides_only_where_something_else_fits(here: Callable[..., None]) -> None:
    here(_machine(500.0))
    sizes = sorted(c.download_bytes or 0 for c in recommend.recommend(needs("chat", None)).candidates)
    assert sizes[0] < sizes[-1]
    here(_machine(sizes[0] / GIB + 0.01))
    answer = recommend.recommend(needs("chat", None))
    assert answer.candidates
    assert all((c.download_bytes or 0) <= sizes[0] + 0.02 * GIB for c in answer.candidates)
    refused = [r for r in answer.rejected if r.constraint == "disk"]
    assert refused
    assert "free on the disk" in refused[0].reason
    here(_machine(0.01))
    full = recommend.recommend(needs("chat", None))
    assert full.candidates
    assert any("The download takes" in text for text in full.candidates[0].caveats)


def test_a_described_machine_has_no_disk(here: Callable[..., None]) -> None:
    here(_machine())
    first = recommend.recommend(needs("chat", "M3 Max 64GB")).candidates[0]
    assert first.free_disk_bytes is None
    memory = first.configuration.memory if first.configuration else None
    assert memory is not None
    assert first.download_bytes == memory.file_bytes


def test_a_retrieval_stack_counts_each_file_once(here: Callable[..., None]) -> None:
    here(_machine())
    stack = recommend.recommend(needs("rag", None)).candidates[0]
    memory = stack.configuration.memory if stack.configuration else None
    assert stack.companions
    assert memory is not None
    assert stack.download_bytes == memory.file_bytes
    embedder = stack.companions[0]
    own = embedder.configuration.memory if embedder.configuration else None
    assert own is not None
    here(_machine(), Pulled(str(embedder.model_id), None, "safetensors", "x", "/x"))
    again = recommend.recommend(needs("rag", None)).candidates[0]
    assert again.download_bytes == memory.file_bytes - own.file_bytes


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=6))
def test_preferring_keeps_every_option(values: list[tuple[float, bool]]) -> None:
    base = recommend.recommend(needs("chat", DESKTOP)).candidates[0]
    options = [replace(base, utility=value, pulled=there) for value, there in sorted(values, reverse=True)]
    found = prefer_pulled(list(options), lambda a, b: abs(a.utility - b.utility) <= 1.5)
    assert sorted(map(id, found)) == sorted(map(id, options))
    if options and found[0] is not options[0]:
        assert found[0].pulled
        assert not options[0].pulled
        assert options[0].utility - found[0].utility <= 1.5


def test_room_on_the_disk() -> None:
    base = recommend.recommend(needs("chat", DESKTOP)).candidates[0]
    tight = with_storage(base, _machine(1.0))
    roomy = with_storage(base, _machine(100.0))
    assert too_large(tight) is not None
    assert too_large(roomy) is None
    assert too_large(replace(tight, download_bytes=0)) is None
    assert that_the_disk_holds([tight, roomy])[0] == [roomy]
    assert that_the_disk_holds([tight]) == ([tight], [])
    assert any("Download about" in r.text for r in roomy.why)
