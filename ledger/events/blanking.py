"""Says what of each event is content that can be taken away, and what its effect needs.

Content is what agents, servers and people wrote: arguments, results, reasons,
errors, cards, definitions. Who, what, when and how it was decided stays.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ledger.events.card_events import (
    CardPosted,
    CardRepainted,
    CardUndeliverable,
    VoteCast,
    VoteRefused,
)
from ledger.events.delegation_events import DelegationGiven
from ledger.events.envelopes import Event
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalGiven,
    ApprovalRequested,
    ApprovalVoided,
    CallCompleted,
    CallContinued,
    CallDecided,
    GrantedWith,
    SpokenRule,
)
from ledger.events.freeze_events import FreezeBegun, FreezeEnded, FreezeRefused
from ledger.events.glass_events import BreakGlassRefused, BreakGlassReviewed, BreakGlassUsed
from ledger.events.grant_request_events import GrantRequestAnswered, GrantRequested
from ledger.events.notice_events import NoticePosted, NoticeRepainted
from ledger.events.patience_events import StepRefused
from ledger.events.refusals import CommandRefused
from ledger.events.review_events import ReviewPosted, ReviewRepainted
from ledger.events.standing_events import (
    AgentRevoked,
    GrantIssued,
    GrantRefused,
    GrantRevoked,
    InstructionsSeen,
    PolicyActivated,
    ToolAcceptanceRefused,
    ToolSeen,
)
from policies.values.calls import Number
from policies.values.strict_json import NotStrict, parse

GONE = "[redacted]"
"""Stands where a text was."""

_GONE_JSON = '"[redacted]"'
_GONE_OBJECT = '{"redacted":"[redacted]"}'
_SHORTEST = 4

_Blank = Callable[[Any], object]


def _text(_: object) -> str:
    return GONE


def _json(_: object) -> str:
    return _GONE_JSON


def _object(_: object) -> str:
    return _GONE_OBJECT


def _nothing(_: object) -> tuple[()]:
    return ()


def _empty(_: object) -> str:
    return ""


def _rules(rules: tuple[SpokenRule, ...]) -> tuple[SpokenRule, ...]:
    return tuple(rule.model_copy(update={"because": GONE}) for rule in rules)


def _promise(promise: GrantedWith) -> GrantedWith:
    return promise.model_copy(update={"when": GONE}) if promise.when else promise


_CALL: Mapping[str, _Blank] = {
    "arguments": _json,
    "rules": _rules,
    "evidence": _text,
    "meta_keys": _nothing,
}

# The SHA-256 of a card goes too: whoever guesses the text could check it by that.
_CARD: Mapping[str, _Blank] = {"blocks": _json, "sha256": _empty}

_CONTENT: Mapping[type[Event], Mapping[str, _Blank]] = {
    CallDecided: {**_CALL, "message": _text, "hidden_values": _nothing},
    CallCompleted: {"content": _text, "error": _text},
    CallContinued: {"answers": _json},
    ApprovalRequested: {**_CALL, "description": _text},
    ApprovalGiven: {"granted": _promise},
    ApprovalDenied: {"reason": _text, "suggested": _json},
    ApprovalCancelled: {"because": _text},
    ApprovalVoided: {"because": _text},
    CardPosted: _CARD,
    CardRepainted: _CARD,
    CardUndeliverable: {"error": _text},
    VoteCast: {"reason": _text},
    VoteRefused: {"message": _text},
    StepRefused: {"message": _text},
    ReviewPosted: _CARD,
    ReviewRepainted: _CARD,
    GrantRequested: {"reason": _text},
    GrantRequestAnswered: {"reason": _text},
    BreakGlassUsed: {"reason": _text},
    BreakGlassReviewed: {"note": _text},
    BreakGlassRefused: {"message": _text},
    CommandRefused: {"message": _text},
    NoticePosted: _CARD,
    NoticeRepainted: _CARD,
    GrantIssued: {"reason": _text},
    GrantRefused: {"message": _text},
    GrantRevoked: {"reason": _text},
    DelegationGiven: {"reason": _text},
    FreezeBegun: {"reason": _text},
    FreezeEnded: {"reason": _text},
    FreezeRefused: {"message": _text},
    AgentRevoked: {"because": _text},
    PolicyActivated: {"text": _text, "changes": _nothing},
    ToolSeen: {"definition": _object},
    InstructionsSeen: {"text": _text},
    ToolAcceptanceRefused: {"message": _text},
}
"""By event, the fields that are content and what stands there instead; None and "" stay."""


def blank(event: Event) -> Event:
    """Return the event without its content; its effect on every state is the same."""
    content = _CONTENT.get(type(event), {})
    kept = {name: getattr(event, name) for name in content}
    changes = {name: content[name](value) for name, value in kept.items() if value}
    if isinstance(event, CallDecided | ApprovalRequested) and not event.definition_hash:
        changes["tool"] = GONE  # no server lists it: the name is the agent's own invention
    return event.model_copy(update=changes)


def fields_of(event: Event) -> tuple[str, ...]:
    """Return the names of the fields that `blank` takes something out of."""
    less = blank(event)
    return tuple(
        name for name in type(event).model_fields if getattr(event, name) != getattr(less, name)
    )


def texts_of(event: Event) -> frozenset[str]:
    """Return the texts of 4 characters or more that `blank` takes out; JSON is looked into."""
    found = (text for name in fields_of(event) for text in _texts(_read(getattr(event, name))))
    return frozenset(text for text in found if len(text) >= _SHORTEST)


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Number():
            yield value.text
        case Mapping():
            for member in value.values():
                yield from _texts(member)
        case tuple() | list():
            for item in value:
                yield from _texts(item)
        case SpokenRule():
            yield value.because
        case GrantedWith(when=str(when)):
            yield when
        case _:
            pass


def _read(value: object) -> object:
    """Return the document that a text holds as JSON, or the value as it is."""
    try:
        return parse(value.encode()) if isinstance(value, str) else value
    except (NotStrict, UnicodeEncodeError):
        return value
