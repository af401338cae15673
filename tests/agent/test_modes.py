"""`auto` and the settings: which mode a conversation begins in, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.events import Event, Failure, Ready
from agent.modes import find_model, limits_of, wanted_model
from agent.session import open_session
from knowledge.errors import UsageError
from knowledge.settings import Settings
from tests.fakes.listed import Listed
from tests.fakes.model_server import FakeOllama
from tests.fakes.voices import FakeSmallRetriever
from tests.waiting import HANGS, not_waited_for
from tools.model_calls import client as llm_client

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
SMALL = Listed("qwen3:1.7b", 1_400_000_000)
EMBEDDER = Listed("nomic-embed-text", 270_000_000, ("embedding",))
CLOUD = Listed("gpt-oss:120b-cloud", 400, remote=True)


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """LiteLLM is there: its import in the background outlives a test that does not wait for it."""
    llm_client.load()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path))
    return tmp_path


async def _opened(home: Path, model: str | None = "auto", *, offline: bool = False) -> list[Event]:
    session = await open_session(model=model, home=home, retriever=FakeSmallRetriever(home), offline=offline)
    events = [event async for event in session.open()]
    await session.close()
    return events


def _ready(events: list[Event]) -> Ready:
    assert isinstance(events[0], Ready)
    return events[0]


async def test_auto_takes_a_fitting_model_and_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama([], model="qwen3:1.7b", listed=(CLOUD, EMBEDDER, SMALL)) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        ready = _ready(await _opened(home))
    assert (ready.mode, ready.model, ready.pull) == ("ollama", "ollama_chat/qwen3:1.7b", None)
    assert ready.note is not None
    assert "1.4 GB" in ready.note
    assert "\n" not in ready.note


@pytest.mark.parametrize("listed", [(), (EMBEDDER, CLOUD)], ids=["nothing", "nothing that chats here"])
async def test_a_server_without_a_model_gives_the_exact_pull(
    listed: tuple[Listed, ...], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOllama([], listed=listed) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        ready = _ready(await _opened(home))
    assert (ready.mode, ready.model) == ("guided", None)
    assert ready.pull is not None
    assert ready.note is not None
    assert f"`ollama pull {ready.pull}`" in ready.note
    assert "GB" in ready.note


async def test_auto_without_a_server_is_guided_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")
    choice = find_model()
    assert choice.model == "guided"
    assert choice.note is not None
    assert "ollama serve" in choice.note
    assert not [event for event in await _opened(home) if isinstance(event, Failure)]


async def test_a_server_that_never_answers_costs_a_second_or_two(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOllama([], model="qwen3:1.7b", listed=(SMALL,), show_seconds=HANGS) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        with not_waited_for():
            choice = find_model()
    assert choice.model == "ollama_chat/qwen3:1.7b"  # it can chat, as far as is known


async def test_auto_offline_asks_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama([], listed=(SMALL,)) as server:
        monkeypatch.setenv("OLLAMA_API_BASE", server.url)
        ready = _ready(await _opened(home, offline=True))
        assert server.paths == []
    assert ready.mode == "guided"
    assert ready.note is not None
    assert "--offline" in ready.note


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wanted_model(None, Settings(), offline=False).model == "guided"
    (home / "settings.toml").write_text('model = "auto"\nmax_cost = 0.5\nidle_seconds = 9\n')
    assert wanted_model(None, Settings(), offline=False).model == "auto"
    assert Settings().max_cost == 0.5
    assert limits_of(Settings()).idle == 9
    monkeypatch.setenv("LLM_ADVISOR_MODEL", "openai/x")
    assert wanted_model(None, Settings(), offline=False).model == "openai/x"
    assert wanted_model("guided", Settings(), offline=False).model == "guided"


def test_offline_leaves_the_models_of_the_settings_and_refuses_named_ones(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_MODEL", "openai/x")
    choice = wanted_model(None, Settings(), offline=True)
    assert choice.model == "guided"
    assert choice.note is not None
    assert "openai/x" in choice.note
    with pytest.raises(UsageError):
        wanted_model("openai/x", Settings(), offline=True)


async def test_the_default_says_nothing_and_needs_nothing(home: Path) -> None:
    ready = _ready(await _opened(home, None))
    assert (ready.mode, ready.model, ready.note, ready.pull) == ("guided", None, None, None)
