"""Operators see whether Placet lives, whether it is ready, and why not."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Counter

from placet_operations import Operations, premises_of
from policies.configuration.settings import GatewaySection
from policies.yaml.fields import Address


@pytest.fixture
async def troubles():
    return {"ledger": [], "slack": []}


@pytest.fixture
async def operations(troubles):
    checks = {name: (lambda name=name: troubles[name]) for name in troubles}
    return Operations(CollectorRegistry(), checks)


@pytest.fixture
async def client(operations):
    async with TestClient(TestServer(operations.application())) as client:
        yield client


async def test_it_is_ready_where_no_part_has_trouble(client):
    answer = await client.get("/readyz")

    assert answer.status == 200
    assert await answer.json() == {"ready": True, "checks": {"ledger": [], "slack": []}}


async def test_a_part_in_trouble_makes_it_unready_and_is_named(client, troubles):
    troubles["slack"].append("the socket is closed")

    answer = await client.get("/readyz")

    assert answer.status == 503
    assert await answer.json() == {
        "ready": False,
        "checks": {"ledger": [], "slack": ["the socket is closed"]},
    }


async def test_a_load_balancer_may_look_at_some_parts_only(client, troubles):
    troubles["slack"].append("the socket is closed")

    answer = await client.get("/readyz", params={"only": "ledger"})

    assert answer.status == 200


@pytest.mark.parametrize("query", ["only=ledger,slack", "only=ledger&only=slack"])
async def test_every_part_that_is_named_is_looked_at(client, troubles, query):
    troubles["slack"].append("the socket is closed")

    answer = await client.get(f"/readyz?{query}")

    assert answer.status == 503


async def test_an_unknown_part_is_an_error_and_never_ready(client):
    answer = await client.get("/readyz", params={"only": "leger"})

    assert answer.status == 400
    assert await answer.json() == {"unknown": ["leger"], "known": ["ledger", "slack"]}


async def test_a_check_that_breaks_is_a_part_that_is_not_ready(client, operations, caplog):
    def breaks():
        message = "secret-in-a-message"
        raise ValueError(message)

    operations.checks = {"ledger": breaks}

    answer = await client.get("/readyz")

    assert answer.status == 503
    assert "secret-in-a-message" not in await answer.text()
    assert "the readiness check of ledger broke" in caplog.text


async def test_a_notice_is_loud_and_makes_nothing_unready(client, operations):
    operations.notices = [lambda: ["server `files` only observes"], list]

    answer = await client.get("/readyz")

    assert answer.status == 200
    assert (await answer.json())["notices"] == ["server `files` only observes"]


async def test_it_is_not_ready_while_it_drains(client, operations):
    operations.draining = True

    answer = await client.get("/readyz")

    assert answer.status == 503


async def test_it_lives_while_it_drains(client, operations):
    operations.draining = True

    answer = await client.get("/healthz")

    assert answer.status == 200


async def test_metrics_are_those_of_the_registry_handed_in(client, operations):
    Counter("placet_things", "Things.", registry=operations.registry).inc()

    answer = await client.get("/metrics")

    assert "placet_things_total 1.0" in await answer.text()


NAMED = GatewaySection(allowed_hosts=["placet.example"])


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8789", 200),
        ("127.0.0.1:9090", 200),
        ("[::1]:8789", 200),
        ("placet.example", 200),
        ("rebound.example:8789", 403),
        ("127.0.0.1.rebound.example", 403),
    ],
)
async def test_on_loopback_no_page_looks_by_a_name_of_its_own(client, operations, host, status):
    operations.premises = premises_of(Address(host="127.0.0.1", port=8789), NAMED)

    for path in ("/healthz", "/readyz", "/metrics", "/nowhere"):
        answer = await client.get(path, headers={"Host": host})

        assert answer.status == (404 if (status, path) == (200, "/nowhere") else status)
        assert ("allowed_hosts" in await answer.text()) == (status == 403)


@pytest.mark.parametrize("address", ["0.0.0.0", "10.0.0.7"])  # noqa: S104 (nothing is bound)
async def test_elsewhere_it_is_called_by_any_name(client, operations, address):
    operations.premises = premises_of(Address(host=address, port=8789), NAMED)

    answer = await client.get("/metrics", headers={"Host": "placet.monitoring.svc:8789"})

    assert answer.status == 200


async def test_a_probe_of_http_1_0_names_no_host(operations):
    operations.premises = premises_of(Address(host="127.0.0.1", port=8789), GatewaySection())
    async with TestServer(operations.application()) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")

        assert (await reader.readline()).split()[1] == b"200"
        writer.close()
