"""Names what travels beside the arguments of a call: the digest does not bind it."""

from collections.abc import Mapping

from policies.secrets.redaction import redact_text
from policies.values.calls import JsonValue

_PARAMETERS = ("task", "requestState", "inputResponses")
_PROTOCOL = "io.modelcontextprotocol/"
_CUSTOMARY = frozenset({"progressToken", "traceparent", "tracestate", "baggage"})
_MOST = 20
_LONGEST = 200


def beside(params: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return the names of what is neither arguments nor the protocol's own.

    Of more than 20 members of `_meta` the last name says how many more there are.
    """
    named: list[str] = []
    if not params.keys().isdisjoint(_PARAMETERS):
        named += [f"params.{name}" for name in _PARAMETERS if name in params]
    meta = params.get("_meta")
    strange = [
        key
        for key in (meta if isinstance(meta, dict) else ())
        if not key.startswith(_PROTOCOL) and key not in _CUSTOMARY
    ]
    if strange:
        strange.sort()
        named += [redact_text(key[:_LONGEST]).text for key in strange[:_MOST]]
    if len(strange) > _MOST:
        named.append(f"({len(strange) - _MOST} more)")
    return tuple(named)
