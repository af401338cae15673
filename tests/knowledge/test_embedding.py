from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from knowledge import embedding_worker
from knowledge.embedding import ChildEmbedder, EmbedderError
from knowledge.embedding_worker import verify, weights_folder
from knowledge.model_child import MAX_STARTS
from knowledge.model_worker import WorkerError
from tests.waiting import HANGS, not_waited_for

ANSWERS = """
import base64, json, os, struct, sys
print(json.dumps({"ready": True, "name": "all-MiniLM-L6-v2", "dimensions": 384}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    vectors = b"".join(struct.pack("<384f", 1.0, *[0.0] * 383) for _ in request["texts"])
    answer = {"id": request["id"], "vectors": base64.b64encode(vectors).decode()}
    %s
    print(json.dumps(answer), flush=True)
"""
Start = Callable[..., ChildEmbedder]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Makes an embedder whose child runs the given script."""
    made: list[ChildEmbedder] = []

    def starts(script: str, patience: float | None = 20.0) -> ChildEmbedder:
        made.append(
            ChildEmbedder(
                command=[sys.executable, "-c", script], log=tmp_path / "log" / "e.log", patience=patience
            )
        )
        return made[-1]

    yield starts
    for embedder in made:
        embedder.close()


def test_texts_become_rows(start: Start) -> None:
    embedder = start(ANSWERS % "")
    states = [embedder.ready]
    vectors = embedder.embed(["one", "zwei \u2603", "three\nlines"])
    states.append(embedder.ready)
    assert vectors.shape == (3, 384)
    assert vectors.dtype.name == "float32"
    assert states == [False, True]
    assert embedder.embed([]).shape == (0, 384)


def test_warming_does_not_wait(start: Start) -> None:
    embedder = start(f"import time; time.sleep({HANGS})\n" + ANSWERS % "")
    with not_waited_for():
        embedder.warm()
        embedder.warm()
    assert not embedder.ready


@pytest.mark.parametrize(
    ("script", "patience", "message"),
    [
        ("raise SystemExit(3)", 20, "ended while loading"),
        ('print(\'{"fatal": "the weights are missing"}\')', 20, "the weights are missing"),
        ("import time; time.sleep(60)", 0.3, "too long to load"),
        (ANSWERS % "import time; time.sleep(60)", 8, "too long to answer"),
        (ANSWERS % "raise SystemExit(1)", 20, "stopped"),
        (ANSWERS % "answer['id'] = 99", 20, "out of turn"),
        (ANSWERS % "answer['vectors'] = 'AAAA'", 20, "no vector"),
        (ANSWERS % "answer['vectors'] = '?'", 20, "no vector"),
        (ANSWERS % "print('not json', flush=True)", 20, "no JSON"),
        (ANSWERS % "answer = [1]", 20, "no object"),
    ],
)
def test_every_failure_is_one_sentence(start: Start, script: str, patience: float, message: str) -> None:
    embedder = start(script, patience)
    with pytest.raises(EmbedderError, match=message) as caught:
        embedder.embed(["text"])
    assert caught.value.message.endswith(".")
    assert not embedder.ready


def test_a_request_that_failed_does_not_end_the_process(start: Start) -> None:
    script = ANSWERS % "answer = answer if request['id'] > 1 else {'id': 1, 'error': 'ValueError'}"
    embedder = start(script)
    with pytest.raises(EmbedderError, match="failed: ValueError\\."):
        embedder.embed(["text"])
    assert embedder.ready
    assert embedder.embed(["text"]).shape == (1, 384)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    embedder = ChildEmbedder(command=[str(tmp_path / "none")], log=tmp_path / "log")
    embedder.warm()
    with pytest.raises(EmbedderError, match="cannot be started"):
        embedder.embed(["text"])


def test_it_is_started_again_but_not_for_ever(start: Start) -> None:
    embedder = start(ANSWERS % "if request['texts'] == ['die']: raise SystemExit(1)")
    for _ in range(MAX_STARTS - 1):
        with pytest.raises(EmbedderError):
            embedder.embed(["die"])
    assert embedder.embed(["live"]).shape == (1, 384)
    with pytest.raises(EmbedderError):
        embedder.embed(["die"])
    with pytest.raises(EmbedderError, match="several times"):
        embedder.embed(["live"])


def test_closing_ends_a_call_that_waits(start: Start) -> None:
    embedder = start(ANSWERS % "import time; time.sleep(60)")
    failures: list[EmbedderError] = []

    def ask() -> None:
        try:
            embedder.embed(["text"])
        except EmbedderError as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not embedder.ready:
        time.sleep(0.01)
    embedder.close()
    thread.join(timeout=5)
    assert not thread.is_alive()
    assert failures
    with pytest.raises(EmbedderError, match="closed"):
        embedder.embed(["text"])


def test_what_the_child_says_on_stderr_goes_to_the_log(start: Start, tmp_path: Path) -> None:
    start("import sys; print('noise', file=sys.stderr)\n" + ANSWERS % "").embed(["text"])
    assert (tmp_path / "log" / "e.log").read_text() == "noise\n"


def test_a_log_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    embedder = ChildEmbedder(
        command=[sys.executable, "-c", ANSWERS % ""], log=tmp_path / "file" / "log", patience=20
    )
    assert embedder.embed(["text"]).shape == (1, 384)
    embedder.close()


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the published ones")
    with pytest.raises(WorkerError, match="SHA-256"):
        verify(tmp_path)


def test_missing_weights_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_worker, "WEIGHTS_PACKAGE", "no_such_package")
    with pytest.raises(WorkerError, match="not installed"):
        weights_folder()


PARENT = """
import sys, time
from knowledge.embedding import ChildEmbedder
embedder = ChildEmbedder(command=[sys.executable, "-P", "-m", "knowledge.embedding_worker"])
embedder.warm()
print(embedder._child._child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_the_child_ends_with_a_killed_parent(tmp_path: Path) -> None:
    environment = {**os.environ, "LLM_ADVISOR_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").exists() and ") Z " in Path(f"/proc/{child}/stat").read_text():
            return  # Ended; whoever inherited it has not looked yet.
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the embedder outlived its parent")


SPY = """
import os, sys
def note(event, arguments, path=os.environ["SPY_FILE"]):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        with open(path, "a") as file:
            file.write(f"{event} {arguments}\\n")
sys.addaudithook(note)
"""


@pytest.mark.index
@pytest.mark.timeout(300)
def test_the_real_child_opens_no_socket_and_ignores_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spy").mkdir()
    (tmp_path / "spy" / "sitecustomize.py").write_text(SPY)
    for name in ("tools", "knowledge", "json", "torch"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the working folder was imported')")
    monkeypatch.setenv("SPY_FILE", str(tmp_path / "sockets"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "spy"))
    monkeypatch.chdir(tmp_path)
    embedder = ChildEmbedder(log=tmp_path / "log")
    try:
        near, far, query = embedder.embed(["the cat sat on the mat", "tax law", "a kitten on a rug"])
    finally:
        embedder.close()
    assert float(query @ near) > float(query @ far) + 0.2
    assert abs(float(near @ near) - 1) < 1e-4
    assert not (tmp_path / "sockets").exists(), (tmp_path / "sockets").read_text()


def test_the_spy_would_see_a_socket(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SPY)
    environment = {**os.environ, "SPY_FILE": str(tmp_path / "sockets"), "PYTHONPATH": str(tmp_path)}
    script = "import socket; socket.socket(socket.AF_UNIX).bind('/nowhere/at/all')"
    subprocess.run([sys.executable, "-c", script], env=environment, check=False, stderr=subprocess.DEVNULL)
    assert "socket.bind" in (tmp_path / "sockets").read_text()


@pytest.mark.index
@pytest.mark.timeout(300)
def test_many_passages_together_have_the_vectors_of_each_alone(tmp_path: Path) -> None:
    # Together they are read in half precision where the processor has it, alone in full precision.
    texts = [f"Passage {number}: " + "quantization of the cache costs memory. " * 8 for number in range(6)]
    texts += ["Licenses allow commercial use, or they do not, or with conditions on revenue. " * 4]
    embedder = ChildEmbedder(log=tmp_path / "log")
    try:
        together = embedder.embed(texts)
        alone = [embedder.embed([text])[0] for text in texts]
    finally:
        embedder.close()
    for one, other in zip(together, alone, strict=True):
        assert abs(float(one @ one) - 1) < 1e-5
        assert float(one @ other) > 0.999
