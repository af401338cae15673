"""Requests: what is accepted, and how an error reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import UsageError
from tools.commands.memory import MemoryQuery
from tools.commands.requests import MAX_TOKENS, as_mapping, parse


def complaint(values: dict[str, Any]) -> str:
    """The error's sentence, or a full stop where there is none."""
    try:
        parse(MemoryQuery, values)
    except UsageError as error:
        return error.message
    return "."


def error_of(values: dict[str, Any]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse(MemoryQuery, values)
    return caught.value


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        (8192, 8192),
        ("8192", 8192),
        ("32k", 32768),
        ("32K", 32768),
        ("1M", 1 << 20),
        ("0.5k", 512),
        (4096.0, 4096),
    ],
)
def test_contexts_are_read(given: object, tokens: int) -> None:
    assert parse(MemoryQuery, {"model": "x", "context": given}).context == tokens


@pytest.mark.parametrize(
    "given", [0, -1, "0", "-5", "-32k", MAX_TOKENS + 1, "1000M", 1.5, "lots", True, [8192], float("inf"), ""]
)
def test_absurd_contexts_are_refused_by_name(given: object) -> None:
    error = error_of({"model": "x", "context": given})
    assert error.exit_status == 2
    assert error.message.startswith("`context` should")
    assert error.hint.startswith("context: ")
    assert "\n" not in error.message


def test_unknown_key_offers_the_nearest() -> None:
    error = error_of({"model": "x", "kv-cache-type": "f16"})
    assert (error.message, error.hint) == ("Unknown key `kv-cache-type`.", "Did you mean `kv_cache_type`?")


def test_unknown_key_without_a_neighbor_lists_all() -> None:
    assert "ubatch_size" in error_of({"model": "x", "zzz": 1}).hint


def test_a_missing_model_is_said() -> None:
    assert error_of({"context": 1}).message == "`model` is missing."


@pytest.mark.parametrize(
    "values",
    [
        {"parallel": 0},
        {"parallel": True},
        {"ubatch_size": -1},
        {"flash_attention": "perhaps"},
        {"gpu_layers": -1},
        {"tensor_split": "a,b"},
        {"tensor_split": []},
        {"tensor_split": [-1]},
        {"frontend": "web"},
        {"train": "magic"},
        {"model": ""},
        {"model": "x" * 301},
        {"model": 7},
        {"hardware": " "},
        {"hardware": "x" * 3000},
    ],
    ids=str,
)
def test_values_that_are_off_are_named(values: dict[str, Any]) -> None:
    error = error_of({"model": "x", **values})
    assert f"`{next(iter(values))}`" in error.message
    assert len(error.message) < 300


@pytest.mark.parametrize(("given", "meant"), [("on", True), ("off", False), (True, True), ("false", False)])
def test_switches(given: object, meant: bool) -> None:
    assert parse(MemoryQuery, {"model": "x", "flash_attention": given}).flash_attention is meant


def test_control_characters_in_names_become_spaces() -> None:
    assert parse(MemoryQuery, {"model": "a\x00b\n"}).model == "a b"


def test_splits_are_read_from_text() -> None:
    assert parse(MemoryQuery, {"model": "x", "tensor_split": "3,1"}).tensor_split == (3.0, 1.0)


@given(
    st.dictionaries(
        st.text(max_size=20),
        st.one_of(st.text(max_size=20), st.integers(), st.none(), st.lists(st.integers())),
    )
)
def test_any_mapping_is_a_request_or_a_usage_error(values: dict[str, Any]) -> None:
    assert complaint(values).endswith(".")


@pytest.mark.parametrize("value", [[], 3, "x", None])
def test_only_objects_are_requests(value: object) -> None:
    with pytest.raises(UsageError, match="JSON object"):
        as_mapping(value)
