"""Puts the JSON API together."""

from collections.abc import Collection

from gateway.api.decisions import Decisions
from gateway.api.json_api import ApiParts, JsonApi
from gateway.api.kept_asks import KeptAsks
from gateway.api.operator_reads import OperatorReads
from gateway.callers.admission import Premises
from gateway.callers.crowd import Crowd
from gateway.calls.examining import Examiner
from gateway.calls.reporting import Reporter
from gateway.identity.identity import Identity
from gateway.ladder.rungs import Rungs
from gateway.sealing import Sealer
from gateway.under_way import UnderWay
from gateway.world import World


def api_of(
    world: World,
    rungs: Rungs,
    examiner: Examiner,
    identity: Identity,
    crowd: Crowd,
    reporter: Reporter,
    under_way: UnderWay,
    servers: Collection[str],
) -> JsonApi:
    """Return the API over the same gate, ledger and identities that the MCP endpoint has."""
    section = world.configuration.gateway
    kept = KeptAsks(world.ledger, Sealer(world.keys), world.now, section.report_within)
    return JsonApi(
        ApiParts(
            premises=Premises.of(world.configuration.listen.agents, section),
            identity=identity,
            crowd=crowd,
            reporter=reporter,
            decisions=Decisions(world.ledger, rungs.calls, examiner, kept, rungs.ids, servers),
            reads=OperatorReads(world.ledger),
            under_way=under_way,
            body_limit=section.body_limit,
            patience=section.patience.body.total_seconds(),
            reach=world.reach,
        )
    )
