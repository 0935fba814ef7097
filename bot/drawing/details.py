"""All that is known of a request, cut into pages of a modal. Pure."""

from collections.abc import Iterator, Sequence

from bot.drawing.cards import arguments_text
from bot.drawing.histories import history
from bot.drawing.wording import ballot
from bot.slack.fitting import head, weight
from bot.slack.pieces import Block, header, lines, moment, name, preformatted, words
from ledger.audit.backgrounds import Background
from ledger.lives.approvals import Approval
from ledger.lives.tools import SeenTool
from policies.rules.policy_lines import lines_at
from policies.values.inert import inert
from policies.values.strict_json import parse, pretty

PAGE = 20_000
"""What the text of a page may weigh; a view may have 250 kB of JSON and 100 blocks."""

_VOTES = 20
_NOTHING = Background()
_SMALL = 200
_MOST_PARTS = 40
"""Texts of a page, of two blocks each; a view may have 100 blocks."""

Page = list[Block]
"""The blocks of one page, without its navigation."""


def pages(
    approval: Approval, definition: SeenTool | None, background: Background = _NOTHING
) -> list[Page]:
    """Return the pages: the call in full, the tool, the rules and their text.

    The votes and what became of like requests stand on the last one, so how
    many there are stays the same while people vote and others ask.
    """
    made = laid_out(list(_sections(approval, definition, background.policy)))
    made[-1] += [_votes(approval), *history(approval, background)]
    return made


def laid_out(sections: Sequence[tuple[str, str]]) -> list[Page]:
    """Return pages of titled texts that are inert already, each page within Slack's limits."""
    return [
        [block for place, part in enumerate(parts) for block in _part(place, *part)]
        for parts in _paged(sections)
    ]


def _sections(
    approval: Approval, definition: SeenTool | None, policy: str | None
) -> Iterator[tuple[str, str]]:
    request = approval.request
    yield "The call", _call(approval)
    yield "Arguments", arguments_text(request)
    yield "What the server says of the tool", inert(request.description, multiline=True)
    if definition is None or definition.hash != request.definition_hash:
        yield (
            "Definition of the tool",
            f"SHA-256 {request.definition_hash}; the server defines the tool differently by now",
        )
    else:
        text = pretty(parse(definition.definition.encode()))
        yield "Definition of the tool", inert(text, multiline=True)
    yield "Rules that ask for the approval", _rules(approval)
    yield "What the policy says there", _policy(approval, policy)


def _call(approval: Approval) -> str:
    request = approval.request
    told = {
        "request": request.approval,
        "agent": request.agent,
        "team": request.agent_team,
        "owner": request.owner,
        "on behalf of": request.on_behalf_of or "nobody",
        "server": request.server,
        "tool": request.tool,
        "risk": f"{request.risk}: {request.evidence}",
        "unknown _meta keys": ", ".join(request.meta_keys) or "none",
        "values hidden": str(request.hidden),
        "digest": request.digest,
        "needs": ", ".join(f"{term.approvals} of {term.team}" for term in request.terms),
        "expires": f"{request.expires_at:%Y-%m-%d %H:%M:%S} UTC",
    }
    return "\n".join(f"{label}: {inert(text)}" for label, text in told.items())


def _rules(approval: Approval) -> str:
    request = approval.request
    told = [
        f"{inert(rule.rule)} ({rule.effect}) at {inert(rule.pointer)}\n  {inert(rule.because)}"
        for rule in request.rules
    ]
    return "\n".join([*told, f"policy {request.policy_digest}"])


def _policy(approval: Approval, policy: str | None) -> str:
    """Return the lines of the policy that the rules stand on."""
    if policy is None:
        return "the text of that policy is not kept"
    found = (lines_at(policy, rule.pointer) for rule in approval.request.rules if rule.pointer)
    parts = [
        "\n".join(f"{number:>5}  {line}" for number, line in enumerate(part.lines, part.first))
        for part in found
        if part is not None
    ]
    return inert("\n".join(parts) or "no rule of the file speaks of it", multiline=True)


def _paged(sections: Sequence[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Return the sections cut so that the texts of one page weigh at most PAGE."""
    paged: list[list[tuple[str, str]]] = [[]]
    room = PAGE
    for title, text in sections:
        heading, rest = title, text or "(empty)"
        while rest:
            if room < _SMALL or len(paged[-1]) >= _MOST_PARTS:
                paged.append([])
                room = PAGE
            first = head(rest, room)
            paged[-1].append((heading, first))
            rest = rest[len(first) :]
            room = 0 if rest else room - weight(first)
            heading = f"{title}, continued"
    return paged


def _part(place: int, title: str, text: str) -> list[Block]:
    return [header(title, f"part:{place}"), preformatted(text, f"text:{place}")]


def _votes(approval: Approval) -> Block:
    rows = [[words("Votes", bold=True)]]
    rows += [
        [moment(vote.at), words(" "), *ballot(vote), words(" for "), name(", ".join(vote.teams))]
        for vote in approval.votes[-_VOTES:]
    ]
    if not approval.votes:
        rows.append([words("Nobody has voted.")])
    if approval.refused_votes:
        rows.append([words(f"{approval.refused_votes} clicks did not count.")])
    return lines(rows, "votes")
