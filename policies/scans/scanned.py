"""What a scan has seen of servers, and what it found there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from policies.risks.risk import RiskFinding
from policies.values.calls import Instructions, JsonValue, Tool


class Severity(StrEnum):
    """How grave a finding is, from mildest to gravest."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


GRAVITY = {severity: place for place, severity in enumerate(Severity)}
"""How grave a severity is."""


@dataclass(frozen=True)
class SeenTool:
    """A tool as a server listed it: what is kept of it, all it says, and its risk.

    `said` is the whole tool object, secrets and all: it is looked at and never shown.
    """

    tool: Tool
    said: Mapping[str, JsonValue]
    risk: RiskFinding


@dataclass(frozen=True)
class SeenServer:
    """What was seen of a server, or why nothing was (`failure`).

    `instructions` is what it tells models, if anything. `ambiguous` are the
    names that it lists twice, with two meanings; so many tools are `unusable`
    otherwise: they have no usable name, or more than 1 MiB of definition.
    """

    name: str
    tools: Sequence[SeenTool] = ()
    instructions: Instructions | None = None
    ambiguous: Sequence[str] = ()
    unusable: int = 0
    failure: str | None = None

    @property
    def told(self) -> str:
        """What it tells models, without secrets."""
        return "" if self.instructions is None else self.instructions.text


@dataclass(frozen=True)
class Finding:
    """Something wrong with a server or a tool of it.

    `kind` is a short name for machines, `place` is where in the tool object
    (dotted) it was found, `evidence` a short quotation without secrets; both,
    and `tool`, are as the server wrote them: make them inert before they are
    shown. `tool` is empty where it is about the server.
    """

    severity: Severity
    kind: str
    server: str
    tool: str
    place: str
    what: str
    evidence: str

    @property
    def where(self) -> str:
        """The server, and the tool where it is about one."""
        return f"{self.server}/{self.tool}" if self.tool else self.server


_MOST_TEXTS = 20_000


def texts(said: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every key and text in a JSON value, with where it is (dotted); of many, the first."""
    waiting: list[tuple[str, JsonValue]] = [(path, said)]
    count = 0
    while waiting and count < _MOST_TEXTS:
        here, value = waiting.pop()
        if isinstance(value, str):
            count += 1
            yield here, value
        elif isinstance(value, list):
            waiting += [(f"{here}[{place}]", item) for place, item in enumerate(value)][::-1]
        elif isinstance(value, dict):
            for key in value:
                count += 1
                yield here, key
            waiting += [(f"{here}.{key}".lstrip("."), value[key]) for key in reversed(value)]
