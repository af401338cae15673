"""The Model Context Protocol's server, asked by the SDK's own client: in memory, and as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters

from knowledge.guide_set import all_guides
from knowledge.home import home
from tests.tui.cli_help import Program
from tools.registry import GUARDED, TOOLS
from tui.context_protocol import tools
from tui.context_protocol.server import build

MODEL = "Llama-3.1-8B-Instruct"
VALID: dict[str, dict[str, Any]] = {
    "estimate_memory": {"model": MODEL, "context": 8192},
    "fit_model": {"model": MODEL, "hardware": "RTX 3060 12GB"},
    "compare_models": {"models": [MODEL, "Qwen3-8B"]},
    "lookup_benchmarks": {"model": MODEL},
    "recommend": {"task": "code", "hardware": "RTX 3060 12GB"},
    "plan_tokens": {"model": MODEL, "exchanges": 10},
    "plan_finetune": {"model": MODEL, "hardware": "RTX 4090"},
    "plan_migration": {"base": MODEL},
    "plan_cost": {"task": "chat", "requests": 1000, "hardware": "RTX 4090"},
    "plan_pretraining": {"hardware": "RTX 4090"},
    "plan_retrieval_stack": {"hardware": "RTX 4090"},
}


def said(result: Any) -> str:
    return str(result.content[0].text)


async def test_the_tools_are_those_of_the_registry_and_change_nothing() -> None:
    async with Client(build(offline=True)) as client:
        listed = (await client.list_tools()).tools
    assert [tool.name for tool in listed] == [tool.name for tool in TOOLS]
    assert not {tool.name for tool in GUARDED} & {tool.name for tool in listed}
    for shown, tool in zip(listed, TOOLS, strict=True):
        assert shown.description == tool.description
        assert shown.input_schema == tool.parameters()
        assert shown.annotations is not None
        assert shown.annotations.read_only_hint is True
        assert shown.annotations.open_world_hint is False


@pytest.mark.parametrize("name", VALID)
async def test_each_tool_answers_with_the_registry_s_document(name: str) -> None:
    async with Client(build(offline=True)) as client:
        result = await client.call_tool(name, VALID[name])
    assert result.is_error is False, said(result)
    assert result.structured_content == json.loads(said(result))
    assert isinstance(result.structured_content, dict)
    assert set(result.structured_content) != {"error"}


@pytest.mark.parametrize("name", [*VALID, "search_guides"])
async def test_wrong_arguments_are_a_tool_error_with_a_sentence(name: str) -> None:
    async with Client(build(offline=True)) as client:
        result = await client.call_tool(name, {"no_such_argument": {"deep": [1]}})
    assert result.is_error is True
    assert result.structured_content["error"]["code"]
    assert "Traceback" not in said(result)
    assert said(result).startswith(result.structured_content["error"]["message"])


async def test_an_unknown_model_comes_with_a_hint_in_any_script() -> None:
    async with Client(build(offline=True)) as client:
        result = await client.call_tool("estimate_memory", {"model": "モデル 😀"})
        unknown = await client.call_tool("no_such_tool", {})
    assert result.is_error is True
    assert "モデル 😀" in said(result)
    assert unknown.is_error is True
    assert "estimate_memory" in said(unknown)


async def test_where_nothing_fits_the_document_says_why_and_is_no_failure() -> None:
    wanted = {"model": "Llama-3.1-70B-Instruct", "hardware": "GTX 1050 2GB", "quant": "F16"}
    async with Client(build(offline=True)) as client:
        result = await client.call_tool("fit_model", wanted)
    assert result.is_error is False
    assert result.structured_content["error"]["message"]


async def test_a_fault_of_ours_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ZeroDivisionError("secret details")

    monkeypatch.setattr(tools, "find_tool", broken)
    async with Client(build(offline=True)) as client:
        result = await client.call_tool("estimate_memory", {"model": MODEL})
    assert result.is_error is True
    assert "ZeroDivisionError" in said(result)
    assert "secret details" not in said(result)


async def test_calls_side_by_side_answer_as_one_by_one() -> None:
    contexts = [1024 * number for number in range(1, 9)]

    async with Client(build(offline=True)) as client:
        found: dict[int, Any] = {}

        async def ask(context: int) -> None:
            result = await client.call_tool("estimate_memory", {"model": MODEL, "context": context})
            found[context] = result.structured_content

        async with anyio.create_task_group() as group:
            for context in contexts:
                group.start_soon(ask, context)
        for context in contexts:
            again = await client.call_tool("estimate_memory", {"model": MODEL, "context": context})
            assert found[context] == again.structured_content
    sizes = [found[context]["kv_cache_bytes"] for context in contexts]
    assert sizes == sorted(set(sizes))


async def test_offline_reaches_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def search(query: Any, *, offline: bool = False) -> dict[str, Any]:
        asked.append(offline)
        return {"query": query.query, "passages": [], "covered": False}

    monkeypatch.setattr(tools, "search", search)
    async with Client(build(offline=True)) as client:
        result = await client.call_tool("search_guides", {"query": "Größe des KV-Caches"})
    assert asked == [True]
    assert result.structured_content["query"] == "Größe des KV-Caches"


async def test_every_guide_is_a_resource_with_the_lines_that_citations_name() -> None:
    guides = {guide.file: guide for guide in all_guides(home())}
    async with Client(build(offline=True)) as client:
        listed = (await client.list_resources()).resources
        assert {one.name for one in listed} == set(guides)
        for one in listed:
            text = (await client.read_resource(one.uri)).contents[0].text  # type: ignore[union-attr]
            assert text.split("\n")[:-1] == list(guides[one.name].lines)
            assert one.size == len(text.encode())


@pytest.mark.parametrize(
    "uri", ["guide:///nothing.md", "guide:///../../pyproject.toml", "file:///etc/passwd", "guide:///%2e%2e/x"]
)
async def test_no_other_file_is_a_resource(uri: str) -> None:
    async with Client(build(offline=True)) as client:
        with pytest.raises(MCPError, match="no guide"):
            await client.read_resource(uri)


async def test_the_prompt_takes_what_is_needed() -> None:
    async with Client(build(offline=True)) as client:
        assert [one.name for one in (await client.list_prompts()).prompts] == ["choose_model"]
        filled = await client.get_prompt("choose_model", {"need": "{braces} über", "hardware": "RTX 3090"})
        text = filled.messages[0].content.text  # type: ignore[union-attr]
        assert "- need: {braces} über\n- hardware: RTX 3090" in text
        with pytest.raises(MCPError, match="need"):
            await client.get_prompt("choose_model", {})
        with pytest.raises(MCPError, match="no prompt"):
            await client.get_prompt("other", {})


def _process(state: Path, **more: str) -> StdioServerParameters:
    environment = {**os.environ, "LLM_ADVISOR_HOME": str(state), **more}
    return StdioServerParameters(
        command=sys.executable, args=["-P", "-m", "tui.cli", "mcp", "--offline"], env=environment
    )


@pytest.mark.index
async def test_a_real_process_serves_a_whole_session(tmp_path: Path) -> None:
    async with Client(_process(tmp_path)) as client:
        assert len((await client.list_tools()).tools) == len(TOOLS)
        result = await client.call_tool("recommend", VALID["recommend"])
        assert len(said(result)) > 10_000
        assert result.structured_content["candidates"]
        found = await client.call_tool("search_guides", {"query": "KV cache quantization", "k": 3})
        assert len(found.structured_content["passages"]) == 3
        uri = (await client.list_resources()).resources[0].uri
        assert (await client.read_resource(uri)).contents


async def test_a_cancelled_call_leaves_the_server_answering(tmp_path: Path) -> None:
    async with Client(_process(tmp_path)) as client:
        with anyio.move_on_after(0.05) as scope:
            await client.call_tool("recommend", VALID["recommend"])
        assert scope.cancelled_caught
        result = await client.call_tool("estimate_memory", {"model": MODEL})
        assert result.is_error is False


def _handshake() -> bytes:
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    return json.dumps(asked).encode() + b"\n"


def _started(state: Path) -> subprocess.Popen[bytes]:
    given = _process(state)
    return subprocess.Popen(
        [given.command, *given.args],
        env=given.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_nothing_but_the_protocol_is_on_stdout_and_the_end_of_input_ends_it(tmp_path: Path) -> None:
    out, err = _started(tmp_path).communicate(b"no json\n" + _handshake(), timeout=60)
    lines = [json.loads(line) for line in out.split(b"\n") if line]
    answers = [line for line in lines if line.get("id") == 1]
    assert answers[0]["result"]["serverInfo"]["name"] == "llm-advisor"
    assert all(line["jsonrpc"] == "2.0" for line in lines)
    assert b"Traceback" not in err


def test_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    import signal

    process = _started(tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(_handshake())
    process.stdin.flush()
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    process.communicate()


def test_the_handshake_needs_nothing_heavy() -> None:
    code = (
        "import sys, tui.command_mcp; from tui.context_protocol.server import build; build(offline=True); "
        "print(sorted({n.split('.')[0] for n in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.replace("'", "").strip("[]\n").split(", "))
    assert "mcp" in loaded
    assert not loaded & {"litellm", "torch", "sentence_transformers", "chromadb", "langgraph", "numpy"}


def test_the_help_shows_what_a_client_s_configuration_holds(program: Program) -> None:
    text = program("mcp", "--help").out
    line = next(line for line in text.split("\n") if "mcpServers" in line)
    assert json.loads(line) == {"mcpServers": {"llm-advisor": {"command": "llm-advisor", "args": ["mcp"]}}}
