"""What the gateway is given from outside, and the parts that the configuration alone makes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from gateway.calls.examining import Examiner
from gateway.calls.gate import PolicyInForce
from gateway.calls.patience import Pace
from gateway.identity.entrance import Entrance
from gateway.identity.issuer_keys import Renewal
from gateway.tools.acceptance import Acceptance
from gateway.tools.declared_tools import DeclaredTools
from ledger.ledger import Ledger
from policies.configuration.configuration import Configuration
from policies.configuration.declared_tools import ExternalServer
from policies.values.digests import DigestKey


@dataclass(frozen=True)
class World:
    """What the root hands in: everything the gateway does not make itself.

    `keys` are those of the digests, the one in force first. `environment` is
    that of this process, of which started servers get a few variables.
    `descriptors` is how many files and connections may be open at once; each
    call may need two. `reach` is called where a test may kill the process.
    `pace` is how often held callers hear of it, `renewal` how often keys of
    issuers are fetched. Relative files of the configuration start from `folder`.
    """

    configuration: Configuration
    ledger: Ledger
    policy: PolicyInForce
    keys: Sequence[DigestKey]
    registry: CollectorRegistry
    now: Callable[[], datetime]
    environment: Mapping[str, str] = field(default_factory=dict)
    unsafe_no_auth: bool = False
    descriptors: int = 65_536
    reach: Callable[[str], None] = lambda _: None
    pace: Pace = field(default_factory=Pace)
    renewal: Renewal = field(default_factory=Renewal)
    folder: Path = field(default_factory=Path)


def declared_of(world: World, new_id: Callable[[], str]) -> dict[str, DeclaredTools]:
    """Return the servers that are no MCP servers, with the tools that they declare."""
    return {
        name: DeclaredTools(name, server.declared, world.ledger, new_id)
        for name, server in world.configuration.servers.items()
        if isinstance(server, ExternalServer)
    }


def examiner_of(world: World, acceptance: Acceptance) -> Examiner:
    """Return what looks at calls as the configuration says."""
    configuration = world.configuration
    return Examiner(
        configuration.directory(),
        world.keys,
        frozenset(n for n, server in configuration.servers.items() if server.trusted),
        world.ledger.instance,
        world.now,
        acceptance,
        frozenset(configuration.observing),
        frozenset(
            name
            for name, server in configuration.servers.items()
            if isinstance(server, ExternalServer) and server.undeclared == "require_approval"
        ),
    )


def entrance_of(world: World) -> Entrance:
    """Return who is let in, as far as the configuration names them."""
    return Entrance(
        world.configuration,
        world.now,
        world.registry,
        folder=world.folder,
        renewal=world.renewal,
        anywhere=world.unsafe_no_auth,
    )
