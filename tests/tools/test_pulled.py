"""Models that lie on this computer: read from the folders of Ollama, Hugging Face and llama.cpp."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.catalog.store import load_catalog
from tests.tools.asking import GIB, answer, brief, needs
from tools import recommend as module
from tools.candidates import Candidate
from tools.hardware_types import Machine
from tools.pulled import marked, prefer_pulled, pulled
from tools.pulled_folders import roots
from tools.recommend import recommend
from tools.storage import that_the_disk_holds, with_storage

LIBRARY = "manifests/registry.ollama.ai/library"


def ollama_tag(
    folder: Path, name: str, tag: str, quant: str, size: str, family: str = "", **manifest: object
) -> None:
    """A tag as Ollama stores it: a manifest, and the description that it points at."""
    digest = "sha256:" + "ab" * 31 + f"{len(name + tag):02x}"
    place = folder / LIBRARY / name
    place.mkdir(parents=True, exist_ok=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "size": 5_000_000_000}
    document = {"config": {"digest": digest}, "layers": [layer]}
    (place / tag).write_text(json.dumps(document))
    (folder / "blobs").mkdir(exist_ok=True)
    about = {"file_type": quant, "model_type": size}
    (folder / "blobs" / digest.replace(":", "-")).write_text(json.dumps(about))


def hub_file(folder: Path, repository: str, name: str) -> None:
    place = folder / ("models--" + repository.replace("/", "--")) / "snapshots" / "0123"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(b"x" * 100)


def test_a_tag_of_the_library_is_its_model(tmp_path: Path) -> None:
    ollama_tag(tmp_path, "llama3.1", "8b", "Q4_K_M", "8.0B")
    (found,) = pulled([("ollama", tmp_path)])
    assert found.model_id == "meta-llama/Llama-3.1-8B-Instruct"
    assert (found.quant, found.kind, found.name) == ("Q4_K_M", "Ollama", "llama3.1:8b")
    assert found.serves(found.model_id, "Q4_K_M", "ollama")
    assert not found.serves(found.model_id, "Q8_0", "ollama")
    assert not found.serves(found.model_id, "Q4_K_M", "vllm")


def test_a_tag_of_another_size_is_no_match(tmp_path: Path) -> None:
    ollama_tag(tmp_path, "llama3.1", "8b", "Q4_K_M", "70.6B")
    assert pulled([("ollama", tmp_path)]) == ()


def test_repositories_of_the_hub_cache(tmp_path: Path) -> None:
    gguf = next(m for m in load_catalog().models if m.gguf_repo and m.added is None)
    hub_file(tmp_path, str(gguf.gguf_repo), "model-Q4_K_M.gguf")
    hub_file(tmp_path, "Qwen/Qwen3-8B", "model.safetensors")
    found = {one.model_id: one for one in pulled([("huggingface", tmp_path)])}
    assert found[gguf.id].quant == "Q4_K_M"
    assert found["Qwen/Qwen3-8B"].quant is None
    assert found["Qwen/Qwen3-8B"].serves("Qwen/Qwen3-8B", "BF16", "vllm")


def test_a_download_that_was_broken_off_does_not_count(tmp_path: Path) -> None:
    hub_file(tmp_path, "Qwen/Qwen3-8B", "model.safetensors")
    blobs = tmp_path / "models--Qwen--Qwen3-8B" / "blobs"
    blobs.mkdir()
    (blobs / "abc.incomplete").write_bytes(b"")
    assert pulled([("huggingface", tmp_path)]) == ()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"layers": 3}', b'{"layers": [1, {}]}']
)
def test_damaged_manifests_are_left_out(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / LIBRARY / "qwen3"
    place.mkdir(parents=True)
    (place / "8b").write_bytes(content)
    assert pulled([("ollama", tmp_path)]) == ()


def test_folders_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for kind in ("ollama", "huggingface", "llama.cpp"):
        assert pulled([(kind, tmp_path / "missing"), (kind, tmp_path / "file")]) == ()


def test_the_environment_names_the_folders(tmp_path: Path) -> None:
    named = {"OLLAMA_MODELS": "/a", "HF_HOME": "/b", "LLAMA_CACHE": "/c"}
    assert dict(roots(named, tmp_path)) == {
        "ollama": Path("/a"),
        "huggingface": Path("/b/hub"),
        "llama.cpp": Path("/c"),
    }


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A store of Ollama that the advisor looks into, on the machine that the needs name."""
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    place = brief("chat", "RTX 3060 12GB + 32 GB RAM").machine
    monkeypatch.setattr(module, "detect_machine", lambda: place)
    return tmp_path


def test_a_pulled_model_wins_a_tie_and_is_named(here: Path) -> None:
    wanted = needs("chat", "RTX 3060 12GB + 32 GB RAM", model={"max_params_b": 13.0})
    before = recommend(wanted).candidates
    tied = next(c for c in before[1:] if c.tied and c.configuration is not None)
    record = load_catalog().by_id[str(tied.model_id).lower()]
    assert tied.configuration is not None
    repo = str(record.gguf_repo)
    place = here / "manifests" / "hf.co" / repo
    place.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "size": 1}
    (place / tied.configuration.quant).write_text(json.dumps({"layers": [layer]}))
    after = recommend(wanted).candidates
    assert after[0].model_id == tied.model_id
    assert after[0].pulled
    assert after[0].download_bytes == 0
    reason = next(r for r in after[0].why if r.text.startswith("Already on this computer"))
    assert reason.evidence[0].locator.startswith(str(here))
    assert before[0].model_id in {c.model_id for c in after}


def test_a_pulled_model_does_not_win_over_a_clearly_better_one(here: Path) -> None:
    ollama_tag(here, "llama3.1", "8b", "Q4_K_M", "8.0B")
    found = answer("chat", "RTX 3060 12GB + 32 GB RAM").candidates
    assert found[0].model_id != "meta-llama/Llama-3.1-8B-Instruct"


def test_on_another_machine_it_is_only_mentioned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    monkeypatch.setattr(module, "detect_machine", lambda: Machine("laptop", ram_bytes=16 * GIB))
    ollama_tag(tmp_path, "llama3.1", "8b", "Q4_K_M", "8.0B")
    (one,) = pulled()
    options = answer("chat", "RTX 3090", model={"named": ("meta-llama/Llama-3.1-8B-Instruct",)}).candidates
    c = options[0].configuration
    assert c is not None
    same = replace(options[0], configuration=replace(c, quant="Q4_K_M", engine="ollama"))
    told = marked(same, [one], here=False)
    assert not told.pulled
    assert "another one" in told.why[-1].text


def _option() -> Candidate:
    return answer("chat", "RTX 3090").candidates[0]


def test_the_order_stays_where_nothing_ties() -> None:
    one, other = _option(), replace(_option(), pulled=True, model="other")
    assert prefer_pulled([one, other], lambda a, b: False) == [one, other]
    assert prefer_pulled([one, other], lambda a, b: True)[0].model == "other"
    assert prefer_pulled([], lambda a, b: True) == []


def test_download_and_free_disk_are_part_of_the_answer() -> None:
    option = _option()
    place = brief("chat", "RTX 3090").machine
    assert place is not None
    assert option.configuration is not None
    assert option.configuration.memory is not None
    size = option.configuration.memory.file_bytes
    assert option.as_json()["download_bytes"] == size
    assert option.as_json()["free_disk_bytes"] is None  # only described
    detected = replace(place, detected=True, disk_free_bytes=100 * GIB, disk_folder="/models")
    roomy = with_storage(option, detected)
    assert (roomy.download_bytes, roomy.free_disk_bytes) == (size, 100 * GIB)
    assert any("100 GiB are free" in reason.text for reason in roomy.why)
    full = with_storage(option, replace(detected, disk_free_bytes=GIB))
    assert any("make room" in caveat for caveat in full.caveats)
    kept, refused = that_the_disk_holds([roomy, full], 4)
    assert kept == [roomy]
    assert refused[0].constraint == "disk"
    assert that_the_disk_holds([full], 4) == ([full], [])
