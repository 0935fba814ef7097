"""Says which tools an agent need not see, since none of its calls to them could run."""

from policies.deciding.assessment import subject_of
from policies.people.people import Agent, Directory
from policies.risks.risk import RiskFinding
from policies.rules.decisions import Effect
from policies.rules.policy import Policy
from policies.values.calls import Call, Tool


def never_runs(
    agent: Agent, tool: Tool, policy: Policy, *, risk: RiskFinding, directory: Directory
) -> bool:
    """Tell whether every call of `agent` to `tool` is denied, whatever its arguments.

    It is so where a rule without a condition denies it, or where the default
    does and no rule speaks of it.
    """
    call = Call(agent.name, agent.team, agent.on_behalf_of, tool.server, tool.name, {})
    subject = subject_of(call, policy, directory, risk.risk)
    if subject is None:
        return True
    concerned = policy.concerning(subject)
    if not concerned:
        return policy.default_at(tool.server).effect is Effect.DENY
    return any(rule.effect is Effect.DENY and rule.condition is None for rule in concerned)
