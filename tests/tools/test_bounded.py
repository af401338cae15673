"""A call ends in time, also where a server sends its head byte by byte."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from knowledge.catalog.overlay import EMPTY
from knowledge.catalog.store import bundled_catalog
from knowledge.errors import ServiceError
from knowledge.today import today
from tests.fakes.http_server import FakeServer, Reply
from tools.bounded import BUSY, asked_to_wait, within
from tools.refresh import fetching, hub
from tools.refresh.hub import ask_hub

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def endless_head() -> Iterator[str]:
    """A server whose head never ends."""
    stopped = threading.Event()

    def drip(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.sendall(b"HTTP/1.1 200 OK\r\n")
            while not stopped.wait(0.02):
                client.sendall(b"X-A: b\r\n")

    def serve(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        stopped.set()


def test_the_result_and_the_error_of_what_is_done_in_time() -> None:
    assert within(5, lambda: 7, "late") == 7
    with pytest.raises(KeyError):
        within(5, lambda: os.environ["NO_SUCH_NAME"], "late")
    with pytest.raises(ServiceError, match="late"):
        within(0.01, lambda: time.sleep(1), "late")


def test_a_head_that_never_ends_is_left(endless_head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "WHOLE_SECONDS", 0.3)
    with pytest.raises(ServiceError, match="too slowly"):
        fetching.fetch(f"{endless_head}/map.json", 1000)


def test_a_hub_whose_head_never_ends_is_left(endless_head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endless_head)
    monkeypatch.setattr(hub, "MODEL_SECONDS", 0.3)
    rows = ask_hub(bundled_catalog().models[:1], bundled_catalog(), EMPTY, today())
    assert "too slowly" in rows.gathered.problems[0].text


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("30", "in 30 seconds"),
        (None, "later"),
        ("Wed, 21 Oct", "later"),
        ("9" * 40, "later"),
        ("-1", "later"),
    ],
)
def test_when_to_try_again(header: str | None, words: str) -> None:
    error = asked_to_wait("The hub", header)
    assert (error.hint, error.code) == (f"Try again {words}.", BUSY)


def test_a_hub_that_is_asked_too_often_is_left_alone_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "AT_ONCE", 1)
    with FakeServer(lambda _: Reply(status=429, headers={"Retry-After": "30"})) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url.replace("//", "//somebody:secret-word@"))
        rows = ask_hub(bundled_catalog().models[:40], bundled_catalog(), EMPTY, today())
        assert len(server.asked) <= 2
    first, last = (rows.gathered.problems[place].text for place in (0, -1))
    assert "Try again in 30 seconds." in first
    assert "was asked for no more" in last
    assert "secret-word" not in first + last
