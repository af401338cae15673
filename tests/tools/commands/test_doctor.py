"""`doctor`: never raises, says the next step, keeps secrets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from knowledge.home import home
from tools.commands import doctor as module
from tools.commands.doctor import doctor, report


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OLLAMA_HOST", raising=False)


def named(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(check for check in document["checks"] if check["name"] == name)


def test_a_set_up_advisor_is_usable_without_index_and_ollama() -> None:
    document = doctor(offline=True)
    assert document["usable"] is True
    assert "error" not in document
    assert named(document, "Ollama")["state"] == "skipped"
    index = named(document, "guide index")
    assert index["state"] == "warning"
    assert "llm-advisor search" in index["next_step"]
    assert named(document, "embedder")["state"] == "ok"


@pytest.mark.parametrize(
    ("setting", "state", "said", "next_step"),
    [
        ("all-MiniLM-L6-v2", "ok", "weights verified", ""),
        (
            "org/none",
            "missing",
            "`hf download org/none` fetches it; the guides are searched by words",
            "Then",
        ),
        ("/no/such/folder", "missing", "There is no folder /no/such/folder", "config.json"),
        ("litellm:openai/e", "ok", "queries are sent to openai; not asked whether it answers", ""),
        ("litellm:e", "missing", "names no model that LiteLLM knows", "for example"),
    ],
)
def test_the_embedder_that_is_set(
    monkeypatch: pytest.MonkeyPatch, setting: str, state: str, said: str, next_step: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/nowhere")
    monkeypatch.setenv("LLM_ADVISOR_EMBEDDER", setting)
    document = doctor(offline=True)
    check = named(document, "embedder")
    assert (check["state"], said in check["found"]) == (state, True)
    assert next_step in check["next_step"]
    assert document["usable"] is True
    json.dumps(document)


@pytest.mark.parametrize(
    ("setting", "state", "said"),
    [
        ("", "skipped", "none is set"),
        ("auto", "skipped", "none of the known ones is on this machine"),
        ("org/none", "missing", "hf download org/none"),
    ],
)
def test_the_reranker_that_is_set(
    monkeypatch: pytest.MonkeyPatch, setting: str, state: str, said: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/nowhere")
    monkeypatch.setenv("LLM_ADVISOR_RERANKER", setting)
    check = named(doctor(offline=True), "reranker")
    assert (check["state"], said in check["found"]) == (state, True)


def test_models_on_this_machine_are_named_with_their_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setenv("LLM_ADVISOR_EMBEDDER", str(folder))
    monkeypatch.setenv("LLM_ADVISOR_RERANKER", str(folder))
    document = doctor(offline=True)
    for name in ("embedder", "reranker"):
        check = named(document, name)
        assert check["state"] == "ok"
        assert check["found"].startswith("tiny@")


def test_settings_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    home().mkdir(parents=True)
    (home() / "settings.toml").write_text("embeder = 1\n")
    document = doctor(offline=True)
    assert document["usable"] is True
    for name in ("embedder", "reranker", "guide index"):
        assert "no setting `embeder`" in named(document, name)["found"]


def test_an_address_of_ollama_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_API_BASE", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "[::1")
    assert named(doctor(offline=False), "Ollama")["state"] == "warning"


def test_a_state_folder_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    document = doctor(offline=True)
    check = named(document, "state folder")
    assert check["state"] == "warning"
    assert "LLM_ADVISOR_HOME" in check["next_step"]
    assert document["usable"] is True


def test_a_missing_package_makes_it_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGES", (*module.PACKAGES, "no-such-package-xyz"))
    document = doctor(offline=True)
    assert document["usable"] is False
    assert "no-such-package-xyz" in document["error"]["message"]
    assert document["error"]["hint"] == "make setup"


def test_a_check_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> module.Check:
        raise RuntimeError("boom")

    monkeypatch.setattr(module, "_hardware", broken)
    assert named(doctor(offline=True), "hardware")["state"] == "missing"


def test_the_report_hides_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    text = report(doctor(offline=True))
    assert str(Path.home()) not in text
    assert str(home()) not in text
    assert "sk-secret" not in text
    assert "- ok: Python, packages" in text


class FakeOllama(BaseHTTPRequestHandler):
    """Answers the version."""

    def do_GET(self) -> None:
        body = json.dumps({"version": "9.9"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def ollama(socket_enabled: None) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), FakeOllama)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_running_ollama_is_found(monkeypatch: pytest.MonkeyPatch, ollama: str) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama)
    check = named(doctor(offline=False), "Ollama")
    assert check["state"] == "ok"
    assert check["found"].startswith(f"version 9.9 at http://{ollama}, 0 models")


def test_no_ollama_is_a_warning_with_the_next_step(
    monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    check = named(doctor(offline=False), "Ollama")
    assert check["state"] == "warning"
    assert "ollama serve" in check["next_step"]
