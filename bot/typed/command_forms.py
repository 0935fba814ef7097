"""The commands after `/placet`: how each is written, what it does, and an example."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Form:
    """One command: how it is written, what it does, what more there is to know, an example."""

    written: str
    does: str
    more: str
    example: str


FORMS: Mapping[str, Form] = {
    "grant": Form(
        "/placet grant AGENT SERVER/TOOL for 1h [uses 3] [when CEL] [because REASON]",
        "let an agent use tools for a time, without asking each time",
        "For approvers of the teams that own the servers. `*` and `?` stand for others in SERVER"
        " and TOOL; `when` is a condition on the arguments. The policy's `grants.longest` is the"
        " most that can be given; more is refused.",
        "/placet grant ci-bot files/write_* for 2h uses 10 because the archive is moved",
    ),
    "request": Form(
        "/placet request AGENT SERVER/TOOL for 1h [uses 3] [when CEL] [because REASON]",
        "ask the owning teams for a grant for an agent of yours",
        "For the agent's owner, or the person it acts for. The teams that own the servers are asked"
        " in their channels; whoever of them may give such a grant answers.",
        '/placet request ci-bot files/write_* for 2h when args.path.startsWith("docs/")',
    ),
    "renew": Form(
        "/placet renew GRANT",
        "give a grant once more, for as long as it was given for",
        "For whoever could give it by hand. It has the same terms, and replaces the old one.",
        "/placet renew grt_0123456789ab",
    ),
    "revoke": Form(
        "/placet revoke GRANT [because REASON]",
        "end a grant now",
        "For who gave it, the agent's owner, and approvers of its teams. No call that is decided"
        " from then on uses it.",
        "/placet revoke grt_0123456789ab because done",
    ),
    "list": Form(
        "/placet list",
        "the grants in force",
        "With how often each may still be used, and who gave it.",
        "/placet list",
    ),
    "pending": Form(
        "/placet pending",
        "the approvals that wait for you",
        "Those that you may decide, each with a link to its card.",
        "/placet pending",
    ),
    "show": Form(
        "/placet show APPROVAL",
        "one approval: the call, the votes, what became of it",
        "For people of the configuration and approvers.",
        "/placet show apr_0123456789ab",
    ),
    "extend": Form(
        "/placet extend APPROVAL [for 30m]",
        "give a question more time before it expires",
        "For those who may decide on it. Without `for` it gets as much time again as it was given"
        " at first. It waits 24 hours at most.",
        "/placet extend apr_0123456789ab for 2h",
    ),
    "withdraw": Form(
        "/placet withdraw APPROVAL [because REASON]",
        "take a question back that your agent asked",
        "For the agent's owner, and for whom it acts. The agent is told that it was taken back,"
        " which is no denial.",
        "/placet withdraw apr_0123456789ab because it asks for the wrong folder",
    ),
    "freeze": Form(
        "/placet freeze agent|server|everything [NAME] [for 2h] [REASON]",
        "stop all calls of an agent, to a server, or all there are, at once",
        "For approvers; an agent's owner may freeze the agent too. Without `for` it lasts until a"
        " second person lifts it. Calls that were sent already are not called back.",
        "/placet freeze agent ci-bot for 2h it deletes what it should not",
    ),
    "unfreeze": Form(
        "/placet unfreeze agent|server|everything [NAME] [because REASON]",
        "lift a freeze that somebody else began",
        "For a second person who is an approver there, and not the agent's owner. A freeze can be"
        " named by its id too.",
        "/placet unfreeze agent ci-bot because it is mended",
    ),
    "freezes": Form(
        "/placet freezes",
        "what is frozen, by whom, and until when",
        "For people of the configuration and approvers.",
        "/placet freezes",
    ),
    "delegate": Form(
        "/placet delegate @PERSON for 2d [in TEAM] [because REASON]",
        "let somebody vote in your stead for a time, 30 days at most",
        "For approvers, to a full member of the workspace: a person by their name in the"
        " configuration, or as `<@U…>`. Only votes are delegated, and count as yours: you two count"
        " once. Without `in` it is for all teams of which you are an approver.",
        "/placet delegate @cat for 5d in platform because I am away",
    ),
    "undelegate": Form(
        "/placet undelegate",
        "vote for yourself again",
        "What your delegate approved and has not run yet does not count any more.",
        "/placet undelegate",
    ),
    "delegations": Form(
        "/placet delegations",
        "who votes for whom, for which teams, and until when",
        "For people of the configuration and approvers.",
        "/placet delegations",
    ),
    "break-glass": Form(
        "/placet break-glass APPROVAL REASON",
        "approve a call alone, in an emergency",
        "For people whom `break_glass` of every team that is asked names, never the agent's owner."
        " A dialog asks again; everybody skipped is told, and somebody else has to sign it off.",
        "/placet break-glass apr_0123456789ab the shop is down and nobody answers",
    ),
    "sign-off": Form(
        "/placet sign-off APPROVAL NOTE",
        "say that you looked at a broken glass",
        "For approvers of its teams, and never for who broke it.",
        "/placet sign-off apr_0123456789ab it was right, the runbook says so",
    ),
    "after-reviews": Form(
        "/placet after-reviews",
        "the broken glasses that nobody has signed off",
        "For people of the configuration and approvers.",
        "/placet after-reviews",
    ),
    "help": Form(
        "/placet help [COMMAND]",
        "what can be typed, or all about one command",
        "Most of what can be done here can be done with `placet` in a shell too.",
        "/placet help freeze",
    ),
}
"""By the first word after `/placet`, in the order of the help."""


def nearest(word: str) -> str | None:
    """Return the command that `word` may have been meant to be."""
    found = get_close_matches(word.lower()[:40], list(FORMS), n=1, cutoff=0.6)
    return found[0] if found else None
