"""The page's server without a browser: who is let in, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.tui.cli_help import Program
from tests.tui.serve.serving import Served, until
from tui.serve.server import Chat
from tui.serve.tab import COLUMNS, ROWS, size

pytestmark = [
    pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost", "0.0.0.0"]),
    pytest.mark.skipif(sys.platform == "win32", reason="ends the server by a signal that Windows lacks"),
]
TOKEN = "a-token-for-the-test"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("state"), "--model", "guided", "--max-tabs", "2") as found:
        yield found


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    state = tmp_path_factory.mktemp("state")
    with Served(state, "--host", "0.0.0.0", "--allow-remote", LLM_ADVISOR_SERVE_TOKEN=TOKEN) as found:
        yield found


def test_the_page_loads_nothing_from_elsewhere(served: Served) -> None:
    page = served.ask()
    assert page.status == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) >= 4
    for link in links:
        assert link.startswith(("/static/", "/page/", "data:,"))
        if link.startswith("/"):
            assert served.ask(link).status == 200
    assert served.ask("/static/fonts/RobotoMono-VariableFont_wght.ttf").status == 200
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http:" not in policy
    assert page.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    "path", ["/static/", "/page/", "/static/../server.py", "/page/../gate.py", "/download/x"]
)
def test_there_are_no_other_files(served: Served, path: str) -> None:
    assert served.ask(path).status in (403, 404)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""],
)
def test_a_name_that_was_led_here_is_refused(served: Served, host: str) -> None:
    named = host.format(port=served.said["port"])
    assert served.ask(Host=named).status in (400, 403)
    assert served.ask_websocket(Host=named) in (400, 403)
    assert served.ask("/static/js/textual.js", Host=named).status in (400, 403)


def test_the_names_of_this_computer_are_let_in(served: Served) -> None:
    for name in ("localhost", "LOCALHOST", "127.0.0.1", "[::1]"):
        assert served.ask(Host=f"{name}:{served.said['port']}").status == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:1", "file://", "http://localhost:{port}", "[", ""],
)
def test_a_page_of_another_site_gets_no_terminal(served: Served, origin: str) -> None:
    given = origin.format(port=served.said["port"])
    assert served.ask_websocket(Origin=given) == 403
    assert served.ask(Origin=given).status == 403
    assert served.children() == []


async def test_tabs_have_processes_of_their_own_up_to_the_limit(served: Served) -> None:
    address = served.url.replace("http", "ws") + "ws?width=80&height=24"
    origin = served.url.rstrip("/")
    async with aiohttp.ClientSession() as client:
        first = await client.ws_connect(address, origin=origin)
        second = await client.ws_connect(address, origin=origin)
        for tab in (first, second):
            assert b"\x1b" in (await tab.receive(timeout=60)).data
        assert len(served.children()) == 2
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(address, origin=origin)
        assert refused.value.status == 503
        assert "2 conversations" in served.ask().text
        # What is no order is ignored.
        for junk in (
            "no json",
            "[]",
            "{}",
            "7",
            '["resize", 5]',
            '["resize", {"width": "x"}]',
            '[["stdin"]]',
        ):
            await first.send_str(junk)
        await first.send_str('["ping", "1"]')
        while (answer := await first.receive(timeout=60)).type is not aiohttp.WSMsgType.TEXT:
            pass
        assert json.loads(answer.data) == ["pong", "1"]
        await first.close()
        await second.close()
    until(lambda: served.children() == [], "the tabs' processes end with their tabs")
    assert served.ask().status == 200


async def test_closing_and_ctrl_c_end_every_process(tmp_path: Path) -> None:
    with Served(tmp_path, "--session", "work") as served:
        address = served.url.replace("http", "ws") + "ws"
        async with aiohttp.ClientSession() as client:
            tab = await client.ws_connect(address)
            await tab.receive(timeout=60)
            [child] = served.children()
            status, out, err = served.interrupt()
            assert (status, out) == (0, "")
            assert "Traceback" not in err
            while not (await tab.receive(timeout=60)).type.name.startswith("CLOS"):
                pass
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


async def test_a_killed_server_leaves_no_process(tmp_path: Path) -> None:
    served = Served(tmp_path)
    async with aiohttp.ClientSession() as client:
        tab = await client.ws_connect(served.url.replace("http", "ws") + "ws")
        await tab.receive(timeout=60)
        [child] = served.children()
        served.process.send_signal(signal.SIGKILL)
        served.process.communicate()

    def gone() -> bool:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{child}/stat")
        return status.exists() and status.read_text().split()[2] == "Z"

    until(gone, "the tab's process ends when its server is gone")


def test_where_others_can_reach_it_a_token_is_needed(guarded: Served) -> None:
    refused = guarded.ask()
    assert refused.status == 403
    assert "token" in refused.text
    assert guarded.ask_websocket() == 403
    assert guarded.ask("/static/js/textual.js").status == 403
    assert guarded.ask("/?token=wrong").status == 403
    assert guarded.ask_websocket(Cookie=f"llm_advisor_{guarded.said['port']}={TOKEN}") == 403


def test_after_the_first_visit_the_cookie_tells(guarded: Served) -> None:
    assert guarded.said["token"] == TOKEN
    first = guarded.ask(f"/?token={TOKEN}")
    assert first.status == 303
    assert first.headers["Location"] == "/"
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert "SameSite=Lax" in first.headers["Set-Cookie"]
    assert TOKEN not in first.headers["Set-Cookie"]
    cookie = first.headers["Set-Cookie"].split(";")[0]
    assert guarded.ask(Cookie=cookie).status == 200
    assert guarded.ask(Cookie=cookie, Host="my-computer.example:1").status == 200
    assert guarded.ask_websocket(Cookie=cookie, Origin="http://evil.example") == 403
    assert guarded.ask_websocket(Cookie=cookie, Origin="http://127.0.0.1", Host="127.0.0.1") == 101


def test_a_token_is_made_up_where_none_is_given(tmp_path: Path) -> None:
    with Served(tmp_path, "--host", "0.0.0.0", "--allow-remote") as served:
        assert len(served.said["token"]) >= 32
        assert served.url.endswith(f"?token={served.said['token']}")
        assert served.ask().status == 403


def test_addresses_that_others_reach_need_the_flag(program: Program) -> None:
    for host in ("0.0.0.0", "::"):
        done = program("serve", "--host", host, "--port", "0", "--token", "x" * 20)
        assert done.status == 2
        assert "--allow-remote" in done.err


def test_wrong_addresses_are_one_sentence(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = program("serve", "--port", str(taken.getsockname()[1]), "--json")
    assert done.status == 3
    assert done.document["error"]["code"] == "port_in_use"
    for host, status in (("no such host", 2), ("192.0.2.1", 2), ("x" * 300, 2)):
        done = program("serve", "--host", host, "--port", "0", "--allow-remote", "--json")
        assert done.status == status, host
        assert done.document["error"]["message"]
    assert program("serve", "--port", "99999").status == 2


@pytest.mark.parametrize("token", ["", "two words", "ümlaut", "a&b", "line\nbreak"])
def test_a_token_that_no_address_holds_is_refused(program: Program, token: str) -> None:
    done = program("serve", "--port", "0", "--token", token)
    assert done.status == 2
    assert "token" in done.err


def test_options_reach_the_chat_as_single_words() -> None:
    chat = Chat(model="x; rm -rf ~", session="a b", max_cost=0.5, offline=True)
    assert chat.argv(copy=True)[1:] == [
        "-P",
        "-m",
        "tui.cli",
        "chat",
        "--model=x; rm -rf ~",
        "--session=a b",
        "--max-cost=0.5",
        "--copy",
        "--offline",
    ]
    assert "--copy" not in Chat().argv(copy=True)


def test_sizes_are_kept_within_limits() -> None:
    assert size({"width": 10**9, "height": "-5"}) == (COLUMNS[1], ROWS[0])
    assert size({"width": float("inf"), "height": True}) == (80, 24)
    assert size({"width": "120", "height": 40.0}) == (120, 40)
