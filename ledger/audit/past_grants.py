"""The grants as they were when calls of the past came, with the uses that a simulation makes."""

from collections.abc import Iterable

from ledger.events.envelopes import Recorded
from ledger.events.standing_events import GrantIssued, GrantRevoked, GrantUsed
from ledger.lives.grants import Grant, evolve, live
from policies.past.past_calls import PastCall
from policies.people.people import Agent, Directory
from policies.rules.decisions import LiveGrant


class PastGrants:
    """Who had been permitted what; whether givers still count is looked up as of now.

    The uses of the past are not counted, those of the simulation are: where a
    candidate policy allows a call by itself, no use is lost.
    """

    def __init__(self, directory: Directory, events: Iterable[Recorded] = ()) -> None:
        """Begin with what was given and revoked before."""
        self._directory = directory
        self._grants: dict[str, dict[str, Grant]] = {}
        self._agents: dict[str, str] = {}
        self._issued: dict[str, Recorded] = {}
        for recorded in events:
            self.take(recorded)

    def take(self, recorded: Recorded) -> None:
        """Note that a grant was given or revoked."""
        match recorded.event:
            case GrantIssued() as event:
                self._agents[event.grant] = event.agent
                self._issued[event.grant] = recorded
                grants = self._grants.setdefault(event.agent, {})
                grants[event.grant] = evolve(None, recorded)
            case GrantRevoked() as event if event.grant in self._agents:
                self._grants[self._agents[event.grant]].pop(event.grant, None)
            case _:
                pass

    def live(self, call: PastCall) -> tuple[LiveGrant, ...]:
        """Return the grants that could lift a call, as the decision looks at them."""
        grants = self._grants.get(call.agent)
        if not grants:
            return ()
        agent = Agent(call.agent, call.team, call.owner, call.on_behalf_of)
        return tuple(
            live(grant, agent, self._directory, (call.digest,))
            for grant in grants.values()
            if call.at < grant.until
        )

    def use(self, name: str, call: PastCall, amount: str | None) -> None:
        """Count a use of a grant, and what the call takes of its sum."""
        grants = self._grants[self._agents[name]]
        used = GrantUsed(grant=name, call=call.id, amount=amount)
        grants[name] = evolve(grants[name], self._issued[name]._replace(event=used))
