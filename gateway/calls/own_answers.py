"""Sees to it that a whole answer of a server is one to the request that it was asked."""

from gateway.calls.reading_outcomes import FINE, OutcomeReader
from gateway.upstreams import Fault, UpstreamAnswer, UpstreamFailed
from gateway.wire.errors import RequestId
from gateway.wire.json_text import NotAnObject, members, with_member, with_members
from policies.values.strict_json import canonical


def own(
    server: str, asked: RequestId, answer: UpstreamAnswer, reader: OutcomeReader
) -> UpstreamAnswer:
    """Return the answer to the request `asked`; what comes in pieces is looked at elsewhere.

    An error without an id gets that of the request, as its client could not
    tell whose it is (JSON-RPC 2.0, 5). Raises UpstreamFailed for the answer to
    another request, and for none at all although it is said to be fine.
    """
    body = answer.body
    if body is None:
        return answer
    if reader.is_astray(body):
        text = f"the server `{server}` answered another request than it was asked"
        raise UpstreamFailed(text, sent=True, fault=Fault.UNREADABLE)
    if reader.unnumbered:
        try:
            return answer._replace(body=renumbered(body, asked))
        except (NotAnObject, UnicodeDecodeError):
            raise _unreadable(server, answer) from None
    if not reader.answered and answer.status in FINE and reader.is_none(body):
        raise _unreadable(server, answer)
    return answer


def renumbered(body: bytes, asked: RequestId) -> bytes:
    """Return a JSON-RPC response with another id. Raises NotAnObject, UnicodeDecodeError."""
    text, number = body.decode(), canonical(asked)
    if "id" in members(text):
        return with_member(text, "id", number).encode()
    return with_members(text, {"id": number}).encode()


def _unreadable(server: str, answer: UpstreamAnswer) -> UpstreamFailed:
    text = f"the server `{server}` answered with HTTP status {answer.status}"
    text += " and no JSON-RPC response"
    return UpstreamFailed(text, sent=True, fault=Fault.UNREADABLE)
