"""Which teams own what a target names, and who of them owns a single tool."""

import pytest

from policies.people.owners import Owner, owners_behind
from policies.values.matching import Target

TEAMS = {"files": "platform", "vault": "security"}


def owner(target, team):
    return Owner(Target.parse(target), team, "/owners", "policy.yaml", 1, 1)


OWNERS = [
    owner("files/secret_*", "security"),
    owner("files/secret_pay*", "finance"),
    owner("*/*_mail", "post"),
]


@pytest.mark.parametrize(
    ("target", "teams"),
    [
        ("files/write_file", ("platform",)),
        ("files/secret_read", ("security",)),
        ("files/secret_pay", ("finance",)),
        ("files/secret_pay_*", ("finance",)),
        ("files/secret_*", ("finance", "security")),
        ("files/send_mail", ("post",)),
        ("files/*", ("finance", "platform", "post", "security")),
        ("vault/open", ("security",)),
        ("*/open", ("platform", "security")),
        ("mail/*", ()),
    ],
)
def test_all_teams_are_behind_a_target_that_own_some_of_its_tools(target, teams):
    assert owners_behind(target, TEAMS, OWNERS) == teams
