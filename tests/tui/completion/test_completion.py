"""What Tab offers, asked as click's scripts ask and by a real bash; and how little it imports."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.cli_help import Program
from tui.completion import values
from tui.completion.shells import SHELLS, VARIABLE, answer

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash is installed")
ASK = """
source <(llm-advisor completion bash)
COMP_WORDS=({words}); COMP_CWORD={at}
_llm_advisor_completion llm-advisor
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def tab(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tab:
    return Tab(capsys, monkeypatch)


class Tab:
    """`tab("fit Qwen", "--quant", "")` presses Tab in bash on the last word."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._patch = capsys, monkeypatch

    def __call__(self, *words: str, shell: str = "bash") -> list[str]:
        self._patch.setenv("COMP_WORDS", "\n".join(["llm-advisor", *words]))
        self._patch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words)))
        assert answer(f"{shell}_complete") == 0
        out = self._capsys.readouterr().out
        if shell == "zsh":
            return out.split("\n")[1::3]
        return [line.split(",", 1)[1].split("\t")[0] for line in out.split("\n") if "," in line]


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_options_and_names(tab: Tab, shell: str) -> None:
    assert {"memory", "fit", "serve", "mcp"} <= set(tab("", shell=shell))
    assert tab("sess", shell=shell) == ["sessions"]
    assert "export" in tab("sessions", "e", shell=shell)
    assert "--kv-cache-type" in tab("memory", "--kv", shell=shell)
    assert "Q4_K_M" in tab("memory", "x", "--quant", "Q4", shell=shell)
    assert "Llama-3.1-8B-Instruct" in tab("memory", "llama-3.1", shell=shell)


def test_without_a_command_the_words_are_those_of_the_chat(tab: Tab) -> None:
    assert "--session" in tab("--se")
    assert tab("--model", "gu") == ["guided"]
    assert tab("--json", "--model", "gu") == ["guided"]
    assert "memory" in tab("--json", "mem")


def test_bash_gets_spaces_escaped_and_words_it_broke_put_together(tab: Tab) -> None:
    assert "GeForce\\\\ RTX\\\\ 5090" in tab("fit", "x", "--hardware", "GeForce\\ RTX\\ 50")
    assert "GeForce RTX 5090" in tab("fit", "x", "--hardware", '"GeForce RTX 50')
    assert "Q4_K_M" in tab("memory", "x", "--quant", "=", "Q4_")


def test_a_name_with_a_colon_is_completed_after_it(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(values.OF_ANY, "model", lambda: ["qwen3:4b", "qwen3:8b"])
    assert tab("memory", "qwen3", ":", "4") == ["4b"]


def test_guides_and_saved_conversations(
    tab: Tab, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "quantization.md" in tab("guides", "show", "quant")
    assert tab("sessions", "show", "") == []
    assert program("chat", "--json", "--session", "lunch", stdin=[{"text": "a model for code"}]).status == 0
    assert tab("sessions", "show", "l") == ["lunch"]
    assert tab("chat", "--session", "lu") == ["lunch"]


def test_half_typed_lines_give_nothing_and_no_message(tab: Tab, capsys: pytest.CaptureFixture[str]) -> None:
    assert tab("no-such-command", "x") == []
    assert tab("memory", '"an open quote') == []
    for wrong in ("", "bash", "tcsh_complete", "bash_dance"):
        assert answer(wrong) == 1
    assert capsys.readouterr().err == ""


def test_the_command_prints_the_script_and_how_to_install_it(program: Program) -> None:
    for shell in SHELLS:
        assert VARIABLE in program("completion", shell).out
    assert ".bashrc" in (text := program("completion", "--help").out) or "bash-completion" in text
    wrong = program("completion", "tcsh")
    assert wrong.status == 2
    assert "bash" in wrong.err


def test_a_press_of_tab_imports_nothing_heavy() -> None:
    code = (
        "import sys; from tui.cli import main; main(); "
        "print(sorted({n.split('.')[0] for n in sys.modules}), file=sys.stderr)"
    )
    asked = {"COMP_WORDS": "llm-advisor\nmemory\nQwen", "COMP_CWORD": "2", VARIABLE: "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert "plain,Qwen" in done.stdout
    loaded = set(done.stderr.replace("'", "").strip("[]\n").split(", "))
    assert "click" in loaded
    assert not loaded & {"pydantic", "numpy", "textual", "mcp", "torch", "litellm", "chromadb", "rich"}


@needs_bash
@pytest.mark.parametrize(
    ("words", "at", "wanted"),
    [
        ("llm-advisor plan t", 2, "tokens"),
        ("llm-advisor fit gemma --hardware 'GeForce\\ RTX\\ 5090'", 4, "GeForce\\ RTX\\ 5090"),
        ("llm-advisor memory Llama-3.1-8B-I", 2, "Llama-3.1-8B-Instruct"),
    ],
)
def test_a_real_bash_completes(words: str, at: int, wanted: str) -> None:
    bin_folder = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK.format(words=words, at=at)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert wanted in done.stdout.split("\n")
    assert done.stderr == ""
