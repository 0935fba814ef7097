"""The official client finds the issuer by itself, gets a token for the server, and calls."""

import contextlib
import socket

import httpx2
import pytest
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from token_stage import taking_tokens


@pytest.fixture
def other_port():
    """Give a port that is not that of the server."""
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Wallet:
    """Keeps a client's tokens in memory."""

    def __init__(self):
        self.tokens = None
        self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


def provider(url, issuer):
    return ClientCredentialsOAuthProvider(
        server_url=url,
        storage=Wallet(),
        client_id="web-client",
        client_secret="secret",
        token_endpoint_auth_method="client_secret_post",
        issuer=issuer.url,
    )


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("more", ["", ", scopes: [tools, placet]"])
async def test_a_client_that_knows_only_the_address_gets_a_token_and_calls(
    sqlite_url, issuer, sdk_server, mode, more, other_port
):
    here = f"http://127.0.0.1:{other_port}"
    url = f"{here}/mcp/files"
    rules = 'version: 1\nrules: [{name: reads, match: {tool: "read_*"}, effect: allow}]\n'
    async with (
        taking_tokens(
            sqlite_url,
            issuer,
            more,
            here,
            policy=rules,
            port=other_port,
            server=sdk_server,
        ) as stage,
        httpx2.AsyncClient(auth=provider(url, issuer), timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        result = await client.call_tool("read_note", {"name": "a"})

        decided = [r.event for r in await stage.ledger.events() if r.event.TOPIC == "CallDecided"]
        (granted,) = issuer.granted
        assert not result.is_error
        assert [(event.agent, event.on_behalf_of) for event in decided] == [("web", None)]
        assert granted["resource"] == url
        assert granted.get("scope") == ("tools placet" if more else None)
