"""What the tests of the JSON API share: requests, and every answer held against the document."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

from gateway_stage import CI_BOT, POLICY, Stage, staged
from jsonschema import Draft202012Validator

OPERATOR = "operator-key-0123456789-0123456789-0123456789"

SERVERS = """\
servers:
  claude-code: {external: true, team: platform, preset: claude-code}
  asking: {external: true, team: platform, tools: {look: Looks.}, undeclared: require_approval}
  watched: {external: true, team: platform, tools: {run: Runs.}, observe: true}
operators: {auditor: {key: "operator-key-0123456789-0123456789-0123456789"}}
"""

RULES = """\
  - {name: all-asked, match: {server: asking}, effect: allow}
  - {name: reading, match: {server: claude-code, risk: read}, effect: allow}
  - {name: no-kills, match: {tool: KillShell}, effect: deny, message: killing is done by people}
"""


def with_servers(text: str) -> str:
    """Return a placet.yaml with external servers and an operator beside what it has."""
    head, _, operators = SERVERS.partition("operators:")
    return text.replace("servers:\n", head, 1) + f"operators:{operators}"


class Api:
    """The JSON API of a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.document: Any = None

    async def ask(self, tool: str = "Bash", key: str | None = CI_BOT, **body: Any) -> Any:
        """Ask for a decision, of claude-code unless told otherwise, and return it."""
        status, told = await self.post("/v1/decisions", asked(tool, **body), key)
        assert status == 200, told
        return told

    async def look(self, name: str, key: str = CI_BOT, wait: float = 0) -> Any:
        """Return how a decision stands."""
        status, told = await self.get(f"/v1/decisions/{name}?wait={wait}", key)
        assert status == 200, told
        return told

    async def report(self, name: str, outcome: str = "ok", key: str = CI_BOT, **body: Any) -> Any:
        """Report an outcome; return status and answer."""
        path = f"/v1/decisions/{name}/outcome"
        return await self.post(path, {"outcome": outcome, **body}, key)

    async def post(
        self, path: str, body: Any, key: str | None = CI_BOT, **headers: str
    ) -> tuple[int, Any]:
        """Post JSON, or bytes as they are."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.send("POST", path, key, sent, **headers)

    async def get(self, path: str, key: str | None = CI_BOT) -> tuple[int, Any]:
        """Get a path."""
        return await self.send("GET", path, key)

    async def send(
        self, method: str, path: str, key: str | None, body: bytes | None = None, **headers: str
    ) -> tuple[int, Any]:
        """Send a request; the answer has to be as the document says."""
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= headers
        url = self.stage.url + path
        data = None if body is None else BytesIO(body)
        async with self.stage.http.request(method, url, data=data, headers=sent) as answer:
            told = json.loads(await answer.read())
            await self._check(method, path.partition("?")[0], answer, told)
            return answer.status, told

    async def _check(self, method: str, path: str, answer: Any, told: Any) -> None:
        described = self._operation(await self._read(), method, path)
        if described is None:
            assert answer.content_type == "application/problem+json"
            assert answer.status in {403, 404, 405}
            return
        response = described["responses"][str(answer.status)]
        content = response["content"][answer.content_type]
        for name, header in response.get("headers", {}).items():
            assert name in answer.headers or not header.get("required")
        schema = {**content["schema"], "components": self.document["components"]}
        Draft202012Validator(schema).validate(told)

    async def _read(self) -> Any:
        if self.document is None:
            async with self.stage.http.get(f"{self.stage.url}/v1/openapi.json") as answer:
                self.document = json.loads(await answer.read())
        return self.document

    @staticmethod
    def _operation(document: Any, method: str, path: str) -> Any:
        steps = path.split("/")
        for template, item in document["paths"].items():
            parts = template.split("/")
            fits = [a == b or a.startswith("{") for a, b in zip(parts, steps, strict=False)]
            if len(parts) == len(steps) and all(fits) and method.lower() in item:
                return item[method.lower()]
        return None


def asked(tool: str = "Bash", **body: Any) -> dict[str, Any]:
    """Return the body of a question."""
    return {"server": "claude-code", "tool": tool, "arguments": {"command": "make"}} | body


@asynccontextmanager
async def api(url: str, **options: Any) -> AsyncIterator[Api]:
    """Open a gateway with external servers for the length of a block."""
    given = {"policy": POLICY + RULES, "rewrite": with_servers, **options}
    async with staged(url, **given) as stage:
        yield Api(stage)
