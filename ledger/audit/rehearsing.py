"""Lets the calls of the past come again, one after the other, before a candidate policy."""

from collections.abc import Iterable
from datetime import datetime

from ledger.audit.past_calls import Fact
from ledger.audit.past_grants import PastGrants
from ledger.events.envelopes import Recorded
from policies.deciding.taking import Taken
from policies.past.past_calls import PastCall, PastRun
from policies.past.simulating import Simulated, Simulation
from policies.rules.decisions import Charge, Effect
from policies.rules.grant_terms import taken_under


class Rehearsal:
    """What the candidate decides, and what its limits and the grants have left each time.

    A call that it allows counts for its limits, and so does one that ran: of
    what the candidate would ask people about, those say that it may run who said
    so then, or whom nobody asked.
    """

    def __init__(self, simulation: Simulation, grants: PastGrants) -> None:
        """Begin with the grants of before, and nothing taken of any limit."""
        self._simulation = simulation
        self._grants = grants
        self._taken = Taken()
        self._waiting: dict[str, tuple[Charge, ...]] = {}

    def take(self, fact: Fact) -> Simulated | None:
        """Take in what came next, and return what the candidate says of it if it is a call."""
        match fact:
            case PastCall():
                return self._decided(fact)
            case PastRun(call, at):
                self._take(call, self._waiting.pop(call, ()), at)
            case Recorded():
                self._grants.take(fact)
        return None

    def _decided(self, call: PastCall) -> Simulated:
        grants = self._grants.live(call)
        simulated = self._simulation.ask(call, grants, self._taken)
        decision = simulated.decision
        if decision.grant is not None:
            used = next(grant for grant in grants if grant.id == decision.grant)
            self._grants.use(used.id, call, taken_under(used, decision.assessment))
        if decision.assessment.charges:
            self._charge(call, simulated)
        return simulated

    def _charge(self, call: PastCall, simulated: Simulated) -> None:
        effect = simulated.decision.effect
        charges = simulated.decision.assessment.charges
        ran = call.observed or call.effect is Effect.ALLOW
        if effect is Effect.ALLOW or (ran and effect is Effect.REQUIRE_APPROVAL):
            self._take(call.id, charges, call.at)
        elif effect is Effect.REQUIRE_APPROVAL:
            self._waiting[call.id] = charges

    def _take(self, call: str, charges: Iterable[Charge], at: datetime) -> None:
        """Count what a call takes, as the ledger does: of each bucket once, and no nothing."""
        for charge in charges:
            if charge.amount:
                self._taken.take(charge.bucket, call, charge.amount, at, at + charge.within)
