"""A freeze denies whatever policy, grants and approvals say, until it is over."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from acme import NOON, after, assessed

from policies.deciding.exceeding import NOTHING_USED
from policies.deciding.freezes import Frozen, LiveFreeze, because, is_frozen
from policies.deciding.settling import settle
from policies.rules.decisions import Assessment, Decision, Effect, LiveGrant

ON_CI_BOT = LiveFreeze("frz_1", Frozen.AGENT, "ci-bot", "bob", NOON, None)


@pytest.mark.parametrize(
    ("over", "name", "stops"),
    [
        (Frozen.AGENT, "ci-bot", True),
        (Frozen.AGENT, "helper", False),
        (Frozen.SERVER, "files", True),
        (Frozen.SERVER, "vault", False),
        (Frozen.SERVER, "ci-bot", False),
        (Frozen.EVERYTHING, "", True),
    ],
)
def test_a_freeze_stops_the_calls_of_what_it_is_over(over, name, stops) -> None:
    freeze = LiveFreeze("frz_1", over, name, "bob", NOON, None)

    decision = settled(assessed(Effect.ALLOW), (), after(1), freezes=[freeze])

    assert (decision.effect is Effect.DENY) is stops
    assert is_frozen(decision) is stops


def settled(
    assessment: Assessment,
    grants: Sequence[LiveGrant],
    at: datetime,
    freezes: Sequence[LiveFreeze] = (),
) -> Decision:
    return settle(assessment, grants, at, NOTHING_USED, freezes=freezes)


def test_no_grant_lifts_a_freeze() -> None:
    grant = LiveGrant("grt_1", "ci-bot", "files/*", after(60), None, {"platform": 1})
    assert settled(assessed(), [grant], NOON).effect is Effect.ALLOW

    decision = settled(assessed(), [grant], NOON, freezes=[ON_CI_BOT])

    assert (decision.effect, decision.grant) == (Effect.DENY, None)


def test_a_freeze_ends_at_its_time_by_itself() -> None:
    freeze = replace(ON_CI_BOT, until=after(60))
    last = freeze.until - timedelta(microseconds=1)

    assert settled(assessed(Effect.ALLOW), (), last, freezes=[freeze]).effect is Effect.DENY
    assert settled(assessed(Effect.ALLOW), (), after(60), freezes=[freeze]).effect is Effect.ALLOW


def test_the_decision_says_who_froze_what_and_since_when() -> None:
    server = LiveFreeze("frz_2", Frozen.SERVER, "files", "shell:ops", after(5), after(60))

    decision = settled(assessed(Effect.ALLOW), (), after(9), freezes=[server, ON_CI_BOT])

    assert because(decision) == (
        "agent `ci-bot` was frozen by `bob` at 2026-11-23 12:00:00 UTC (frz_1); "
        "server `files` was frozen by `shell:ops` at 2026-11-23 12:00:05 UTC"
        " until 2026-11-23 12:01 UTC (frz_2)"
    )


def test_a_rule_of_the_policy_that_is_called_frozen_is_no_freeze() -> None:
    spoke = replace(assessed(Effect.DENY).spoke[0], rule="frozen")

    decision = settled(assessed(Effect.DENY, spoke=(spoke,)), (), NOON)

    assert not is_frozen(decision)
