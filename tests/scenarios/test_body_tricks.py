"""Bodies that two parsers could read differently never reach the server."""

import gzip
import io
import json

import pytest
from scenarios.stage import META

pytestmark = pytest.mark.timeout(120)


def call(**changes):
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "read_file", "arguments": {"path": "a"}, "_meta": META},
    }
    return message | changes


GOOD = json.dumps(call())
META_TEXT = json.dumps(META)

TRICKS = {
    "batch": f"[{GOOD}]".encode(),
    "duplicate name": GOOD.replace('"name": ', '"name": "drop_table", "name": ').encode(),
    "case variant": GOOD.replace('"name": ', '"Name": "drop_table", "name": ').encode(),
    "duplicate method": GOOD.replace('"method": ', '"method": "ping", "method": ').encode(),
    "duplicate argument": GOOD.replace('"path": ', '"path": "b", "path": ').encode(),
    "byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "utf-16": GOOD.encode("utf-16"),
    "not a number": GOOD.replace('"a"', "NaN").encode(),
    "infinite": GOOD.replace('"a"', "1e400").encode(),
    "no id": json.dumps({k: v for k, v in call().items() if k != "id"}).encode(),
    "null id": json.dumps(call(id=None)).encode(),
    "arguments are a list": GOOD.replace('{"path": "a"}', '["a"]').encode(),
    "arguments are text": GOOD.replace('{"path": "a"}', '"a"').encode(),
    "name is a list": GOOD.replace('"read_file"', '["read_file"]').encode(),
    "unknown method": json.dumps(call(method="tools/execute")).encode(),
    "method in capitals": json.dumps(call(method="Tools/Call")).encode(),
    "not json": b"hello",
    "empty": b"",
    "nested": (b'{"a":' * 5000) + b"1" + (b"}" * 5000),
    "bad utf-8": GOOD.encode().replace(b'"a"', b'"\xff"'),
    "lone surrogate": GOOD.replace('"a"', '"\\ud800"').encode(),
}


def probes(body):
    """Return whether Placet itself asked, as it does now and then, how the server is."""
    message = json.loads(body)
    told = message["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]
    return message["method"] != "tools/call" and told["name"] == "placet"


async def test_no_body_trick_reaches_the_server(staged):
    async with staged() as stage:
        replica = await stage.serve()
        seen = len(stage.server.bodies)
        headers = {"Mcp-Method": "tools/call", "Mcp-Name": "read_file"}

        answers = {name: await replica.post(body, headers) for name, body in TRICKS.items()}
        answers["compressed"] = await replica.post(
            gzip.compress(GOOD.encode()), headers | {"Content-Encoding": "gzip"}
        )
        answers["text"] = await replica.post(
            GOOD.encode(), headers | {"Content-Type": "text/plain"}
        )
        answers["100 MB"] = await replica.post(
            io.BytesIO(b" " * 100_000_000 + GOOD.encode()), headers
        )
        answers["name in header differs"] = await replica.post(
            GOOD.encode(), headers | {"Mcp-Name": "write_file"}
        )

        clear = {name: json.loads(body)["error"]["message"] for name, (_, body) in answers.items()}
        assert all(clear.values())
        assert {name for name, (status, _) in answers.items() if status < 400} == set()
        assert [body for body in stage.server.bodies[seen:] if not probes(body)] == []
        ran = await replica.post(GOOD.encode(), headers)
        assert ran[0] == 200
