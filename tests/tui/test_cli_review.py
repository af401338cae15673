"""`plan migration --run` through the command line: a review over weeks, against scripted models."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from knowledge.measured_here import MeasuredRun, Point, Range, keep_run
from tests.fakes.model_script import Reply, Say
from tests.tools.evaluation.scripted import FakeModels, passing, rubric_text
from tests.tui.cli_help import Program
from tests.tui.reviewing import (
    BASE,
    CALL,
    DAY,
    OTHER,
    STATE,
    kept_file,
    options,
    review_home,
    reviewed,
    rubric_of,
    states,
)
from tools.hardware_types import Machine
from tools.measuring.machine import machine_key
from tools.reviews.state import held, load, save
from tools.token_price import price_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return review_home(tmp_path, monkeypatch)


def test_a_review_goes_step_by_step_to_its_decision(program: Program, home: Path) -> None:
    old, new = passing(lambda n, r: n <= 8), passing(lambda n, r: n <= 19)
    with FakeModels(old=old, new=new, old_tuned=old, new_tuned=new) as server:
        first = reviewed(program, *options(server, rubric_of(home)), "--switch-date", "2027-09-01")
        assert (first["ran"]["step"], first["next"]["step"]) == (1, 2)
        second = reviewed(program)
        assert (second["ran"]["step"], second["next"]["step"]) == (2, 3)
        assert second["next"]["estimate"]["requests"] == 40
        assert server.requests == []
        third = reviewed(program)
        assert len(server.requests) == 40
        sixth = reviewed(program, times=3)
        assert (sixth["ran"]["step"], sixth["next"]["step"]) == (6, None)
        assert (sixth["decision"]["change"], sixth["decision"]["basis"]) == ("open", "bare")
        tuned = ("--tuned", f"{BASE}=old-tuned", "--tuned", f"{OTHER}=new-tuned")
        fourth = reviewed(program, *tuned)
        assert fourth["ran"]["step"] == 4
        assert fourth["steps"][5]["state"] == "changed"
        last = reviewed(program)
    rates = [row["pass_rate"] for row in third["steps"][2]["result"]["measured"]]
    assert rates == [0.4, 0.95]
    assert last["decision"]["change"] == "yes"
    assert last["decision"]["basis"] == "tuned"
    assert last["decision"]["candidates"][0]["gain"] == pytest.approx(0.55)
    assert states(last) == ["done"] * 6
    assert {"step 3", "step 4"}.isdisjoint(row["of"] for row in last["todo"])
    assert "tuning: rank 3.33" in last["steps"][3]["computed"][0]
    bare, trained = (" ".join(last["steps"][at]["computed"]) for at in (2, 3))
    assert "fine-tuning may not be needed" in bare
    assert "passed" in trained
    assert "fine-tuning" not in trained  # the thresholds are of untuned models
    assert any("Qwen3.5-4B: every adapter, each in about" in row["what"] for row in last["todo"])
    assert {row["by"] for row in last["todo"]} == {"2027-03-01", "2027-09-01", "2028-03-01"}


def test_a_judge_has_a_server_of_its_own_and_another_one_asks_anew(program: Program, home: Path) -> None:
    path = home / "j.yaml"
    path.write_text("prompt: Question 1\nchecks: [{judge: good}]\n", encoding="utf-8")
    reply: Reply = [Say('{"lines": [{"line": 1, "reason": "r", "met": true}]}')]
    yes = passing(lambda n, r: True)
    with FakeModels(old=yes, new=yes) as server, FakeModels(j=reply) as judge, FakeModels(j=reply) as other:
        asks = (*options(server, str(path)), "--judge", "j", "--judge-endpoint")
        third = reviewed(program, *asks, judge.base.removeprefix("http://"), times=3)
        assert [len(one.requests) for one in (server, judge, other)] == [2, 2, 0]
        changed = program(*CALL, "--status", "--json").document
        assert states(changed)[2] == "done"
        fourth = reviewed(program, "--judge-endpoint", other.base)
        assert [len(one.requests) for one in (judge, other)] == [2, 2]
    assert [row["pass_rate"] for row in third["steps"][2]["result"]["measured"]] == [1.0, 1.0]
    assert fourth["ran"]["step"] == 3


def test_the_text_tells_time_and_cost_before_and_what_is_left(program: Program, home: Path) -> None:
    with FakeModels(old=passing(lambda n, r: True), new=passing(lambda n, r: True)) as server:
        reviewed(program, *options(server, rubric_of(home)), times=2)
        shown = program(*CALL, "--status")
        done = program(*CALL, "--run")
    assert "about 40 requests" in " ".join(shown.out.split())
    assert "Step 3 asks old, new: about 40 requests" in " ".join(done.err.split())
    assert "the weakest laptop: to do" in done.out
    assert "computed, your part is open" in program(*CALL, "--run").out
    flat = " ".join(done.out.split())
    assert "20 of 20 passed" in flat
    assert "train one test adapter on the same data" in flat
    assert max(len(line) for line in (shown.out + done.out).split("\n")) <= 80
    assert "None" not in shown.out + done.out


def test_without_its_options_the_command_is_as_it_was_and_keeps_nothing(program: Program, home: Path) -> None:
    done = program(*CALL, "--candidates", OTHER, "--json")
    assert {"verdict", "process", "stated_sizes"} <= set(done.document)
    assert not (home / "home" / "reviews").exists()


def test_offline_does_what_needs_no_server(program: Program, home: Path) -> None:
    with FakeModels(old=passing(lambda n, r: True), new=passing(lambda n, r: True)) as server:
        reviewed(program, *options(server, rubric_of(home)))
        steps = [reviewed(program, "--offline")["ran"]["step"] for _ in range(3)]
        stuck = reviewed(program, "--offline")
        assert server.requests == []
        assert steps == [2, 4, 5]
        assert (stuck["ran"], stuck["next"]["step"]) == (None, None)
        assert any("--offline" in text for text in stuck["next"]["waiting"])
        assert reviewed(program)["ran"]["step"] == 3
    assert reviewed(program, "--offline")["ran"]["step"] == 6


def test_a_changed_rubric_is_said_and_the_step_offered_anew(program: Program, home: Path) -> None:
    with FakeModels(old=passing(lambda n, r: True), new=passing(lambda n, r: True)) as server:
        reviewed(program, *options(server, rubric_of(home)), times=3)
        rubric_of(home, 24)
        document = program(*CALL, "--status", "--json").document
        assert document["steps"][2]["state"] == "changed"
        assert document["steps"][2]["why"] == ["the rubric changed since"]
        assert document["next"]["step"] == 3
        assert document["next"]["estimate"]["requests"] == 48
        assert reviewed(program)["ran"]["step"] == 3
        assert len(server.requests) == 40 + 48
        (home / "r.jsonl").unlink()
        gone = program(*CALL, "--status", "--json").document
    assert gone["steps"][2]["state"] == "waiting"
    assert "cannot be read" in gone["steps"][2]["why"][0]


def test_a_changed_catalog_or_machine_is_said(program: Program, home: Path) -> None:
    reviewed(program, "--candidates", OTHER, times=2)
    review = load(STATE.removesuffix(".json"))
    assert review is not None
    review.steps[2].inputs["catalog"] = "0" * 64
    save(review)
    document = program(*CALL, "--status", "--json").document
    assert document["steps"][1]["why"] == ["the catalog changed since"]
    assert document["next"]["step"] == 2
    other = program(*CALL, "--status", "--ram", "16GB", "--json").document
    assert other["steps"][0]["why"] == ["the machine changed since"]


def test_a_candidate_more_asks_no_other_again(program: Program, home: Path) -> None:
    scripts = {name: passing(lambda n, r: n % 2 == 0) for name in ("old", "new", "third")}
    with FakeModels(**scripts) as server:
        reviewed(program, *options(server, rubric_of(home)), times=3)
        third = "Qwen/Qwen3-1.7B"
        reviewed(program, "--candidates", f"{OTHER},{third}", "--served", f"{third}=third", times=3)
        asked_of = Counter(body["model"] for body in server.requests)
    assert asked_of == {"old": 20, "new": 20, "third": 20}


def test_results_older_than_six_months_are_marked_and_done_anew(
    program: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeModels(old=passing(lambda n, r: True), new=passing(lambda n, r: True)) as server:
        reviewed(program, *options(server, rubric_of(home)), times=3)
        monkeypatch.setenv("LLM_ADVISOR_TODAY", "2027-05-20")
        assert not program(*CALL, "--status", "--json").document["steps"][2]["old"]
        monkeypatch.setenv("LLM_ADVISOR_TODAY", "2027-05-21")
        document = program(*CALL, "--status", "--json").document
        assert document["steps"][2]["old"]
        assert "more than six months old" in " ".join(program(*CALL, "--status").out.split())
        server.requests.clear()
        again = program(*CALL, "--run", "--again", "1", "--json").document
        assert again["ran"]["step"] == 1
        again = program(*CALL, "--run", "--again", "3", "--json").document
    assert len(server.requests) == (40 if again["ran"]["step"] == 3 else 0)


def test_the_ceiling_holds_over_all_models(
    program: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yes = passing(lambda n, r: True)
    (home / "r.jsonl").write_text(rubric_text(20, max_tokens=100), encoding="utf-8")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-1234567890")
    names = ("openai/gpt-4.1-mini", "openai/gpt-4.1-nano")
    with FakeModels(**{name.removeprefix("openai/"): yes for name in names}) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.base)
        prices = [price_of(name) for name in names]
        first, second = (price.usd(*(server.usage or (0, 0))) for price in prices if price is not None)
        ceiling = 20 * first + 12 * second
        served = [f"--served={model}={name}" for model, name in zip((BASE, OTHER), names, strict=True)]
        reviewed(program, "--candidates", OTHER, "--rubric", str(home / "r.jsonl"), *served, times=2)
        stopped = program(*CALL, "--run", "--max-cost", str(ceiling), "--json")
        assert (stopped.status, stopped.document["error"]["code"]) == (1, "cost")
        rows = stopped.document["steps"][2]["result"]["measured"]
        assert rows[0]["complete"]
        assert 0 < rows[1]["answers"] < 20
        assert sum(row["usd"] for row in rows) <= ceiling
        whole = reviewed(program, "--max-cost", "1")
        assert len(server.requests) == 40
    assert whole["steps"][2]["state"] == "done"
    written = "".join(path.read_text() for path in (home / "home").rglob("*") if path.is_file())
    assert "sk-test" not in written


def test_another_process_is_told_and_not_disturbed(program: Program, home: Path) -> None:
    reviewed(program, "--candidates", OTHER)
    with held():
        busy = program(*CALL, "--run", "--json")
        assert (busy.status, busy.document["error"]["code"]) == (3, "busy")
        assert program(*CALL, "--status").status == 0


def test_it_is_private(program: Program, home: Path) -> None:
    reviewed(program, "--candidates", OTHER)
    assert kept_file(home).stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_one_sentence(program: Program, home: Path) -> None:
    (home / "home").mkdir()
    (home / "home" / "reviews").write_text("", encoding="utf-8")
    done = program(*CALL, "--run", "--candidates", OTHER)
    assert (done.status, "Traceback" in done.err) == (1, False)
    assert "cannot be kept" in done.err


def test_a_model_that_is_not_there_leaves_the_others(program: Program, home: Path) -> None:
    with FakeModels(old=passing(lambda n, r: True)) as server:
        reviewed(program, *options(server, rubric_of(home)), times=2)
        failed = program(*CALL, "--run", "--json")
        assert failed.status == 3
        assert failed.document["steps"][2]["state"] == "partly"
        rows = failed.document["steps"][2]["result"]["measured"]
        assert [row["complete"] for row in rows] == [True, False]
        server.scripts["new"] = passing(lambda n, r: True)
        asked_before = len(server.requests)
        later = reviewed(program)
        assert len(server.requests) == asked_before + 20
    assert later["steps"][2]["state"] == "done"


def test_what_was_measured_here_stands_beside_the_estimate(program: Program, home: Path) -> None:
    reviewed(program, "--candidates", OTHER, times=4)
    rate = Range(low=11.0, mid=12.0, high=13.0)
    point = Point(
        prompt_tokens=4096,
        output_tokens=128,
        parallel=1,
        samples=3,
        first_token_s=Range(low=1.9, mid=2.0, high=2.1),
        generation_tps=rate,
    )
    keep_run(
        MeasuredRun(
            measured_at=datetime(2026, 11, 20, tzinfo=UTC),
            machine=machine_key(Machine("m")),
            engine="ollama",
            server="127.0.0.1:11434",
            served_as="x",
            model_id=BASE,
            points=(point,),
        )
    )
    document = program(*CALL, "--status", "--json").document
    assert document["steps"][4]["why"] == ["the measurements on this machine changed since"]
    done = reviewed(program)
    told = " ".join(done["steps"][4]["computed"])
    assert "measured here on 2026-11-20: 12.0 tok/s, first token after 2 s with 4,096 tokens" in told
    assert "(estimate)" in told


def test_a_persons_own_part_is_noted(program: Program, home: Path) -> None:
    reviewed(program, "--candidates", OTHER)
    before = program(*CALL, "--status", "--json").document
    document = program(*CALL, "--done", "5", "--note", "worked on the Chromebooks", "--json").document
    assert document["steps"][4]["done_by_you"] == {"on": DAY, "note": "worked on the Chromebooks"}
    assert len(document["todo"]) == len(before["todo"]) - 1
    assert "worked on the Chromebooks" in program(*CALL, "--status").out


def test_a_damaged_file_is_set_aside_and_no_answer_lost(program: Program, home: Path) -> None:
    with FakeModels(old=passing(lambda n, r: True), new=passing(lambda n, r: True)) as server:
        asked_with = options(server, rubric_of(home))
        reviewed(program, *asked_with, times=3)
        text = kept_file(home).read_text(encoding="utf-8")
        kept_file(home).write_text(text[: len(text) // 2], encoding="utf-8")
        shown = program(*CALL, "--status", "--json")
        assert (shown.status, shown.document["error"]["code"]) == (1, "damaged")
        document = reviewed(program, *asked_with)
        assert "set aside" in document["caveats"][0]
        assert len(list(kept_file(home).parent.glob("*.damaged-1"))) == 1
        reviewed(program, times=2)
        assert len(server.requests) == 40


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"format": 1}',
        '{"digest": 1, "review": []}',
        '{"format": "x"}',
        "\x00",
        pytest.param("[" * 9999, id="deep"),
    ],
)
def test_no_file_brings_it_down(program: Program, home: Path, text: str) -> None:
    reviewed(program, "--candidates", OTHER)
    kept_file(home).write_text(text, encoding="utf-8")
    assert program(*CALL, "--status", "--json").document["error"]["code"] == "damaged"
    assert reviewed(program, "--candidates", OTHER)["ran"]["step"] == 1


def test_a_later_programs_file_is_left_alone(program: Program, home: Path) -> None:
    reviewed(program, "--candidates", OTHER)
    kept_file(home).write_text('{"format": 2}', encoding="utf-8")
    assert program(*CALL, "--run", "--json").document["error"]["code"] == "newer"
    assert kept_file(home).read_text(encoding="utf-8") == '{"format": 2}'


def test_forget_removes_it(program: Program, home: Path) -> None:
    reviewed(program, "--candidates", OTHER, "--review", "mine")
    assert program(*CALL, "--forget", "--review", "mine").status == 0
    assert program(*CALL, "--forget", "--review", "mine").status == 1
    assert program(*CALL, "--status", "--review", "mine", "--json").document["error"]["code"] == "no_review"


WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("--rubric", "classification"), 2, "belongs to a review"),
    (("--run", "--status"), 2, "two things"),
    (("--status", "--again", "3"), 2, "--again goes with --run"),
    (("--run", "--note", "x"), 2, "--note goes with --done"),
    (("--run", "--review", "../x"), 2, "no name of a review"),
    (("--run", "--rubric", "missing.yaml"), 2, "cannot be read"),
    (("--run", "--served", "qwen3-4b"), 2, "names no model"),
    (("--run", "--served", "no-such-model=x"), 1, "no-such-model"),
    (("--run", "--served", "qwen3-4b=a/b", "--tuned", "qwen3-4b=a/b"), 2, "without an adapter"),
    (("--run", "--endpoint", "http://u:p@x/v1"), 2, "credentials"),
    (("--run", "--again", "3"), 2, "was not done yet"),
    (("--run", "--max-cost", "nan"), 2, "`max_cost`"),
    (("--status",), 1, "There is no review"),
    (("--done", "4"), 1, "There is no review"),
]


@pytest.mark.parametrize(("words", "status", "reason"), WRONG)
def test_wrong_usage_is_one_sentence(
    program: Program, home: Path, words: tuple[str, ...], status: int, reason: str
) -> None:
    done = program(*CALL, *words)
    assert (done.status, "Traceback" in done.err) == (status, False)
    assert reason in " ".join(done.err.split())
    assert not kept_file(home).exists()


def test_a_review_belongs_to_one_base(program: Program, home: Path) -> None:
    reviewed(program, "--candidates", OTHER, "--review", "mine")
    done = program("plan", "migration", OTHER, "--run", "--review", "mine")
    assert (done.status, "is about" in done.err) == (2, True)


def test_no_candidate_left_keeps_the_base(program: Program, home: Path) -> None:
    document = reviewed(program, "--candidates", "llama-3.2-3b", times=2)
    assert document["ran"]["step"] == 6
    assert states(document) == ["done", "needless", "needless", "needless", "needless", "done"]
    assert document["decision"]["change"] == "no"
