"""Measures a decision against the size of the policy, beside two engines on the same rules.

Run it by `make bench`, or `python tests/benchmarks/bench_policy.py`. All three decide the same
calls by the same rules, each with what it can prepare beforehand prepared; they take turns, and
their answers are compared. "New calls" are of agents and tools that were not seen before, so that
nothing remembered helps. The figures that hold on another machine are the ratios.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

import casbin  # noqa: E402 (the path is set first)
import cedarpy  # noqa: E402 (the same)

from policies.deciding.assessment import assess  # noqa: E402 (the same)
from policies.deciding.exceeding import NOTHING_USED  # noqa: E402 (the same)
from policies.deciding.settling import settle  # noqa: E402 (the same)
from policies.people.people import Directory  # noqa: E402 (the same)
from policies.risks.risk import RiskFinding  # noqa: E402 (the same)
from policies.rules.decisions import Effect  # noqa: E402 (the same)
from policies.rules.policy import compile_policy  # noqa: E402 (the same)
from policies.values.calls import Call, Risk, Tool  # noqa: E402 (the same)

SIZES = (10, 100, 1000)
AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
RISK = RiskFinding(Risk.WRITE, "it writes")
SERVERS = ("github", "files", "shop", "wiki")
DIRECTORY = Directory(server_teams=dict.fromkeys(SERVERS, "platform"))
CALLS = 200
"""Calls of a round."""

MODEL = """\
[request_definition]
r = agent, server, tool
[policy_definition]
p = agent, server, tool, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.agent == p.agent && r.server == p.server && keyMatch(r.tool, p.tool)
"""


@dataclass(frozen=True)
class Line:
    """One rule, for every engine: who, where, which tools, and whether they may."""

    agent: str
    server: str
    tool: str
    allow: bool


@dataclass(frozen=True)
class Ask:
    """One question, for every engine."""

    agent: str
    server: str
    tool: str


Decide = Callable[[Ask], bool]


def lines_of(size: int) -> list[Line]:
    """Return so many rules: single tools and families of tools, allowed and denied."""
    return [
        Line(
            agent=f"agent-{n % 7}",
            server=SERVERS[n % 4],
            tool=f"family_{n}_*" if n % 3 == 0 else f"tool_{n}",
            allow=n % 5 != 0,
        )
        for n in range(size)
    ]


def asks_of(lines: Sequence[Line], *, new: str = "") -> list[Ask]:
    """Return questions about rules from all over the policy; `new` makes their tools other ones."""
    step = max(1, len(lines) // CALLS)
    asked = [lines[(n * step) % len(lines)] for n in range(CALLS)]
    return [
        Ask(line.agent, line.server, f"{line.tool.replace('*', 'member')}{new and f'{new}{n}'}")
        for n, line in enumerate(asked)
    ]


def ours(lines: Sequence[Line]) -> Decide:
    """Return Placet's decision: assessed and settled, as the writer does it."""
    rules = "".join(
        f'  - {{name: r{n}, match: {{agent: "{line.agent}", server: "{line.server}",'
        f' tool: "{line.tool}"}}, effect: {"allow" if line.allow else "deny"}}}\n'
        for n, line in enumerate(lines)
    )
    policy = compile_policy(f"version: 1\ndefault: deny\nrules:\n{rules}")
    policy.concerning  # noqa: B018 (the index is built before the clock runs)

    def decide(ask: Ask) -> bool:
        call = Call(ask.agent, "platform", None, ask.server, ask.tool, {})
        tool = Tool(ask.server, ask.tool, "", "{}", "")
        assessment = assess(call, policy, tool=tool, risk=RISK, at=AT, directory=DIRECTORY)
        return settle(assessment, (), AT, NOTHING_USED, freezes=()).effect is Effect.ALLOW

    return decide


def cedar(lines: Sequence[Line]) -> Decide:
    """Return Cedar's decision, with policies and entities parsed beforehand."""
    texts = []
    for line in lines:
        same = "like" if "*" in line.tool else "=="
        texts.append(
            f'{"permit" if line.allow else "forbid"}(principal == Agent::"{line.agent}", action, '
            f'resource == Server::"{line.server}") when {{ context.tool {same} "{line.tool}" }};'
        )
    policies = cedarpy.PolicySet.from_str("\n".join(texts))
    entities = cedarpy.Entities.from_json_str("[]")

    def decide(ask: Ask) -> bool:
        request = {
            "principal": {"type": "Agent", "id": ask.agent},
            "action": {"type": "Action", "id": "call"},
            "resource": {"type": "Server", "id": ask.server},
            "context": {"tool": ask.tool},
        }
        return bool(cedarpy.is_authorized(request, policies, entities).allowed)

    return decide


def pycasbin(lines: Sequence[Line]) -> Decide:
    """Return Casbin's decision, with model and policies loaded beforehand."""
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    for line in lines:
        effect = "allow" if line.allow else "deny"
        enforcer.add_policy(line.agent, line.server, line.tool, effect)

    def decide(ask: Ask) -> bool:
        return bool(enforcer.enforce(ask.agent, ask.server, ask.tool))

    return decide


def timed(decide: Decide, asks: Sequence[Ask]) -> float:
    """Return the microseconds that a decision took, on average over the questions."""
    began = time.perf_counter()
    for ask in asks:
        decide(ask)
    return (time.perf_counter() - began) / len(asks) * 1e6


def measured(size: int, rounds: int) -> dict[str, float]:
    """Return the median microseconds of each engine, which take turns."""
    lines = lines_of(size)
    engines = {"placet": ours(lines), "cedarpy": cedar(lines), "pycasbin": pycasbin(lines)}
    known = asks_of(lines)
    for ask in known:
        answers = {name: decide(ask) for name, decide in engines.items()}
        assert len(set(answers.values())) == 1, (ask, answers)
    times: dict[str, list[float]] = {name: [] for name in (*engines, "placet, new calls")}
    for turn in range(rounds):
        gc.collect()
        for name, decide in engines.items():
            times[name].append(timed(decide, known))
        new = asks_of(lines, new=f"_{turn}_")
        times["placet, new calls"].append(timed(engines["placet"], new))
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> None:
    """Print the table, and whether what must hold holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (default: 7)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of rules")
    arguments = parser.parse_args()
    print(f"one decision in µs, medians of {arguments.rounds} rounds of {CALLS} calls")
    found = {size: measured(size, arguments.rounds) for size in arguments.sizes}
    names = list(found[arguments.sizes[0]])
    print(f"{'rules':>6}" + "".join(f"{name:>19}" for name in names))
    for size, each in found.items():
        print(f"{size:>6}" + "".join(f"{each[name]:>19.1f}" for name in names))
    for size, each in found.items():
        slowest = max(each["placet"], each["placet, new calls"])
        for name in ("cedarpy", "pycasbin"):
            ratio = each[name] / slowest
            told = "met" if ratio > 1 else "missed"
            print(f"{size:>6} rules: {name} takes {ratio:.1f} times as long (more than 1: {told})")
    few, many = found[arguments.sizes[0]], found[arguments.sizes[-1]]
    for name in ("placet", "placet, new calls"):
        ratio = many[name] / few[name]
        told = "met" if ratio <= 2 else "missed"
        print(f"{name}: most rules take {ratio:.2f} times the fewest (at most 2: {told})")


if __name__ == "__main__":
    main()
