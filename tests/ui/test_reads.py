"""Reads over SQL: what is asked of storage, wrong questions, and what the documents list."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.ui.conftest import Tenth
from tests.ui.peers import Answer
from ui.reads import statement

DOCS = Path(__file__).parents[2] / "docs" / "http-api.md"


async def test_documented_endpoints_are_those_of_the_app(tenth: Tenth) -> None:
    """Each endpoint of the schema is in docs/http-api.md, and each one there exists."""
    schema = (await tenth.http.get("/schema/openapi.json")).json()
    served = {
        f"{method.upper()} {path}" for path, item in schema["paths"].items() for method in item
    }
    text = DOCS.read_text() + (DOCS.parent / "live.md").read_text()
    documented = set(re.findall(r"`((?:GET|POST|DELETE|PUT) /(?:api/|healthz|readyz)[^`?]*)", text))
    assert documented == served


async def test_what_people_type_is_a_parameter(tenth: Tenth) -> None:
    """Text of a question never gets into a statement, only into its parameters."""
    query = statement("operations").replace("{filters}", "service_name = $service")
    tenth.storage.answers[query] = Answer([pa.table({"service": ["x"], "spans": [3]})])
    response = await tenth.http.get("/api/operations", params={"service": "x' OR 1=1 --"})
    assert response.json() == {"operations": [{"service": "x", "spans": 3}], "truncated": False}
    (request,) = tenth.storage.requests
    assert request.query == query
    assert request.params_json == '{"service":"x\' OR 1=1 --"}'
    assert request.max_rows == 1_000


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/traces", {"attribute": "no-colon"}),
        ("/api/traces", {"status": "broken"}),
        ("/api/traces", {"limit": 5_000}),
        ("/api/traces", {"attribute": ["a:b"] * 9}),
        ("/api/traces/xyz", {}),
        ("/api/logs", {"severity": "loud"}),
        ("/api/logs", {"cursor": "-1"}),
        ("/api/logs", {"from_ms": "yesterday"}),
        ("/api/service-map", {"from_ms": 5, "to_ms": 5}),
    ],
)
async def test_wrong_questions_are_refused(tenth: Tenth, path: str, query: dict[str, Any]) -> None:
    """A question that is not valid is a 400 that says so, and nothing is asked of storage."""
    response = await tenth.http.get(path, params=query)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert tenth.storage.requests == []


async def test_reads_without_storage(tenth: Tenth) -> None:
    """When storage is down, reads are a 503 that says when to come back."""
    await tenth.stop("storage")
    response = await tenth.http.get("/api/services")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
