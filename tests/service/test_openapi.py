"""The OpenAPI document: true of every answer, by generated requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from bridge.service.auth.keys import KeyRight
from bridge.service.openapi import Right
from tests.service.in_process import InProcessService, bearer, serving

EXAMPLES = 60
"""Requests of each kind for each operation."""

CONTRACT = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.ignored_auth,
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessService]:
    with serving(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def operations(service: InProcessService) -> list[APIOperation]:
    document = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    return [result.ok() for result in document.get_all_operations()]


def test_document_describes_every_operation_and_its_answers(service: InProcessService) -> None:
    document = service.client.get("/openapi.json").json()
    found = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(found) == 10
    assert all(operation["summary"] and operation["tags"] for operation in found)
    assert document["components"]["schemas"]["Completion"]["examples"]
    for name in _references(document):
        assert name in document["components"]["schemas"]
    secured = [o for o in found if "security" in o]
    assert len(secured) == 6
    assert all("401" in operation["responses"] for operation in secured)


def test_document_lists_every_right_of_a_key() -> None:
    assert list(Right) == list(KeyRight)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _references(item)


@pytest.mark.parametrize("mode", GenerationMode)
def test_no_request_breaks_the_contract(
    service: InProcessService, operations: list[Any], mode: GenerationMode
) -> None:
    """With a key for everything, so that requests come as far as they can."""
    key = service.key()
    for operation in operations:
        takes = list(operation.iter_parameters()) or list(operation.body)
        if mode is GenerationMode.NEGATIVE and not takes:
            continue  # there is nothing in it that could be wrong

        @seed(2026)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Case) -> None:
            response = case.call(headers=bearer(key))
            case.validate_response(response, checks=CONTRACT, headers=bearer(key))

        check()
