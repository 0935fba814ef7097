"""Approvals that hostile agents and people might cause, for tests of what is shown of them."""

import json
import unicodedata
from datetime import timedelta

from approvals_given import NOON, REQUEST, after, vote_of
from hypothesis import strategies as st

from ledger.events.card_events import CardUndeliverable
from ledger.events.events import (
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalGiven,
    ApprovalTerm,
    CallCompleted,
    GrantedWith,
    SpokenRule,
)
from policies.rules.decisions import Effect
from policies.values.calls import Risk

GIVEN = ApprovalGiven(approval="apr_7F3K", by=("bob",), use_until=NOON + timedelta(minutes=15))
SENT = ApprovalDispatched(approval="apr_7F3K", call="call_1", instance="i1", policy_digest="cd")
CAME_BACK = CallCompleted(
    call="call_1", approval="apr_7F3K", outcome="ok", duration_ms=812, size=1204, content="a\nb"
)
HOSTILE = ["<!channel>", "\u202eevil\u202c", "a\u200bb", "\x1b[31m", "      " * 20]


def lasting(target: str, when: str | None) -> ApprovalGiven:
    """Return a yes with which the tool was granted."""
    promise = GrantedWith(
        grant="grt_1", target=target, until=NOON + timedelta(hours=8), exact=False, when=when
    )
    return GIVEN.model_copy(update={"granted": promise})


TEXT = (
    st.text(max_size=400) | st.sampled_from(HOSTILE) | st.text('\U0001f600<>&"\\\n', max_size=9000)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXT, inner, max_size=6),
    max_leaves=30,
)
RULES = st.lists(
    st.builds(
        SpokenRule,
        rule=TEXT,
        pointer=TEXT,
        effect=st.just(Effect.REQUIRE_APPROVAL),
        because=TEXT,
    ),
    max_size=12,
)


def approvals():
    """Return approvals, folded from their events."""
    return histories().map(lambda events: after(None, *events))


@st.composite
def histories(draw):
    """Return the events of an approval."""
    request = REQUEST.model_copy(
        update={
            "agent": draw(TEXT),
            "tool": draw(TEXT),
            "server": draw(TEXT),
            "evidence": draw(TEXT),
            "owner": draw(TEXT),
            "agent_team": draw(TEXT),
            "on_behalf_of": draw(st.none() | TEXT),
            "meta_keys": tuple(draw(st.lists(TEXT, max_size=5))),
            "rules": tuple(draw(RULES)),
            "arguments": json.dumps(_unambiguous(draw(JSON)), ensure_ascii=False),
            "hidden": draw(st.integers(0, 9_999)),
            "show_result": draw(st.booleans()),
            "risk": draw(st.sampled_from(list(Risk))),
            "terms": tuple(
                ApprovalTerm(team=f"team-{n}", approvals=n + 1)
                for n in range(draw(st.integers(1, 4)))
            ),
        }
    )
    votes = [vote_of("bob", reason=draw(st.none() | TEXT)) for _ in range(draw(st.integers(0, 8)))]
    undelivered = [
        CardUndeliverable(approval="apr_7F3K", team=f"team-{n}", channel="C0", error=draw(TEXT))
        for n in range(draw(st.integers(0, 4)))
    ]
    ending = draw(
        st.sampled_from(
            [
                [],
                [GIVEN],
                [GIVEN, SENT],
                [GIVEN, SENT, CAME_BACK.model_copy(update={"content": draw(TEXT)})],
                [
                    GIVEN,
                    SENT,
                    CAME_BACK.model_copy(update={"outcome": "failed", "error": draw(TEXT)}),
                ],
                [
                    ApprovalDenied(
                        approval="apr_7F3K",
                        by="bob",
                        reason=draw(TEXT),
                        suggested=json.dumps(_unambiguous(draw(JSON)), ensure_ascii=False),
                    )
                ],
                [lasting(draw(TEXT), draw(st.none() | TEXT))],
            ]
        )
    )
    return [request, *votes, *undelivered, *ending]


def _unambiguous(value):
    """Drop keys that strict parsing refuses as equal once folded; numbers stay small."""
    if isinstance(value, dict):
        seen = {
            unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", k).casefold()): k
            for k in value
        }
        return {key: _unambiguous(value[key]) for key in seen.values()}
    if isinstance(value, list):
        return [_unambiguous(item) for item in value]
    return value
