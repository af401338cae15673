"""`models add` and `models remove`: what is stored, under which name, and what it is used for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from knowledge.catalog.added import added_name, read_added
from knowledge.catalog.mentions import find_model_names
from knowledge.catalog.store import forget_added, load_catalog
from knowledge.errors import AdvisorError, NoAnswerError, UnknownNameError, UsageError
from knowledge.home import HOME_VARIABLE
from tests.fakes.gguf_files import catalog_file, metadata_of, tensor_rows, write_gguf
from tests.tools.asking import needs
from tests.tools.memory.helpers import model
from tools.commands.added import AddQuery, RemoveQuery, add_model, remove_model
from tools.commands.benchmarks import BenchmarksQuery, benchmarks
from tools.commands.catalog import ModelQuery, ModelsQuery, list_models, show_model
from tools.commands.compare import CompareQuery, compare
from tools.commands.fit import FitQuery, fit
from tools.commands.lookups import model_named
from tools.commands.memory import MemoryQuery, memory
from tools.recommend import recommend

LLAMA = "meta-llama/Llama-3.2-1B-Instruct"


pytestmark = pytest.mark.usefixtures("state")


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    return catalog_file(tmp_path, model(LLAMA), "Q4_K_M")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file of a model that the catalog does not have."""
    shape = model(LLAMA).architecture
    assert shape is not None
    general = {"general.name": "Zebrafish", "tokenizer.chat_template": "x"}
    rows = tensor_rows(shape, "Q8_0")
    return write_gguf(tmp_path / "zebrafish-1b-Q8_0.gguf", "llama", metadata_of(shape), rows, general=general)


def add(source: Path | str, **more: str) -> dict[str, object]:
    return add_model(AddQuery(source=str(source), **more))


def test_an_added_file_is_used_by_every_command(llama: Path) -> None:
    added = add(llama)
    name = "local/Llama-3.2-1B-Instruct-Q4_K_M"
    assert (added["model_id"], added["replaced"], added["exact"]) == (name, False, True)
    assert memory(MemoryQuery(model=name))["quant"] == "Q4_K_M"
    fitted = fit(FitQuery(model=name, hardware="RTX 3060 12GB"))
    assert fitted["quant"] == "Q4_K_M"
    assert any(str(llama) in command["shell"] for command in fitted["commands"])
    assert len(compare(CompareQuery(models=(name, LLAMA)))["models"]) == 2
    found = benchmarks(BenchmarksQuery(model=name))
    assert found["results"] == benchmarks(BenchmarksQuery(model=LLAMA))["results"]
    assert show_model(ModelQuery(model=name))["sources"]["*"].startswith("metadata")
    assert [row["model_id"] for row in list_models(ModelsQuery(added=True))["models"]] == [name]


def test_a_catalog_name_keeps_its_meaning(llama: Path) -> None:
    add(llama)
    for text in ("Llama-3.2-1B-Instruct-Q4_K_M", "llama3.2:1b", LLAMA, "llama 3.2 1b"):
        assert model_named(text)[0].id == LLAMA
    assert load_catalog().model(LLAMA) == model(LLAMA)


def test_a_new_name_is_found_as_people_write_it(own: Path) -> None:
    assert add(own, name="Zebrafish 1B")["model_id"] == "local/Zebrafish-1B"
    for text in ("zebrafish 1b", "Zebrafish-1B", "local/zebrafish-1b"):
        assert model_named(text)[0].id == "local/Zebrafish-1B"
    mentions = find_model_names(load_catalog(), "does zebrafish 1b run here?")
    assert [mention.record.id for mention in mentions if mention.record] == ["local/Zebrafish-1B"]
    with pytest.raises(UnknownNameError) as caught:
        model_named("zebrafsh 1b x")
    assert "local/Zebrafish-1B" in caught.value.nearest


def test_it_can_be_recommended(own: Path) -> None:
    add(own)
    named = {"named": ("local/zebrafish-1b-Q8_0",)}
    unread = recommend(needs("chat", "RTX 3060 12GB", model=named)).as_json()
    assert unread["rejected"][0]["constraint"] == "license"
    wanted = needs("chat", "RTX 3060 12GB", model=named, license={"use": "personal"})
    first = recommend(wanted).as_json()["candidates"][0]
    assert (first["model_id"], first["quant"]) == ("local/zebrafish-1b-Q8_0", "Q8_0")
    assert first["license"]["commercial_use"] == "unknown"
    assert not first["quality"]["measured"]


def test_adding_again_replaces_and_says_so(own: Path) -> None:
    add(own, name="x")
    again = add(own, name="X")
    assert again["replaced"] is True
    assert [record.id for record in read_added(Path(load_home()) / "models")] == ["local/X"]


def load_home() -> str:
    from knowledge.home import home

    return str(home())


def test_removing_forgets_it_and_leaves_the_weights(own: Path) -> None:
    add(own, name="gone")
    assert remove_model(RemoveQuery(model="local/GONE"))["removed"] is True
    assert own.exists()
    with pytest.raises(UnknownNameError):
        model_named("local/gone")
    with pytest.raises(UnknownNameError, match="No model called"):
        remove_model(RemoveQuery(model="gone"))
    with pytest.raises(NoAnswerError, match="added no model"):
        list_models(ModelsQuery(added=True))


@pytest.mark.parametrize("name", ["../../evil", "a/b", ".", "..", "-x", LLAMA])
def test_what_was_not_added_cannot_be_removed(own: Path, name: str, state: Path) -> None:
    add(own, name="kept")
    (state.parent / "m-evil.json").write_text("{}")
    with pytest.raises(UnknownNameError):
        remove_model(RemoveQuery(model=name))
    assert (state.parent / "m-evil.json").exists()


def test_names_never_lead_out_of_the_folder(own: Path, state: Path) -> None:
    for name in ("../../evil", "/etc/x", "a\\b", "con", "x" * 250, "ä ö.gguf"):
        add(own, name=name)
    inside = {path.parent for path in state.rglob("*.json")}
    assert inside == {state / "models"}
    assert added_name("../../evil") == "evil"
    with pytest.raises(UsageError, match="no letter or digit"):
        add(own, name="../..")


def test_a_failed_addition_stores_nothing(tmp_path: Path, state: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + bytes(200))
    with pytest.raises(UsageError):
        add(bad)
    assert not state.exists()


DAMAGE: dict[str, Callable[[str], str]] = {
    "cut off": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "no JSON": lambda text: "hello",
    "a list": lambda text: "[]",
    "nested": lambda text: "[" * 100_000,
    "edited": lambda text: text.replace('"layers": 16', '"layers": 61', 1),
    "another format": lambda text: text.replace('"format": 1', '"format": 2'),
    "no record": lambda text: json.dumps({"format": 1, "digest": "x", "record": {}}),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_left_out_with_one_warning(
    own: Path, state: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    add(own, name="good")
    add(own, name="bad")
    path = state / "models" / "m-bad.json"
    path.write_text(DAMAGE[name](path.read_text()))
    forget_added()
    caplog.clear()
    assert [record.id for record in load_catalog().models if record.added] == ["local/good"]
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "m-bad.json is damaged" in warnings[0]
    assert memory(MemoryQuery(model="local/good"))["weights_bytes"]
    remove_model(RemoveQuery(model="bad"))


def test_a_folder_that_cannot_be_written(own: Path, state: Path) -> None:
    state.write_text("a file where the folder should be")
    with pytest.raises(AdvisorError, match="cannot be stored") as caught:
        add(own)
    assert HOME_VARIABLE in caught.value.hint
    assert list_models(ModelsQuery())["count"] > 1000


@pytest.mark.parametrize("source", ["ollama:llama3.2:1b", "org/name", "hf.co/org/name:Q4_K_M"])
def test_offline_refuses_what_needs_the_network(source: str) -> None:
    with pytest.raises(UsageError, match="--offline forbids the network"):
        add_model(AddQuery(source=source), offline=True)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nothing", "no file, no Ollama tag and no hub id"),
        ("a/b/c/d", "There is no file"),
        ("../no-such-file", "There is no file"),
        ("missing.gguf", "There is no file"),
        ("org/name:Q4:Q5", "no file"),
        ("https://example.com/a.gguf", "There is no file"),
    ],
)
def test_sources_that_are_none(source: str, words: str) -> None:
    with pytest.raises(AdvisorError, match=words):
        add_model(AddQuery(source=source), offline=True)


def test_two_quantizations_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="two quantizations"):
        add("org/name:Q4_K_M", quant="Q8_0")
