"""Writes events in the Open Cybersecurity Schema Framework: for what a security team watches.

Source: https://schema.ocsf.io
"""

from collections.abc import Mapping

from ledger.audit.unbroken import Concerning
from ledger.events.card_events import (
    CardFound,
    CardPosted,
    CardRepainted,
    CardWanted,
    DetailsViewed,
)
from ledger.events.delegation_events import DelegationEnded, DelegationGiven
from ledger.events.envelopes import Event, Recorded
from ledger.events.freeze_events import FreezeBegun, FreezeEnded, FreezeRefused
from ledger.events.grant_request_events import (
    GrantRequestAnswered,
    GrantRequested,
    GrantRequestExpired,
)
from ledger.events.notice_events import NoticePosted, NoticeRepainted
from ledger.events.redaction_events import EventRedacted
from ledger.events.refusals import CommandRefused
from ledger.events.review_events import (
    ReviewFound,
    ReviewGone,
    ReviewPosted,
    ReviewRepainted,
    ReviewViewed,
)
from ledger.events.standing_events import (
    AgentAdded,
    AgentKeyRotated,
    AgentRevoked,
    GrantUsed,
    InstructionsAccepted,
    InstructionsSeen,
    PolicyActivated,
    ProjectionsMended,
    ToolAcceptanceRefused,
    ToolAccepted,
    ToolGone,
    ToolSeen,
    ToolsPinned,
)
from ledger.events.usage_events import UsageCounted
from ledger.ocsf.ocsf_calls import api_activity
from ledger.ocsf.ocsf_grants import user_access
from ledger.ocsf.ocsf_parts import Body, Version
from ledger.ocsf.ocsf_verdicts import CALLS, GRANTS

_CARD = "how a card came to be seen decides nothing; the votes name the revision"
_REVIEW = "what stands on a card about tools decides nothing"
_TOOLS = "what a server offers is no activity of an agent"
_ASKED = "what is given says so itself; what is asked for changes no access"
_FREEZES = "each call that a freeze stops says so, and by whom"
_DELEGATIONS = "each vote in another's stead says so, and in whose"
_AGENTS = "the agents of the ledger are accounts, which neither class is about"

LEFT_OUT: Mapping[type[Event], str] = {
    CardPosted: _CARD,
    CardRepainted: _CARD,
    NoticePosted: _CARD,
    NoticeRepainted: _CARD,
    CardFound: _CARD,
    CardWanted: _CARD,
    DetailsViewed: _CARD,
    GrantUsed: "the decision on the call names the grant",
    UsageCounted: "decisions name the limits that spoke",
    PolicyActivated: "decisions name the policy by its digest",
    ToolSeen: _TOOLS,
    ToolGone: _TOOLS,
    ToolsPinned: _TOOLS,
    InstructionsSeen: _TOOLS,
    InstructionsAccepted: _TOOLS,
    ToolAccepted: _TOOLS,
    ToolAcceptanceRefused: _TOOLS,
    ReviewPosted: _REVIEW,
    ReviewRepainted: _REVIEW,
    ReviewViewed: _REVIEW,
    ReviewFound: _REVIEW,
    ReviewGone: _REVIEW,
    GrantRequested: _ASKED,
    GrantRequestAnswered: _ASKED,
    GrantRequestExpired: _ASKED,
    CommandRefused: "what was refused changes nothing; votes and grants have their own refusals",
    DelegationGiven: _DELEGATIONS,
    DelegationEnded: _DELEGATIONS,
    FreezeBegun: _FREEZES,
    FreezeEnded: _FREEZES,
    FreezeRefused: _FREEZES,
    AgentAdded: _AGENTS,
    AgentKeyRotated: _AGENTS,
    AgentRevoked: _AGENTS,
    EventRedacted: "what is taken out of an event is no activity of an agent",
    ProjectionsMended: "tables made from the events are no activity of an agent",
}
"""Events that are not written in OCSF, and why; the other formats have them."""


def in_ocsf(recorded: Recorded, concerning: Concerning, version: Version) -> Body | None:
    """Return an event as OCSF has it, None for those that are left out."""
    kind = type(recorded.event)
    if kind in CALLS:
        verdict = CALLS[kind](recorded.event)
        return api_activity(recorded, concerning(recorded.event), verdict, version)
    if kind in GRANTS:
        verdict = GRANTS[kind](recorded.event)
        return user_access(recorded, concerning(recorded.event), verdict, version)
    assert kind in LEFT_OUT, f"{kind.__name__} is neither written in OCSF nor left out"
    return None
