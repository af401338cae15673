"""`evaluate` from the command line: report, files, dry run, exit statuses."""

from __future__ import annotations

import json
import re
import socket
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.model_script import Fail, Reply, Say
from tests.tools.evaluation.scripted import FakeModels, asked, passing, rubric_text
from tests.tui.cli_help import Program
from tools.evaluation import calls
from tools.evaluation.calls import Patience
from tui.evaluation.page import chart_svg
from tui.evaluation.text import chart_lines

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
HOSTILE = "<script>alert(1)</script> [x](javascript:1) | \x1b[31m `"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(calls.Patience, "__init__", _quick)
    return tmp_path


def _quick(self: Patience, *given: object, **more: object) -> None:
    seconds = (("first_wait", 0.01), ("most_wait", 0.01), ("longest_pause", 1.0))
    for name, value in (("tries", 2), ("limited_tries", 2), ("unreadable_tries", 2), *seconds):
        object.__setattr__(self, name, value)


@pytest.fixture
def rubric(tmp_path: Path) -> str:
    path = tmp_path / "r.jsonl"
    path.write_text(rubric_text(20), encoding="utf-8")
    return str(path)


def test_the_report_tells_rates_intervals_verdict_and_differences(
    program: Program, home: Path, rubric: str
) -> None:
    with FakeModels(good=passing(lambda n, r: n <= 19), poor=passing(lambda n, r: n <= 4)) as server:
        done = program("evaluate", "good", "poor", "--endpoint", server.base, "--rubric", rubric)
    assert done.status == 0
    text = " ".join(done.out.split())
    assert "19 of 20 95 % 76 to 99 %" in text
    assert "above 70 %: fine-tuning may not be needed" in text
    assert "below 50 %: fine-tuning should help" in text
    assert "good passes 75 points more than poor (better in 15 of 20 scenarios, worse in 0)" in text
    assert "s20 failed failed even" in text
    assert "exact: the answer is 'no', not 'yes'" in text
    assert "Evaluating: 40 runs" in done.err


def test_a_rate_between_the_lines_says_how_many_more_would_decide(
    program: Program, home: Path, rubric: str
) -> None:
    with FakeModels(m=passing(lambda n, r: n <= 12)) as server:
        done = program("evaluate", "m", "--endpoint", server.base, "--rubric", rubric, "--json")
    verdict = done.document["models"][0]["verdict"]
    assert verdict["code"] == "open"
    assert verdict["more_scenarios"] == 77
    assert "holds 50 % and 70 %; about 77 more scenarios would decide" in verdict["text"]


def test_one_document_on_stdout_and_reports_in_files(program: Program, home: Path, rubric: str) -> None:
    outputs = [str(home / name) for name in ("r.md", "r.html", "r.json")]
    options = [word for path in outputs for word in ("--output", path)]
    with FakeModels(m=passing(lambda n, r: n <= 10)) as server:
        words = ("evaluate", "m", "--endpoint", server.base, "--rubric", rubric, "--json")
        done = program(*words, *options)
        again = program(*words, *options)
    assert again.status == 0
    document = done.document
    assert document["written"] == outputs
    assert {"rubric", "settings", "models", "scenarios", "differences", "cost"} <= set(document)
    assert document["models"][0]["interval_95"]["low"] == pytest.approx(0.2993, abs=1e-4)
    kept = json.loads(Path(outputs[2]).read_text(encoding="utf-8"))
    assert kept["models"] == again.document["models"]
    markdown = Path(outputs[0]).read_text(encoding="utf-8")
    assert "# Evaluation: Scripted" in markdown
    assert "| s1 | passed | odd |" in markdown


class _Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}


def test_a_page_holds_what_models_and_files_say_as_text(program: Program, home: Path) -> None:
    rows = [
        {"name": HOSTILE, "description": HOSTILE},
        {"id": "s1", "prompt": "Question 1", "tags": [HOSTILE], "checks": [{"exact": "yes"}]},
    ]
    path = home / "r.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    page, text = home / "r.html", home / "r.md"
    with FakeModels(m=lambda body: [Say(HOSTILE)]) as server:
        done = program(
            *("evaluate", "m", "--endpoint", server.base, "--rubric", str(path)),
            *("--output", str(page), "--output", str(text)),
        )
    assert done.status == 0
    html = page.read_text(encoding="utf-8")
    found = _Tags()
    found.feed(html)
    assert "script" not in found.tags
    assert {"a", "img", "iframe"}.isdisjoint(found.tags)
    assert not any(name.startswith("on") or name in ("href", "src") for name in found.names)
    assert found.tags.count("svg") == 1
    assert "prefers-color-scheme: dark" in html
    assert "Content-Security-Policy" in html
    assert "\x1b" not in html + text.read_text(encoding="utf-8") + done.out


def test_a_dry_run_sends_nothing(program: Program, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*given: object, **more: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", no_socket)
    words = ("--offline", "evaluate", "openai/gpt-4.1-mini", "--rubric", "classification", "--dry-run")
    done = program(*words)
    assert done.status == 0
    assert "21 requests" in done.out
    estimate = program(*words, "--json").document["estimate"]
    assert estimate["requests"] == 21
    assert 0 < estimate["usd"] <= estimate["most_usd"] < 0.1


def test_an_example_is_copied_once(program: Program, home: Path) -> None:
    target = home / "mine.yaml"
    assert program("evaluate", "--rubric", "classification", "--copy-to", str(target)).status == 0
    assert target.read_text(encoding="utf-8").startswith("# An example rubric")
    again = program("evaluate", "--rubric", "classification", "--copy-to", str(target))
    assert (again.status, "exists already" in again.err) == (2, True)


WRONG: list[tuple[tuple[str, ...], str]] = [
    (("evaluate", "m"), "`rubric` is missing"),
    (("evaluate", "--rubric", "classification"), "Name a model"),
    (("evaluate", "m", "--rubric", "nothing"), "no example"),
    (("evaluate", "m", "--rubric", "missing.yaml"), "cannot be read"),
    (("evaluate", "m", "m", "--rubric", "classification"), "named twice"),
    (("evaluate", "m", "--rubric", "classification", "--repeats", "0"), "`repeats`"),
    (("evaluate", "m", "--rubric", "classification", "--max-cost", "nan"), "`max_cost`"),
    (("evaluate", "m", "--rubric", "classification", "--endpoint", "ftp://x"), "address"),
    (("evaluate", "m", "--rubric", "classification", "--endpoint", "http://u:p@x/v1"), "credentials"),
    (("evaluate", "m", "--rubric", "classification", "--output", "r.pdf"), "no known ending"),
    (("evaluate", "m", "--rubric", "classification", "--offline"), "--offline forbids"),
]


@pytest.mark.parametrize(("words", "reason"), WRONG)
def test_wrong_usage_is_one_sentence(
    program: Program, home: Path, words: tuple[str, ...], reason: str
) -> None:
    done = program(*words)
    assert done.status == 2
    assert reason in " ".join(done.err.split())
    assert done.out == ""
    assert program(*words, "--json").document["error"]["code"] == "usage"


def test_a_judge_has_to_be_named_where_the_rubric_wants_one(program: Program, home: Path) -> None:
    path = home / "j.yaml"
    path.write_text("name: j\nscenarios:\n - {id: a, prompt: p, checks: [{judge: good}]}\n", encoding="utf-8")
    done = program("evaluate", "m", "--rubric", str(path))
    assert (done.status, "--judge MODEL" in done.err) == (2, True)


def test_a_finished_run_is_told_again_without_its_server(program: Program, home: Path, rubric: str) -> None:
    with FakeModels(m=passing(lambda n, r: n <= 10)) as server:
        words = ("evaluate", "m", "--endpoint", server.base, "--rubric", rubric, "--json")
        first = program(*words)
    again = program("--offline", *words)
    assert again.status == 0
    assert again.document["models"] == first.document["models"]
    assert program("--offline", *words, "--fresh").status == 2


def test_a_file_that_is_no_report_is_not_overwritten(program: Program, home: Path, rubric: str) -> None:
    mine = home / "letter.md"
    mine.write_text("Dear Ann", encoding="utf-8")
    done = program("evaluate", "m", "--rubric", rubric, "--output", str(mine))
    assert (done.status, mine.read_text(encoding="utf-8")) == (2, "Dear Ann")


def test_what_a_server_refuses_is_status_3_with_the_rest(program: Program, home: Path, rubric: str) -> None:
    def half(body: dict[str, Any]) -> Reply:
        return [Fail(500, "boom")] if int(asked(body).split()[-1]) % 4 == 0 else [Say("yes")]

    with FakeModels(m=half) as server:
        words = ("evaluate", "m", "--endpoint", server.base, "--rubric", rubric)
        done = program(*words, "--json")
        assert (done.status, done.document["run"]["finished"]) == (3, 15)
        assert program(*words).status == 3


def test_a_key_of_the_endpoint_is_sent_and_never_told(
    program: Program, home: Path, rubric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret-987654")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai-123")
    with FakeModels(m=passing(lambda n, r: True)) as server:
        words = ("evaluate", "m", "--endpoint", server.base, "--rubric", rubric)
        done = program(*words, "--key-variable", "MY_KEY", "--json")
        assert server.headers[0]["authorization"] == "Bearer sk-secret-987654"
        server.headers.clear()
        program(*words, "--fresh")
        assert "sk-of-openai" not in json.dumps(server.headers)
        missing = program(*words, "--key-variable", "NOTHING", "--fresh", "--json")
    assert missing.document["error"]["code"] == "no_key"
    written = "".join(p.read_text() for p in (home / "home").rglob("*") if p.is_file())
    assert "sk-secret" not in done.out + done.err + written


def test_the_chart_has_a_bar_for_each_model_and_the_two_lines() -> None:
    rows = [
        {"model": "a<b", "pass_rate": 0.6, "interval_95": {"low": 0.4, "high": 0.8}},
        {"model": "x" * 60, "pass_rate": None, "interval_95": None},
    ]
    svg = chart_svg({"models": rows})
    assert svg.count("<circle") == 1
    assert "a&lt;b" in svg
    assert svg.count('class="mark"') == 2
    assert "not run" in svg
    lines = chart_lines({"models": rows})
    assert re.search(r"a<b +\[ +=+o=+ +\] 60 %", lines[0])
    assert "none yet" in lines[1]


def test_a_run_without_an_answer_is_no_page_of_empty_tables(
    program: Program, home: Path, rubric: str
) -> None:
    with FakeModels(m=[Fail(401, "no")]) as server:
        done = program("evaluate", "m", "--endpoint", server.base, "--rubric", rubric)
    assert done.status == 3
    assert "Not complete: 0 of 20 runs are finished." in done.out
    assert "pass rate" not in done.out
    assert "--key-variable" in done.err


def test_a_price_that_is_not_known_is_not_free(
    program: Program, home: Path, rubric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.evaluation.contenders.is_this_machine", lambda address: False)
    with FakeModels(m=passing(lambda n, r: True)) as server:
        done = program("evaluate", "m", "--endpoint", server.base, "--rubric", rubric)
    assert re.search(r"20 of 20 .* unknown$", done.out, re.MULTILINE)
    assert "The cost is not known: no price is known of m." in done.out


def test_a_judge_at_its_own_server_is_named_with_its_biases(program: Program, home: Path) -> None:
    path = home / "j.yaml"
    path.write_text("prompt: Question 1\nchecks: [{judge: good}, {exact: 'yes'}]\n", encoding="utf-8")
    reply: Reply = [Say('{"lines": [{"line": 1, "reason": "r", "met": true}]}')]
    with FakeModels(m=passing(lambda n, r: True), j=reply) as server:
        words = ("evaluate", "m", "--endpoint", server.base, "--rubric", str(path))
        done = program(*words, "--judge", "j", "--judge-endpoint", server.base.removeprefix("http://"))
    assert done.status == 0
    text = " ".join(done.out.split())
    assert f"judge j at {server.base}" in text
    assert "Known biases of judges: length, position, self-preference, leniency" in text
    assert "meet in 1 answer only" in text


def test_the_same_trouble_is_told_once(
    program: Program, home: Path, rubric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeModels(m=[Fail(429, "slow down", "0.05")]) as server:
        limited = program(
            "evaluate", "m", "--endpoint", server.base, "--rubric", rubric, "--concurrency", "8"
        )
    assert limited.err.count("takes no more requests for now; waiting") == 1
    with FakeModels(m=[Fail(500, "boom")]) as server:
        failing = program("evaluate", "m", "--endpoint", server.base, "--rubric", rubric)
    assert failing.err.count("It is tried again for a while.") == 1
    assert failing.err.count("Look into the server's log") == 2  # with the first trouble, and at the end
