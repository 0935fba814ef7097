"""Knows what channels are told of besides approvals, and by which events that changes."""

from collections.abc import Sequence

from bot.channels.notice_delivery import NoticeDelivery
from bot.drawing.delegation_notices import delegation_notices
from bot.drawing.freeze_notices import freeze_notices
from bot.drawing.glass import glass_notices
from bot.drawing.grant_notices import grant_notices, request_notices, warns_at
from bot.drawing.notices import Wanted
from bot.slack.outbox import Outbox
from ledger.events.delegation_events import DelegationEnded, DelegationGiven
from ledger.events.envelopes import Event
from ledger.events.freeze_events import FreezeBegun, FreezeEnded
from ledger.events.glass_events import BreakGlassReviewed, BreakGlassUsed
from ledger.events.grant_request_events import (
    GrantRequestAnswered,
    GrantRequested,
    GrantRequestExpired,
)
from ledger.events.standing_events import GrantExpired, GrantRevoked
from ledger.ledger import Ledger
from ledger.lives.agents import LedgerAgent
from ledger.lives.freezes import Freeze
from ledger.views.delegation_readings import delegation_of, delegations_in_force
from ledger.views.freeze_readings import freeze_of, freezes_in_force
from ledger.views.glass_readings import glass_by_id, open_glasses
from ledger.views.grant_request_readings import open_requests, request_by_id
from policies.deciding.freezes import Frozen
from policies.people.people import Directory


def subject_of(event: Event) -> str | None:
    """Return what channels may have to be told of after an event, as `kind:id`; else None."""
    match event:
        case FreezeBegun() | FreezeEnded():
            return f"freeze:{event.freeze}"
        case DelegationGiven() | DelegationEnded():
            return f"delegation:{event.delegation}"
        case GrantRequested() | GrantRequestAnswered() | GrantRequestExpired():
            return f"request:{event.request}"
        case GrantRevoked() | GrantExpired():
            return f"grant:{event.grant}"
        case BreakGlassUsed() | BreakGlassReviewed():
            return f"glass:{event.glass}"
        case _:
            return None


def touches_cards(event: Event) -> bool:
    """Tell whether the cards of open approvals have to say something of an event too."""
    return isinstance(event, FreezeBegun | FreezeEnded)


def notice_delivery(outbox: Outbox, ledger: Ledger, directory: Directory) -> NoticeDelivery:
    """Return what tells channels of freezes, grants and broken glasses."""
    composing = _Composing(ledger, directory)
    composers = {
        "freeze": composing.freeze,
        "glass": composing.glass,
        "request": composing.request,
        "grant": composing.grant,
        "delegation": composing.delegation,
    }
    return NoticeDelivery(outbox, ledger, composers, composing.live)


class _Composing:
    """Reads a thing and returns what channels are to be told of it."""

    def __init__(self, ledger: Ledger, directory: Directory) -> None:
        self._ledger = ledger
        self._directory = directory

    async def live(self) -> set[str]:
        ledger, at = self._ledger, await self._ledger.now()
        ending = [
            grant.id
            for grant in await ledger.grants(live=True)
            if (due := warns_at(grant)) is not None and due <= at
        ]
        return {
            *(f"freeze:{freeze.id}" for freeze in await freezes_in_force(ledger)),
            *(f"delegation:{each.id}" for each in await delegations_in_force(ledger)),
            *(f"glass:{glass.id}" for glass in await open_glasses(ledger)),
            *(f"request:{request.id}" for request in await open_requests(ledger)),
            *(f"grant:{grant}" for grant in ending),
        }

    async def request(self, name: str) -> Sequence[Wanted]:
        request = await request_by_id(self._ledger, name)
        return request_notices(request, self._directory) if request is not None else []

    async def grant(self, name: str) -> Sequence[Wanted]:
        grant = await self._ledger.grant(name)
        if grant is None:
            return []
        return grant_notices(grant, self._directory, await self._ledger.now())

    async def glass(self, name: str) -> Sequence[Wanted]:
        glass = await glass_by_id(self._ledger, name)
        return glass_notices(glass, self._directory) if glass is not None else []

    async def delegation(self, name: str) -> Sequence[Wanted]:
        delegation = await delegation_of(self._ledger, name)
        return delegation_notices(delegation, self._directory) if delegation is not None else []

    async def freeze(self, name: str) -> Sequence[Wanted]:
        freeze = await freeze_of(self._ledger, name)
        if freeze is None:
            return []
        teams = _told(freeze, self._directory, await self._ledger.agents())
        return freeze_notices(freeze, teams, self._directory)


def _told(freeze: Freeze, directory: Directory, agents: Sequence[LedgerAgent]) -> set[str]:
    """Return the teams that own what is frozen."""
    match freeze.over:
        case Frozen.EVERYTHING:
            return set(directory.teams)
        case Frozen.SERVER:
            return {directory.server_teams.get(freeze.name, "")}
        case Frozen.AGENT:
            own = {agent.team for agent in agents if agent.id == freeze.name}
            known = directory.agents.get(freeze.name)
            return own | ({known.team} if known else set())
