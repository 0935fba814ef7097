"""Says who owns tools by the policy in force: who may give grants depends on it."""

from dataclasses import replace
from functools import lru_cache

from ledger.lives.policy_in_force import PolicyInForce
from policies.people.owners import Owner
from policies.people.people import Directory
from policies.rules.policy import Policy, compile_policy
from policies.values.problems import InvalidDocument


def owning(directory: Directory, policy: PolicyInForce | None) -> Directory:
    """Return the directory with who owns tools instead of their server's team."""
    owners = _owners(policy.text) if policy is not None else ()
    return replace(directory, owners=owners) if owners else directory


def _owners(text: str) -> tuple[Owner, ...]:
    found = compiled(text)
    return found.owners if found is not None else ()


@lru_cache(maxsize=4)
def compiled(text: str) -> Policy | None:
    """Return the policy of a text; None where this version cannot read it."""
    try:
        return compile_policy(text)
    except InvalidDocument:
        return None
