"""Which files a call adds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from knowledge.errors import UsageError
from knowledge.own import files
from knowledge.own.document import RefusedError
from knowledge.own.files import find_files, read_bytes


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("words", encoding="utf-8")
    return root


def test_files_of_known_kinds_are_found_in_order_each_once(tmp_path: Path) -> None:
    root = tree(
        tmp_path / "x", "b.md", "a.txt", "sub/c.HTML", "sub/d.pdf", "e.png", "f", ".hidden.md", ".git/g.md"
    )
    found = find_files([str(root), str(root / "b.md")], tmp_path / "home")
    assert [path.name for path in found.files] == ["a.txt", "b.md", "c.HTML", "d.pdf"]
    assert found.hidden == 2
    assert found.unknown == {".png": 1, "no ending": 1}


def test_a_file_that_is_named_is_taken_whatever_its_ending(tmp_path: Path) -> None:
    root = tree(tmp_path, "README", ".notes")
    found = find_files([str(root / "README"), str(root / ".notes")], tmp_path / "home")
    assert [path.name for path in found.files] == ["README", ".notes"]


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    outside = tree(tmp_path / "outside", "secret.md", "deep/other.md")
    root = tree(tmp_path / "x", "a.md", "sub/b.md")
    (root / "file.md").symlink_to(outside / "secret.md")
    (root / "folder").symlink_to(outside / "deep")
    (root / "up.md").symlink_to("../outside/secret.md")
    (root / "loop").symlink_to(root)
    (root / "gone.md").symlink_to(root / "nowhere.md")
    (root / "inside.md").symlink_to(root / "sub" / "b.md")
    found = find_files([str(root)], tmp_path / "home")
    assert sorted(path.name for path in found.files) == ["a.md", "b.md"]
    assert {path.name for path, refused in found.refused if "out of the folder" in refused.message} == {
        "file.md",
        "folder",
        "up.md",
    }
    assert {path.name for path, refused in found.refused if "nowhere" in refused.message} == {"gone.md"}


def test_the_advisors_own_folder_is_left_out(tmp_path: Path) -> None:
    tree(tmp_path, "a.md", "home/guides/b.md")
    assert [path.name for path in find_files([str(tmp_path)], tmp_path / "home").files] == ["a.md"]


def test_what_lies_too_deep_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_DEPTH", 1)
    found = find_files([str(tree(tmp_path / "x", "a/b/c.md", "a/d.md"))], tmp_path / "home")
    assert [path.name for path in found.files] == ["d.md"]
    assert found.refused[0][1].code == "too_deep"


def test_too_many_files_are_refused_before_any_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 2)
    with pytest.raises(UsageError, match="more than 2 files"):
        find_files([str(tree(tmp_path / "x", "a.md", "b.md", "c.md"))], tmp_path / "home")


@pytest.mark.parametrize("name", ["nowhere", "~nobody-here/x", "a\x00b", "x" * 5_000])
def test_a_path_that_leads_nowhere_is_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file or folder"):
        find_files([name], tmp_path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    monkeypatch.setattr("knowledge.own.files.os.fdopen", Unread)
    with pytest.raises(RefusedError, match="is 100 MB; the limit for one file is 50 MB"):
        read_bytes(path)


class Unread:
    """A file that must not be read."""

    def __init__(self, handle: int, mode: str) -> None:
        self._handle = handle

    def __enter__(self) -> Unread:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def fileno(self) -> int:
        return self._handle


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.md"
    with open(path, "wb") as file:
        file.write(b"words")
    (found,) = find_files([str(tmp_path)], tmp_path / "home").files
    with pytest.raises(RefusedError, match="not valid UTF-8"):
        read_bytes(found)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with pytest.raises(RefusedError, match="no regular file"):
        read_bytes(tmp_path / "pipe.md")


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="cannot be read: No such file"):
        read_bytes(tmp_path / "a.md")
