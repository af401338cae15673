"""What an endpoint does wrong is told soon, with the next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.http_server import FakeServer
from tests.fakes.http_server import Reply as Answered
from tests.fakes.model_script import Fail
from tests.tools.evaluation.scripted import QUICK, FakeModels, plan_for, plan_for_address, run
from tools.evaluation.document import document_of
from tools.evaluation.plan import endpoint_address
from tools.evaluation.runner import Again
from tools.model_calls.errors import ModelError

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
PAGE = Answered(b"<html>Welcome</html>", 200, {"Content-Type": "text/html"})


async def test_a_page_instead_of_an_answer_is_told_soon_with_what_to_check(tmp_path: Path) -> None:
    with FakeServer(lambda request: PAGE) as server:
        result, events = await run(plan_for_address(f"{server.url}/v1", scenarios=2), tmp_path)
        assert len(server.asked) == 2 * 2 * QUICK.unreadable_tries
    error = document_of(result)["error"]
    assert error["code"] == "malformed"
    assert "often ends in /v1" in error["hint"]
    assert "is finished is kept" in error["hint"]
    assert [type(event.error) for event in events if isinstance(event, Again)] == [ModelError] * 2


@pytest.mark.parametrize(
    ("status", "code", "hint"), [(401, "bad_key", "--key-variable"), (404, "model_missing", "/v1")]
)
async def test_the_next_step_is_one_for_the_endpoint(
    tmp_path: Path, status: int, code: str, hint: str
) -> None:
    with FakeModels(m=[Fail(status, "no")]) as server:
        result, _ = await run(plan_for(server, "m", scenarios=2), tmp_path)
    error = document_of(result)["error"]
    assert error["code"] == code
    assert hint in error["hint"]


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("localhost:8000", "http://localhost:8000/v1"),
        ("http://localhost:8000/", "http://localhost:8000/v1"),
        ("https://models.example/api/v3/", "https://models.example/api/v3"),
        ("http://localhost:8000/v1/chat/completions", "http://localhost:8000/v1"),
        ("127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
    ],
)
def test_an_address_is_taken_as_people_write_it(given: str, address: str) -> None:
    assert endpoint_address(given) == address
