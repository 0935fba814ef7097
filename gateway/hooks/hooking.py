"""Has Placet decide on the tools that Claude Code uses, for as long as a hook may take."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.hooks.claude_code import Use, Used
from gateway.hooks.decision_client import DecisionClient, NoAnswer, Reply, Until
from policies.values.refusals import Refused
from policies.values.strict_json import canonical

_ONE_WAIT = 25.0
"""Seconds that one request waits for people: proxies in between bear that."""
_SLACK = 5.0
"""Seconds that an answer may take beyond what it waits for people."""
_REPORTING = 15.0
"""Seconds in which how a use ended is reported: a Placet that starts again is back by then."""
_PAUSE = 0.5
_LONGEST_ERROR = 10_000
_NOT_FOUND = 404
_OK = 200
_UNAUTHORIZED = 401
_AGAIN = "To ask again, use the tool again with the same input."


@dataclass(frozen=True)
class Said:
    """What Placet says of a tool's use: `allow` or `deny`, and why."""

    decision: str
    reason: str


class Hook:
    """One use of a tool, before or after. Whatever is not a clear yes is a no."""

    def __init__(self, client: DecisionClient) -> None:
        """Ask through `client`."""
        self._client = client
        self._met = False

    def decide(self, use: Use, seconds: float) -> Said:
        """Return what Placet says, within `seconds` for people and some more for the rest.

        Raises Refused where there is no decision.
        """
        until = Until.after(seconds)
        told = self._asked(use, until)
        while told.get("decision") == "pending" and until.left > 0 and _id(told) is not None:
            told = self._again(f"/v1/decisions/{_id(told)}", until)
        reason = told.get("message")
        if told.get("decision") not in {"allow", "deny", "pending", "ended"}:
            raise Refused("Placet gave an answer that is not known here")
        allowed = told["decision"] == "allow"
        said = reason if isinstance(reason, str) else "Placet gave no reason"
        if told["decision"] == "pending":
            said = f"{said} {_AGAIN}"
        return Said("allow" if allowed else "deny", said)

    def report(self, used: Used) -> None:
        """Report how a tool's use ended; what was never asked about is left alone.

        A Placet that is away just now may be back in a moment. Raises Refused
        where it could not be reported.
        """
        if used.request_id is None:
            return
        body = {"outcome": used.outcome, "duration_ms": used.duration_ms, "size": used.size}
        if used.error is not None:
            body["error"] = used.error[:_LONGEST_ERROR]
        path = f"/v1/decisions/request:{used.request_id}/outcome"
        self._met = True  # it let the tool be used, and nobody says again how that ended
        until = Until.after(_REPORTING)
        reply = self._patiently("POST", path, json.dumps(body).encode(), until, 0)
        if reply.status not in {_OK, _NOT_FOUND}:
            raise Refused(reply.detail)

    def _asked(self, use: Use, until: Until) -> Mapping[str, Any]:
        wait = min(until.left, _ONE_WAIT)
        asked: dict[str, Any] = {"server": use.server, "tool": use.tool}
        if use.request_id is not None:
            asked["request_id"] = use.request_id
        head = json.dumps(asked | {"wait": wait})
        body = f'{head[:-1]}, "arguments": {canonical(use.arguments)}}}'.encode()
        if use.request_id is None:  # sent again, it would be another request
            reply = self._client.send("POST", "/v1/decisions", wait + _SLACK, body)
        else:
            reply = self._patiently("POST", "/v1/decisions", body, until, wait)
        return _decided(reply)

    def _again(self, path: str, until: Until) -> Mapping[str, Any]:
        wait = min(until.left, _ONE_WAIT)
        began = time.monotonic()
        told = _decided(self._patiently("GET", f"{path}?wait={wait:.3f}", None, until, wait))
        if told.get("decision") == "pending" and time.monotonic() - began < min(wait, _PAUSE):
            time.sleep(min(_PAUSE, until.left))
        return told

    def _patiently(
        self, method: str, path: str, body: bytes | None, until: Until, wait: float
    ) -> Reply:
        """Send a request that may be sent again, until it is answered or there is no time left.

        Where nobody was ever there, it is not sent again. Raises NoAnswer.
        """
        longest = Until.after(max(until.left, _SLACK))
        while True:
            try:
                reply = self._client.send(method, path, wait + _SLACK, body)
            except NoAnswer as failed:
                self._met = self._met or failed.sent
                if not self._met or longest.left <= _PAUSE:
                    raise
            else:
                self._met = True
                if not reply.later or longest.left <= _PAUSE:
                    return reply
            time.sleep(_PAUSE)


def _decided(reply: Reply) -> Mapping[str, Any]:
    if reply.status == _UNAUTHORIZED:
        raise Refused(f"{reply.detail}, in `PLACET_KEY` or the file that `PLACET_KEY_FILE` names")
    if reply.status != _OK:
        raise Refused(reply.detail)
    return reply.told


def _id(told: Mapping[str, Any]) -> str | None:
    name = told.get("id")
    return name if isinstance(name, str) and name.isascii() and name.isidentifier() else None
