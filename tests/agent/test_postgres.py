"""Conversations in Postgres: on a real server where TEST_POSTGRES names one, and every way it can fail."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import secrets
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from agent.events import Failure
from agent.lock import SessionBusyError
from agent.postgres import open_postgres
from agent.saved import Archive, open_archive
from agent.session import open_session
from agent.sessions import SessionsQuery, list_sessions
from agent.store import open_store
from knowledge.errors import ServiceError, UsageError
from knowledge.settings import load_settings
from tests.agent.conversing import NEEDS, all_of, models, of, opened, said
from tests.fakes.retriever import FakeRetriever

VARIABLE = "LLM_ADVISOR_POSTGRES"
SERVER = os.environ.get("TEST_POSTGRES", "")
PASSWORD = "hunter2-secret"
UNREACHABLE = f"postgresql://someone:{PASSWORD}@127.0.0.1:9/none"
real = pytest.mark.skipif(not SERVER, reason="TEST_POSTGRES names no server")


@real
async def test_a_conversation_is_saved_taken_back_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, SERVER)
    name = f"test {secrets.token_hex(4)}"
    session, opening = await opened(tmp_path, name, offline=False)
    assert not of(opening, Failure)
    await said(session, NEEDS)
    best = models(await all_of(session.recommend()))
    await all_of(session.branch("aside"))
    await said(session, "I have two RTX 4090 instead")
    await all_of(session.leave())
    await session.close()
    # Another machine has another state folder.
    again, opening = await opened(tmp_path / "other", name, offline=False)
    assert models(opening) == best
    await all_of(again.undo())
    await again.close()
    assert not (tmp_path / "sessions.sqlite").exists()
    store = await open_store(tmp_path)
    archive = Archive(store)
    rows = [saved async for saved in store.saver.alist({"configurable": {"thread_id": name}})]
    assert len(rows) <= 2
    await archive.rename(name, f"{name} b")
    assert name not in await archive.names()
    await archive.delete(f"{name} b")
    assert f"{name} b" not in await archive.names()
    await store.close()


@real
async def test_another_machine_is_told_that_it_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, SERVER)
    name = f"test {secrets.token_hex(4)}"
    first, _ = await opened(tmp_path / "one", name, offline=False)
    with pytest.raises(SessionBusyError, match="another machine"):
        await opened(tmp_path / "two", name, offline=False)
    await first.close()
    second, _ = await opened(tmp_path / "two", name, offline=False)
    await second.close()
    store = await open_store(tmp_path)
    await store.delete(name)
    await store.close()


@real
async def test_a_wrong_password_is_told_without_it() -> None:
    store = await open_postgres(SERVER.replace(":s3cret-word@", f":{PASSWORD}@"))
    assert store.notice is not None
    assert "password authentication failed" in store.notice.message
    assert PASSWORD not in store.notice.message


async def test_a_server_that_is_not_there_leaves_the_conversation_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, UNREACHABLE)
    caplog.set_level(logging.DEBUG)
    session, opening = await opened(tmp_path, offline=False)
    (failure,) = of(opening, Failure)
    assert "refused" in failure.message
    assert "postgres" in failure.hint
    await said(session, NEEDS)
    assert models(await all_of(session.recommend()))
    await session.close()
    with pytest.raises(ServiceError) as error:
        async with open_archive(tmp_path):
            pass
    shown = [failure.message, failure.hint, error.value.message, error.value.hint, caplog.text]
    assert not [text for text in shown if PASSWORD in text]


def test_offline_opens_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, UNREACHABLE)
    monkeypatch.setattr("agent.postgres.open_postgres", None)
    store = asyncio.run(open_store(tmp_path, offline=True))
    assert store.notice is not None
    assert "--offline" in store.notice.message
    with pytest.raises(ServiceError, match="Nothing can be read"):
        list_sessions(SessionsQuery(), offline=True)


@pytest.mark.parametrize("missing", ["psycopg", "psycopg_pool", "langgraph.checkpoint.postgres"])
async def test_a_missing_extra_is_told_with_the_command(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec

    def find_spec(name: str) -> ModuleSpec | None:
        return None if name == missing else found(name)

    monkeypatch.setattr("importlib.util.find_spec", find_spec)
    store = await open_postgres(UNREACHABLE)
    assert not store.lasting
    assert store.notice is not None
    assert 'pip install "llm-advisor[postgres]"' in store.notice.hint


@pytest.mark.parametrize(
    "address", [f"nonsense {PASSWORD}", f"host=x pass word={PASSWORD}", f"http://a:{PASSWORD}@b"]
)
async def test_a_bad_address_is_told_without_repeating_it(address: str) -> None:
    store = await open_postgres(address)
    assert store.notice is not None
    assert PASSWORD not in store.notice.message + store.notice.hint
    assert "no address" in store.notice.message


def test_the_setting_does_not_show_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, UNREACHABLE)
    settings = load_settings()
    assert settings.postgres is not None
    assert settings.postgres.get_secret_value() == UNREACHABLE
    assert PASSWORD not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


async def test_bad_settings_are_told_when_a_session_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_ADVISOR_CHROMA", "no address")
    with pytest.raises(UsageError, match="chroma"):
        await open_session(home=tmp_path, retriever=FakeRetriever(tmp_path))
