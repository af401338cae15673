from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog.mentions import find_model_names
from knowledge.catalog.names import nearest_names, resolve_model, resolve_model_verbose
from knowledge.catalog.store import Catalog, load_catalog
from knowledge.catalog.tokens import core, strip_quant, tokens
from knowledge.errors import AmbiguousNameError, NoAnswerError, UnknownNameError


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.mark.parametrize(
    ("text", "model_id"),
    [
        ("llama3.1:8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"),
        ("meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"),
        ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("llama 3.1 8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("llama 3.1 8b base", "meta-llama/Llama-3.1-8B"),
        ("ollama_chat/llama3.1:8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("qwen2.5-coder:14b-instruct-q4_K_M", "Qwen/Qwen2.5-Coder-14B-Instruct"),
        ("hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M", "Qwen/Qwen3-8B"),
        ("https://huggingface.co/Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("Qwen3-8B-AWQ", "Qwen/Qwen3-8B"),
        ("unsloth/Llama-3.3-70B-Instruct-bnb-4bit", "meta-llama/Llama-3.3-70B-Instruct"),
        ("Meta-Llama-3-8B-Instruct", "meta-llama/Meta-Llama-3-8B-Instruct"),
        ("gptoss 20b", "openai/gpt-oss-20b"),
        ("exaone 4 32b", "LGAI-EXAONE/EXAONE-4.0-32B"),
        ("gemma2 9b", "google/gemma-2-9b-it"),
        ("codegemma 7b", "google/codegemma-7b-it"),
        ("Qwen2.5 Coder 7B base", "Qwen/Qwen2.5-Coder-7B"),
        ("mistral small 3.2", "mistralai/Mistral-Small-3.2-24B-Instruct-2506"),
        ("deepseek-r1:14b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B"),
    ],
)
def test_names_resolve(catalog: Catalog, text: str, model_id: str) -> None:
    assert resolve_model(catalog, text).id == model_id


GUIDE_NAMES = [
    "Llama 3.1 8B",
    "Llama 3.1 70B",
    "Llama-3.1-8B-Instruct",
    "Llama 3.2-1B-Instruct",
    "Llama 3.2-3B-Instruct",
    "Qwen 2.5 7B",
    "Qwen 2.5 14B",
    "Qwen 2.5 72B",
    "Qwen 2.5-Coder 14B",
    "Qwen3-0.6B",
    "Qwen3-1.7B",
    "Qwen3-4B",
    "Qwen3-4B-Instruct",
    "Gemma 3-1B-it",
    "Gemma 3 12B",
    "Gemma 3 12B IT",
    "SmolLM2-1.7B-Instruct",
    "Mistral 7B",
    "Mistral 7B v0.3",
    "Mixtral 8x7B",
    "Phi-3 Medium 14B",
    "Yi-34B-200K",
    "Command R",
    "CodeLlama 34B",
    "StarCoder2 15B",
    "DeepSeek-Coder-V2-Lite",
    "DeepSeek-V2",
    "bge-m3",
    "bge-large",
    "bge-large-en-v1.5",
    "nomic-embed-text",
    "mxbai-embed-large",
    "bert-base-uncased",
    "roberta-base",
]


@pytest.mark.parametrize("name", GUIDE_NAMES)
def test_every_model_that_the_guides_name_is_known_with_its_shape(catalog: Catalog, name: str) -> None:
    model = resolve_model(catalog, name)
    assert model.params_total
    if model.kind not in ("embedding", "encoder"):
        assert model.architecture is not None
        assert model.architecture.measured


def test_a_bare_name_means_the_tuned_model_and_says_so(catalog: Catalog) -> None:
    found = resolve_model_verbose(catalog, "Llama 3.1 8B")
    assert found.record.id == "meta-llama/Llama-3.1-8B-Instruct"
    assert "base model is meta-llama/Llama-3.1-8B" in found.note
    assert resolve_model_verbose(catalog, "Llama 3.1 8B Instruct").note == ""


@pytest.mark.parametrize(
    ("typo", "name"), [("Quen3 8B", "Qwen3-8B"), ("mistrall 7b", "Mistral-7B-Instruct-v0.3")]
)
def test_a_typo_is_read_and_reported(catalog: Catalog, typo: str, name: str) -> None:
    found = resolve_model_verbose(catalog, typo)
    assert (found.how, found.record.name) == ("typo", name)
    assert typo in found.note


@pytest.mark.parametrize(
    "text", ["llama-9-300b", "Llama 3.1 9B", "Qwen3 7B", "llava", "gpt-4o", "8b", "", "[/foo]"]
)
def test_a_name_is_never_replaced_by_another(catalog: Catalog, text: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        resolve_model(catalog, text)
    assert caught.value.hint


def test_an_unknown_name_offers_the_nearest(catalog: Catalog) -> None:
    with pytest.raises(UnknownNameError) as caught:
        resolve_model(catalog, "llama-9-300b")
    assert any("llama" in name.lower() for name in caught.value.nearest)
    assert "llama-9-300b" in caught.value.message
    assert nearest_names(catalog, "zzzzzz") == ()


def test_an_ambiguous_name_lists_what_it_could_mean(catalog: Catalog) -> None:
    for text in ("qwen 7b", "llama 70b", "phi"):
        with pytest.raises(AmbiguousNameError):
            resolve_model(catalog, text)
    with pytest.raises(AmbiguousNameError) as caught:
        resolve_model(catalog, "qwen3")
    assert "Qwen/Qwen3-8B" in caught.value.choices
    assert "Qwen/Qwen3-0.6B" in caught.value.choices


def test_only_a_date_or_version_may_be_left_out(catalog: Catalog) -> None:
    found = resolve_model_verbose(catalog, "olmo 2 32b")
    assert found.record.name == "OLMo-2-0325-32B-Instruct"
    nano = resolve_model_verbose(catalog, "nemotron nano 9b")
    assert nano.record.name == "NVIDIA-Nemotron-Nano-9B-v2"
    assert "nemotron nano 9b" in nano.note


def test_kinds_restrict_the_search(catalog: Catalog) -> None:
    assert resolve_model(catalog, "qwen3 embedding 0.6b", kinds={"embedding"}).kind == "embedding"
    with pytest.raises(UnknownNameError):
        resolve_model(catalog, "Qwen/Qwen3-8B", kinds={"reranker"})


def test_every_id_and_every_tag_finds_its_own_model(catalog: Catalog) -> None:
    for model in catalog.models:
        assert resolve_model(catalog, model.id) is model
        if model.ollama_tag:
            assert resolve_model(catalog, model.ollama_tag) is model, model.ollama_tag


def test_every_name_finds_its_model_or_the_tuned_one_of_its_family(catalog: Catalog) -> None:
    wrong = []
    for model in catalog.models:
        found = resolve_model(catalog, model.name)
        if found is not model and core(tokens(strip_quant(found.name))) != core(
            tokens(strip_quant(model.name))
        ):
            wrong.append((model.id, found.id))
    assert wrong == [("mistralai/Mistral-7B-v0.3", "mistralai/Mistral-7B-Instruct-v0.3")] or wrong == []


@given(st.text(max_size=60))
def test_any_text_is_answered_or_refused_in_one_sentence(text: str) -> None:
    refusal = _refusal(text)
    if refusal is not None:
        assert "\n" not in refusal.hint
        assert len(refusal.message) < 200


def _refusal(text: str) -> NoAnswerError | None:
    try:
        resolve_model(load_catalog(), text)
    except NoAnswerError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        (
            "should I use Llama 3.1 70B or Qwen 2.5 72B?",
            ["meta-llama/Llama-3.1-70B-Instruct", "Qwen/Qwen2.5-72B-Instruct"],
        ),
        ("use hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M", ["Qwen/Qwen3-8B"]),
        ("Phi-4 and gpt-oss 20b. Also bge-m3", ["microsoft/phi-4", "openai/gpt-oss-20b", "BAAI/bge-m3"]),
        ("I run llama.cpp with Ollama and llama_index on my 3090", []),
        ("I want a small model for code, all in all; step by step, on solar power", []),
        ("GPT-4o or Claude 3.5 Sonnet?", []),
        ("why not 70B?", []),
    ],
)
def test_models_in_a_sentence(catalog: Catalog, sentence: str, found: list[str]) -> None:
    mentions = find_model_names(catalog, sentence)
    assert [mention.record.id for mention in mentions if mention.record] == found
    for mention in mentions:
        assert sentence[mention.start : mention.end] == mention.text


def test_a_misspelled_model_in_a_sentence_is_read_and_reported(catalog: Catalog) -> None:
    (mention,) = find_model_names(catalog, "can I run Quen3 8B with under 70B of anything, like 32B?")
    assert mention.record is not None
    assert mention.record.name == "Qwen3-8B"
    assert "Quen3 8B" in mention.note


def test_a_family_in_a_sentence_gives_choices_and_an_unknown_size_none(catalog: Catalog) -> None:
    family, unknown = find_model_names(catalog, "Is qwen3 better than Llama 3.1 9B?")
    assert family.record is None
    assert "Qwen/Qwen3-8B" in family.choices
    assert (unknown.text, unknown.record, unknown.choices) == ("Llama 3.1 9B", None, ())
