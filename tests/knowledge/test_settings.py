"""Settings from file and environment, and what is said where they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.errors import UsageError
from knowledge.home import home
from knowledge.settings import FILE, load_settings


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A state folder for each test: a wrong file must not be there for others."""
    monkeypatch.setenv("LLM_ADVISOR_HOME", str(tmp_path / "home"))


def write(text: str | bytes) -> None:
    home().mkdir(parents=True, exist_ok=True)
    (home() / FILE).write_bytes(text if isinstance(text, bytes) else text.encode())


def test_without_a_file_everything_is_local() -> None:
    found = load_settings()
    assert (found.embedder, found.reranker, found.chroma) == (None, None, None)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write('embedder = "org/from-file"\nchroma = "http://127.0.0.1:8000"\n')
    assert load_settings().embedder == "org/from-file"
    assert str(load_settings().chroma) == "http://127.0.0.1:8000/"
    monkeypatch.setenv("LLM_ADVISOR_EMBEDDER", "org/from-environment")
    assert load_settings().embedder == "org/from-environment"
    monkeypatch.setenv("LLM_ADVISOR_EMBEDDER", "")
    assert load_settings().embedder == "org/from-file"


def test_other_variables_of_the_advisor_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_ADVISOR_ASCII", "1")
    load_settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("embeder = 'x'\n", "no setting `embeder`"),
        ("embedder = 5\n", "`embedder` is not usable"),
        ("embedder = ''\n", "`embedder` is not usable"),
        ("chroma = 'not an address'\n", "`chroma` is not usable"),
        ("chroma = 'ftp://host'\n", "`chroma` is not usable"),
        ("embedder = \n", "not valid TOML"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_a_wrong_file_is_one_sentence_with_a_hint(text: str | bytes, said: str) -> None:
    write(text)
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert said in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_a_password_in_an_address_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_ADVISOR_CHROMA", "ftp://me:secret@host")
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert "secret" not in caught.value.message + caught.value.hint
