"""A whole conversation in a headless Chromium; skipped where none is installed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.tui.serve.serving import Served, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
pytestmark = [
    pytest.mark.allow_hosts(["127.0.0.1", "localhost"]),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome is installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="ends the server by a signal that Windows lacks"),
    pytest.mark.timeout(300),
]
# The page keeps its terminal to itself; the setter sees the object that holds it.
FIND_TERMINAL = """
Object.defineProperty(Object.prototype, "fitAddon", {
  configurable: true,
  set(addon) {
    window.found = this;
    Object.defineProperty(this, "fitAddon", {value: addon, writable: true});
  },
});
"""
READ_TERMINAL = """
() => {
  if (!window.found) return "";
  const terminal = window.found.terminal;
  const line = (at) => terminal.buffer.active.getLine(at)?.translateToString(true) ?? "";
  return Array.from({length: terminal.rows}, (_, at) => line(at)).join("\\n");
}
"""
NEED = "a coding assistant on my RTX 3060 12GB, for work"


class Tab:
    """A tab of the browser with the advisor in it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.asked: list[str] = []
        self.page: Page = context.new_page()
        self.page.add_init_script(FIND_TERMINAL)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.goto(url)

    def text(self) -> str:
        """What the terminal shows."""
        return str(self.page.evaluate(READ_TERMINAL))

    def shows(self, *texts: str) -> None:
        """Waits for all of the texts."""
        until(lambda: all(text in self.text() for text in texts), f"shows {texts}", self.text)

    def types(self, text: str) -> None:
        """Types a line and sends it."""
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    found = browser.new_context(
        viewport={"width": 1200, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
    )
    yield found
    found.close()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for the file: the index of the guides is built once."""
    return tmp_path_factory.mktemp("state")


def conversations(state: Path) -> set[str]:
    """Names of the saved conversations."""
    with sqlite3.connect(f"file:{state / 'sessions.sqlite'}?mode=ro", uri=True) as file:
        return {str(row[0]) for row in file.execute("SELECT DISTINCT thread_id FROM checkpoints")}


def test_a_whole_conversation(context: BrowserContext, state: Path, tmp_path: Path) -> None:
    with Served(state, "--session", "browser") as served:
        tab = Tab(context, served.url)
        tab.shows("browser", "Enter sends")
        tab.types(NEED)
        tab.shows("Why I ask", "just one")
        tab.page.wait_for_timeout(700)  # the question waits this long for keys that were meant for the text
        tab.page.keyboard.press("1")
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_timeout(1000)
        tab.page.keyboard.press("Control+r")
        tab.shows("Recommendation", "Best choice", "GiB")
        tab.page.screenshot(path=tmp_path / "recommendation.png")
        assert (tmp_path / "recommendation.png").stat().st_size > 10_000
        tab.page.keyboard.press("F1")
        until(lambda: "Best choice" not in tab.text(), "the help lies over the chat", tab.text)
        tab.page.keyboard.press("Escape")
        tab.shows("Best choice")
        hosts = {urlsplit(url).netloc for url in tab.asked if not url.startswith("data:")}
        assert hosts == {served.host}
        assert len(served.children()) == 1
        tab.page.close()
        until(lambda: served.children() == [], "the process ends with its tab")
        assert "browser" in conversations(state)
        Tab(context, served.url).shows("browser", "my RTX 3060 12GB", "as you said")


def test_copying_reaches_the_browser_and_pasting_the_composer(context: BrowserContext, state: Path) -> None:
    with Served(state) as served:
        tab = Tab(context, served.url)
        tab.shows("Enter sends")
        tab.page.evaluate("() => navigator.clipboard.writeText('größer als 8k')")
        tab.page.keyboard.press("Control+v")
        tab.shows("größer als 8k")
        tab.page.keyboard.type("?")
        tab.page.keyboard.press("Shift+Home")
        tab.page.wait_for_timeout(500)  # Ctrl+C counts at once, also before a key that is still on its way
        tab.page.keyboard.press("Control+c")
        tab.shows("opied")
        tab.page.keyboard.press("End")
        tab.page.keyboard.press("Control+v")
        tab.shows("größer als 8k?größer als 8k?")


def test_tabs_have_conversations_of_their_own(context: BrowserContext, state: Path) -> None:
    with Served(state, "--session", "shared") as served:
        first = Tab(context, served.url)
        first.shows("shared", "Enter sends")
        first.types(NEED)
        first.shows("Why I ask")
        second = Tab(context, served.url)
        second.shows("Enter sends")
        until(lambda: len(served.children()) == 2, "each tab has a process")
        assert "is open" not in second.text()
        # Loaded again, the first tab goes on with its own conversation.
        first.page.reload()
        first.shows("RTX 3060 12GB", "shared")


def test_the_end_of_the_app_is_said_and_it_opens_again(
    context: BrowserContext, state: Path, tmp_path: Path
) -> None:
    with Served(state) as served:
        tab = Tab(context, served.url)
        tab.shows("Enter sends")
        tab.page.keyboard.press("Control+c")
        tab.page.keyboard.press("Control+c")
        tab.page.get_by_text("The conversation is closed").wait_for(state="visible")
        tab.page.screenshot(path=tmp_path / "ended.png")
        with tab.page.expect_navigation():
            tab.page.keyboard.press("Enter")  # the button has the focus
        tab.shows("Enter sends")


def test_a_link_is_shown_and_not_opened(context: BrowserContext, state: Path) -> None:
    with Served(state) as served:
        tab = Tab(context, served.url)
        tab.shows("Enter sends")
        tab.page.evaluate("() => window.open('https://example.com/model', '_blank')")
        link = tab.page.get_by_role("link", name="https://example.com/model")
        link.wait_for(state="visible")
        assert link.get_attribute("rel") == "noopener noreferrer"
        assert len(context.pages) == 1
        tab.page.keyboard.press("Escape")
        link.wait_for(state="hidden")
        tab.page.evaluate("() => window.open('javascript:alert(1)')")
        assert not link.is_visible()
        assert not any("example.com" in url for url in tab.asked)


def test_the_token_of_the_first_visit_leaves_the_address(context: BrowserContext, state: Path) -> None:
    with Served(state, "--token", "only-for-this-test") as served:
        refused = context.new_page()
        answer = refused.goto(f"http://{served.host}/")
        assert answer is not None
        assert answer.status == 403
        tab = Tab(context, served.url)
        tab.shows("Enter sends")
        assert tab.page.url == f"http://{served.host}/"
        Tab(context, f"http://{served.host}/").shows("Enter sends")


def test_a_page_of_another_site_gets_no_terminal(context: BrowserContext, state: Path) -> None:
    with Served(state) as served:
        foreign = context.new_page()
        foreign.route("http://foreign.example/", lambda route: route.fulfill(body="<p>foreign</p>"))
        foreign.goto("http://foreign.example/")
        outcome = foreign.evaluate(
            f"""() => new Promise((done) => {{
              const socket = new WebSocket({json.dumps(f"ws://{served.host}/ws")});
              socket.onopen = () => done("open");
              socket.onerror = () => done("refused");
            }})"""
        )
        assert outcome == "refused"
        assert served.children() == []
