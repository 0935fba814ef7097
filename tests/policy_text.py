"""Policies for tests, written rule by rule."""


def policy_of(rules: str) -> str:
    """Return a policy file with these rules, one in flow form on each line."""
    lines = [f"  - {line.strip()}" for line in rules.splitlines() if line.strip()]
    return "\n".join(["version: 1", "rules:" if lines else "rules: []", *lines]) + "\n"


RULES = [
    "{name: reads, match: {tool: get_*}, effect: allow}",
    "{name: pushes, match: {tool: push_*}, when: args.branch != 'main', effect: allow}",
    "{name: numbers, when: args.n > 1, effect: deny, message: too many}",
    "{name: lists, when: 'args.l.exists(x, x == 1)', effect: require_approval}",
    "{name: two, effect: require_approval, approval: {approvals: 2, expires_in: 10m}}",
    "{name: safe, match: {server: vault}, effect: require_approval, approval: {team: security}}",
    "{name: why, when: has(args.x), effect: require_approval, approval: {reason: required}}",
    "{name: none, match: {agent: stranger}, effect: deny}",
    "{name: shown, except: {tool: get_*}, effect: require_approval, show_result: true}",
    "{name: bob, match: {on_behalf_of: bob}, effect: require_approval, approval: {approvals: 3}}",
]
"""Rules of every kind, for properties that hold of any set of them."""
