"""Generates policies with rules of every kind, written as JSON, which is YAML too."""

from hypothesis import strategies as st

SERVERS = ("files", "github")
TOOLS = ("get_a", "push_a", "push_b", "wipe")
AGENTS = ("ci", "dev")
TEAMS = ("platform", "security")
CONDITIONS = {
    "protected": 'args.branch in ["main", "release"]',
    "large": "args.n > 10 && !has(args.dry)",
    "outside": '!path_within(args.path, "/srv") || protected',
}
WHENS = (
    *CONDITIONS,
    "args.n >= 0",
    'args.branch.startsWith("m")',
    'domain(args.path) == "example.com"',
    "args.l.all(x, x.size() > 1)",
    "args.l[0] == args.n",
    'now.getHours("Europe/Berlin") < 14',
    'agent.owner == "alice" && call.team != "platform"',
    "large ? protected : outside",
)
GLOBS = ("*", "get_*", "push_?", "wipe", "*a", "p*", "nothing")


def some(*values):
    return st.sampled_from(values)


def optional(**strategies):
    return st.fixed_dictionaries({}, optional=strategies)


MATCHES = optional(
    server=some(*SERVERS, "*"),
    tool=st.lists(some(*GLOBS), min_size=1, max_size=2),
    agent=some(*AGENTS),
    team=some(*TEAMS),
    on_behalf_of=some("bob", "*"),
    risk=some("read", "write", "destructive"),
)
ASKING = optional(
    team=some(*TEAMS),
    approvals=st.integers(1, 3),
    expires_in=some("5m", "2h"),
    use_within=some("1m", "20m"),
    reason=some("required", "optional"),
)


@st.composite
def rules(draw, effects=("allow", "require_approval", "deny")):
    rule = {"match": draw(MATCHES), "effect": draw(some(*effects))}
    rule |= draw(optional(when=some(*WHENS), show_result=st.booleans()))
    excepted = draw(MATCHES)
    if excepted and draw(st.booleans()):
        rule["except"] = excepted
    if rule["effect"] == "require_approval":
        rule |= draw(optional(approval=ASKING))
    if rule["effect"] != "allow":
        rule |= draw(optional(message=some("ask", "wait")))
    return rule


@st.composite
def policies(draw):
    written = {
        "version": 1,
        "conditions": CONDITIONS,
        "default": draw(some("allow", "require_approval", "deny")),
        "rules": named(draw(st.lists(rules(), max_size=6)), "r"),
    }
    written |= draw(
        optional(
            owners=st.dictionaries(some("files/*", "*/push_*", "github/wipe"), some(*TEAMS)),
            hide=st.lists(some("github/get_*", "*/wipe"), unique=True, max_size=1),
            grants=st.just({"never": {"risk": "destructive"}}),
        )
    )
    return written


def named(listed, prefix):
    """Return rules with names of their own."""
    return [{"name": f"{prefix}{number}", **rule} for number, rule in enumerate(listed)]
