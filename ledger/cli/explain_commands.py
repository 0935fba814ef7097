"""`placet audit explain`: why a call was decided as it was, by what held then."""

import argparse
import asyncio
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from ledger.audit.explained import Explanation, explained
from ledger.audit.explaining import PolicyKept, Then, then
from ledger.audit.findings import Answer, finding, of_now, settled, why_not
from ledger.audit.stories import event_as_json
from ledger.cli.audit_commands import the_one
from ledger.events.envelopes import Recorded
from ledger.lives.approvals import Approval
from ledger.lives.grants import Grant
from ledger.shell import AddCommand, Misconfigured, Shell
from ledger.storage.projections import find_model
from ledger.words.card_blocks import card_lines
from ledger.words.phrases import clock
from ledger.words.tabulating import machine
from policies.past.recomputing import Recomputed
from policies.rules.decisions import Effect
from policies.rules.policy_lines import lines_at

_OF_PEOPLE = frozenset({"VoteCast", "VoteRefused", "ApprovalGiven", "ApprovalDenied"})


def register(add: AddCommand, shell: Shell) -> None:
    """Add `explain` to the commands of `audit`."""
    explaining = add(
        "explain",
        help="tell why a call was decided so, by what held then",
        description="Tells the policy, the tool, the grants, the people and the card as they were"
        " when a call was decided; whether the decision follows from them; and what the policy in"
        " force now says. Exits with 1 where the decision does not follow.",
    )
    shell.with_config(explaining)
    explaining.add_argument(
        "id", metavar="CALL", help="its id or that of its approval, or the beginning of one"
    )
    explaining.add_argument("--json", action="store_true", help="one JSON object")
    explaining.set_defaults(run=lambda arguments: _explain(arguments, shell))


def _explain(arguments: argparse.Namespace, shell: Shell) -> int:
    with shell.read_ledger(arguments.config) as ledger:
        held = asyncio.run(ledger.look(lambda seen: then(seen, _call(seen, arguments.id))))
    team = _team_now(arguments, shell, held.decided.server)
    found = Explanation(held, finding(held), of_now(held, shell.now(), team))
    if arguments.json:
        shell.say(machine(_as_json(found)))
    else:
        for line in explained(found):
            shell.say(line)
    return 1 if found.finding.answer is Answer.CONTRADICTS or found.flaws else 0


def _call(connection: Connection, text: str) -> str:
    """Return the call that is meant: an approval stands for the one that used it, or asked."""
    kind, name = the_one(connection, text, ("call", "approval"))
    approval = find_model(connection, kind, name)
    if isinstance(approval, Approval):
        return approval.dispatched_call or approval.request.call
    return name


def _team_now(arguments: argparse.Namespace, shell: Shell, server: str) -> str | None:
    try:
        configuration = shell.load(arguments.config).configuration
    except Misconfigured:
        return None
    return configuration.directory().server_teams.get(server)


def _as_json(found: Explanation) -> Mapping[str, object]:
    held, recomputed, now = found.then, found.finding.recomputed, found.now
    return {
        "decided": event_as_json(held.recorded),
        "policy": _policy(held.policy, held),
        "tool": _tool(held),
        "grants": [_grant(grant, held, recomputed) for grant in held.grants],
        "approval": held.approval.model_dump(mode="json") if held.approval else None,
        "votes": [event_as_json(each) for each in held.story if each.event.TOPIC in _OF_PEOPLE],
        "cards": [
            {
                **event_as_json(card.recorded),
                "sha256_is_right": card.is_whole,
                "text": card_lines(card.event.blocks),
            }
            for card in held.cards
        ],
        "answer": found.finding.answer,
        "because": [*found.finding.because, *found.flaws],
        "recomputed": _recomputed(recomputed, settled(held, recomputed)) if recomputed else None,
        "now": {
            "policy": _policy(held.newest, None),
            "recomputed": _recomputed(now, now.effects) if now else None,
        },
    }


def _tool(held: Then) -> Mapping[str, object]:
    return {
        "definition": held.tool.definition,
        "hash": held.decided.definition_hash,
        "first_seen": _placed(held.tool.seen),
        "accepted": event_as_json(held.tool.accepted) if held.tool.accepted else None,
    }


def _grant(grant: Grant, held: Then, recomputed: Recomputed | None) -> Mapping[str, object]:
    used = grant.id == held.decided.grant
    against = None if used else why_not(grant, held, recomputed)
    return {**grant.model_dump(mode="json"), "was_used": used, "against": against}


def _policy(policy: PolicyKept | None, held: Then | None) -> Mapping[str, object] | None:
    if policy is None:
        return None
    lines = {
        rule.pointer: lines_at(policy.activated.text, rule.pointer)
        for rule in (held.decided.rules if held else ())
    }
    return {
        "digest": policy.activated.digest,
        "source": policy.activated.source,
        "since": _placed(policy.recorded),
        "text": policy.activated.text,
        "sha256_is_right": policy.is_whole,
        "rules": [
            {"pointer": pointer, "line": found.first, "lines": found.lines}
            for pointer, found in lines.items()
            if found is not None
        ],
    }


def _placed(recorded: Recorded | None) -> Mapping[str, object] | None:
    if recorded is None:
        return None
    return {"position": recorded.position, "at": clock(recorded.at)}


def _recomputed(recomputed: Recomputed, effects: Iterable[Effect]) -> Mapping[str, object]:
    return {
        "effects": sorted(effects),
        "rules": [
            {"rule": each.rule, "pointer": each.pointer, "effect": each.effect, "why": each.because}
            for each in recomputed.certain.spoke
        ],
        "in_doubt": [
            {"rule": each.rule.name, "pointer": each.rule.pointer, "because": each.because}
            for each in recomputed.doubts
        ],
    }
