"""Counts what becomes of requests and calls, and tells the log: what is no plain call, aloud."""

import logging
import time

from aiohttp import web

from gateway.calls.examining import Asked
from gateway.calls.reading_outcomes import Outcome
from gateway.meters import Meters, just_allowed
from gateway.sparing import Sparing
from gateway.upstreams import UpstreamFailed
from gateway.wire.errors import Code, Rejected
from ledger.deciding.rulings import Allowed, Denied, Dispatched, Ruling, Voided, Waiting
from ledger.events.events import CallDecided
from ledger.words.phrases import named, several
from policies.rules.decisions import Effect
from policies.values.strict_json import canonical

_LOG = logging.getLogger("placet.calls")

_MOST = 10
_WITHIN = 10.0
_OUR_FAULT = frozenset({Code.SERVER_FAILED, Code.UNDECIDED, Code.BUSY, Code.INTERNAL_ERROR})
"""Codes that say that Placet, or a server behind it, could not do what was asked."""

_MILLISECONDS = 1000


class Reporter:
    """Counts all, and writes a sentence for people and fields for machines.

    Of one kind it writes ten in ten seconds; `more` says how many it did not
    write before.
    """

    def __init__(self, meters: Meters) -> None:
        """Start with nothing written."""
        self._meters = meters
        self._sparing = Sparing(_MOST, _WITHIN, time.monotonic)

    def decided(self, asked: Asked, ruling: Ruling, seconds: float) -> None:
        """Tell what was decided of a call, after so many seconds."""
        self._meters.decided(asked.server, ruling, seconds)
        if just_allowed(ruling) and not _LOG.isEnabledFor(logging.DEBUG):
            return
        match ruling:
            case Allowed(decided) if decided.effect is not Effect.ALLOW:
                self._say_denied(asked, decided, "was let call, as it only observes,", seconds)
            case Denied(decided):
                self._say_denied(asked, decided, "was denied", seconds)
            case _ if _LOG.isEnabledFor(logging.DEBUG):
                fields = _of(asked) | _decision(ruling) | {"duration_ms": _rounded(seconds)}
                said = f"{asked.agent.name} calls {asked.server}/{named(asked.tool)}"
                _LOG.debug("%s: %s", said, fields["decision"], extra=fields)

    def sent(self, server: str) -> None:
        """Count a call that goes to its server."""
        self._meters.running(server, 1)

    def left(self, server: str) -> None:
        """Count a call that is at its server no more, however it ended."""
        self._meters.running(server, -1)

    def ended(self, call: str, server: str, outcome: Outcome, seconds: float) -> None:
        """Tell how a call ended at its server, after so many seconds."""
        self._meters.ended(server, outcome.name, seconds)
        if outcome.name != "failed":
            if _LOG.isEnabledFor(logging.DEBUG):
                fields = _run(call, server, outcome, seconds)
                _LOG.debug("%s at %s: %s", call, server, outcome.name, extra=fields)
        elif (more := self._sparing.passes(("failed", server))) is not None:
            fields = _run(call, server, outcome, seconds) | _more(more)
            _LOG.warning("%s at %s failed: %s", call, server, outcome.error, extra=fields)

    def failed(self, server: str, failure: UpstreamFailed) -> None:
        """Count a request that a server did not get, or did not answer as it should."""
        self._meters.failed(server, failure.fault)

    def refused(self, http: web.BaseRequest, rejected: Rejected) -> None:
        """Tell of a request that went no further; `http` is what it came with."""
        self._meters.refused(rejected.code)
        more = self._sparing.passes((rejected.code, http.remote))
        if more is None:
            return
        level = logging.WARNING if rejected.code in _OUR_FAULT else logging.INFO
        fields = {"code": int(rejected.code), "status": rejected.status, "peer": http.remote}
        if rejected.id is not None:
            fields["request_id"] = canonical(rejected.id)
        _LOG.log(level, "a request was refused: %s", rejected.message, extra=fields | _more(more))

    def _say_denied(self, asked: Asked, decided: CallDecided, what: str, seconds: float) -> None:
        more = self._sparing.passes((decided.effect, decided.agent, decided.server))
        if more is None:
            return
        rules = tuple(rule.rule for rule in decided.rules)
        said = f"{decided.agent} {what} {decided.server}/{named(decided.tool)} by {several(rules)}"
        fields = _of(asked) | {
            "tool": decided.tool,
            "decision": decided.effect.value,
            "observed": decided.observed,
            "rules": list(rules),
            "duration_ms": _rounded(seconds),
        }
        _LOG.info("%s", said, extra=fields | _more(more))


def _of(asked: Asked) -> dict[str, object]:
    return {
        "agent": asked.agent.name,
        "server": asked.server,
        "tool": asked.tool,
        "call": asked.id,
        "request_id": asked.ticket.request,
    }


def _run(call: str, server: str, outcome: Outcome, seconds: float) -> dict[str, object]:
    return {
        "call": call,
        "server": server,
        "outcome": outcome.name,
        "duration_ms": _rounded(seconds),
    }


def _decision(ruling: Ruling) -> dict[str, object]:
    match ruling:
        case Allowed() | Denied():
            return {"decision": ruling.decided.effect.value}
        case Waiting() | Dispatched() | Voided():
            return {"decision": type(ruling).__name__.lower(), "approval": ruling.approval}
        case _:
            return {"decision": "lapsed", "approval": ruling.approval}


def _more(count: int) -> dict[str, object]:
    return {"more": count} if count else {}


def _rounded(seconds: float) -> float:
    return round(seconds * _MILLISECONDS, 3)
