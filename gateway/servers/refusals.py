"""Answers that are none which a caller may have: a server points elsewhere, or refuses Placet."""

from collections.abc import Mapping

from yarl import URL

from gateway.callers.headers import MOVED
from gateway.upstreams import Fault, UpstreamAnswer, UpstreamFailed
from policies.secrets.redaction import redact_text
from policies.values.inert import inert_line

_CHALLENGES = frozenset({401, 407})
_FORBIDDEN = 403
_SCHEMES = frozenset({"bearer", "basic", "token"})
_SHOWN = 200
"""Characters that are shown of what a server says."""

_READ = 4 * _SHOWN


def refusal(
    name: str, answer: UpstreamAnswer, credentials: Mapping[str, str]
) -> UpstreamFailed | None:
    """Return why an answer of the server `name` is none that a caller may have, or None.

    `credentials` are the headers that it was sent. A 403 that speaks JSON-RPC
    is the server's own answer, and passes.
    """
    if answer.status in MOVED:
        text = f"the server `{name}` points elsewhere, which is not followed"
        return UpstreamFailed(text, sent=True, fault=Fault.REDIRECTS, aside=_elsewhere(answer))
    forbidden = answer.status == _FORBIDDEN and b'"jsonrpc"' not in (answer.body or b"")
    if forbidden or answer.status in _CHALLENGES:
        text = f"the server `{name}` refused the credentials that Placet has for it"
        if not credentials:
            text = f"the server `{name}` refuses Placet, which has no credentials for it"
        aside = _words(answer, credentials)
        return UpstreamFailed(text, sent=True, fault=Fault.REFUSES_US, aside=aside)
    return None


def quoted(text: str) -> str:
    """Return what a server says as it may be shown: inert, short, without what looks secret."""
    return f"`{inert_line(redact_text(text[:_READ].strip()).text, _SHOWN)}`"


def _elsewhere(answer: UpstreamAnswer) -> str:
    """Say where a redirect leads, without the query, which is where secrets stand."""
    status = f"HTTP status {answer.status}"
    try:
        target = URL(answer.headers.get("Location", ""))
        plain = target.with_user(None) if target.raw_user else target
    except ValueError:
        return status
    where = str(plain.with_query(None).with_fragment(None))
    return f"{status} to {quoted(where)}" if where else status


def _words(answer: UpstreamAnswer, credentials: Mapping[str, str]) -> str:
    """Return the status and what a plain answer says; not if it repeats a credential."""
    status = f"HTTP status {answer.status}"
    said = (answer.body or b"")[:_READ].decode(errors="replace").strip()
    page = said.startswith("<")
    sent = {word for value in credentials.values() for word in value.split()}
    repeats = any(word in said for word in sent if word.lower() not in _SCHEMES)
    if not said or page or repeats:
        return status
    return f"{status}, {quoted(said)}"
