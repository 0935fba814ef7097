"""The local workspace is the one that the configuration describes."""

from placet_workspace import local_workspace
from policies.configuration.configuration import parse_configuration

TEXT = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people:
  alice: {slack: T0ACME/U0ALICE}
  bob: {email: bob@example.com}
  sam: {}
teams:
  platform: {channel: C0PLATFORM, approvers: [alice, bob]}
slack: {mode: local, match_email: true}
"""


def test_people_known_by_their_address_are_in_it_with_their_address() -> None:
    workspace = local_workspace(parse_configuration(TEXT, {})).workspace

    people = {user.name: user for user in workspace.people.all()}
    assert sorted(people) == ["alice", "bob", "placet"]
    assert workspace.people.as_slack(people["bob"])["profile"]["email"] == "bob@example.com"
    assert workspace.people.as_slack(people["bob"])["is_email_confirmed"] is True


def test_addresses_are_not_shown_where_they_are_to_name_nobody() -> None:
    text = TEXT.replace(", match_email: true", "").replace("{email: bob@example.com}", "{}")

    spec = local_workspace(parse_configuration(text, {})).workspace.spec

    assert [user.name for user in spec.users] == ["alice", "placet"]
    assert "users:read.email" not in spec.scopes
