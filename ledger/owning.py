"""Says who owns tools by the policy in force: who may give grants depends on it."""

from dataclasses import replace
from functools import lru_cache

from ledger.policy_in_force import PolicyInForce
from policies.owners import Owner
from policies.people import Directory
from policies.policy import compile_policy
from policies.problems import InvalidDocument


def owning(directory: Directory, policy: PolicyInForce | None) -> Directory:
    """Return the directory with who owns tools instead of their server's team."""
    owners = _owners(policy.text) if policy is not None else ()
    return replace(directory, owners=owners) if owners else directory


@lru_cache(maxsize=4)
def _owners(text: str) -> tuple[Owner, ...]:
    """Return the owners that a policy names; none where this version cannot read it."""
    try:
        return compile_policy(text).owners
    except InvalidDocument:
        return ()
