"""A token names an agent and the person it acts for; each issuer's names are its own."""

import pytest

from gateway.identity.bearers import Bearers
from gateway.identity.tokens import BadToken, Token, Trusted
from gateway.wire.errors import Rejected
from policies.configuration.configuration import parse_configuration
from policies.people.people import Agent

TEXT = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people:
  alice: {slack: T0ACME/U0ALICE, subject: {acme: "a1", partner: "p1"}}
  bob: {slack: T0ACME/U0BOB, subject: {acme: "b1"}}
teams:
  platform: {channel: C0PLATFORM, approvers: [bob, alice]}
agents:
  web: {team: platform, owner: alice, client_id: {acme: web-client}}
  batch: {team: platform, owner: alice, client_id: {acme: batch-client}, subject: {acme: s1}}
  theirs: {team: platform, owner: bob, client_id: {partner: web-client}}
gateway: {public_url: "https://placet.acme.example"}
identity:
  issuers:
    acme: {issuer: "https://acme.example/", jwks: {file: a.json}}
    partner: {issuer: "https://partner.example/", jwks: {file: p.json}, person_claim: email}
    actors: {issuer: "https://actors.example/", jwks: {file: x.json}, agent_claim: act}
slack: {mode: local}
"""
CONFIGURATION = parse_configuration(TEXT, {})


def named(issuer="acme", text=TEXT, **claims):
    """Return the agent of a token."""
    configuration = parse_configuration(text, {})
    section = configuration.identity.issuers[issuer]
    token = Token(
        issuer=Trusted(issuer, section, None),
        claims={"iss": section.issuer, **claims},
        audience=frozenset(),
        scopes=frozenset(),
        until=0,
    )
    return Bearers(configuration).agent(token)


def refused(**more):
    with pytest.raises(Rejected) as told:
        named(**more)
    assert (told.value.status, told.value.headers) == (403, {})
    return told.value.message


def test_a_token_names_the_agent_and_the_person_it_acts_for():
    assert named(client_id="web-client", sub="b1") == Agent("web", "platform", "alice", "bob")
    assert named(client_id="batch-client", sub="a1") == Agent("batch", "platform", "alice", "alice")


def test_an_agent_that_acts_for_itself_acts_for_no_person():
    assert named(client_id="web-client", sub="web-client") == Agent("web", "platform", "alice")
    assert named(client_id="batch-client", sub="s1") == Agent("batch", "platform", "alice")


def test_with_a_subject_of_its_own_an_agents_client_id_is_no_subject():
    assert "`batch-client`, the token's `sub`, is nobody here" in refused(
        client_id="batch-client", sub="batch-client"
    )


def test_one_agents_subject_is_nobody_on_whose_behalf_another_acts():
    assert "`s1`, the token's `sub`, is nobody here" in refused(client_id="web-client", sub="s1")


@pytest.mark.parametrize("client", ["unknown", "web", "WEB-CLIENT", "", None, 1, ["web-client"]])
def test_an_agent_that_is_not_known_is_refused(client):
    assert "is no agent here; ask for it as the `client_id`" in refused(client_id=client, sub="b1")


@pytest.mark.parametrize("subject", ["unknown", "bob", "B1", "", None, 1, ["b1"], {"sub": "b1"}])
def test_a_person_who_is_not_known_is_refused(subject):
    assert "is nobody here; ask for it as the `subject`" in refused(
        client_id="web-client", sub=subject
    )


def test_a_token_that_names_no_person_is_refused():
    assert "the token has no `sub` that is text" in refused(client_id="web-client")


def test_no_issuer_can_name_the_agents_and_people_of_another():
    assert named("partner", client_id="web-client", email="p1") == Agent(
        "theirs", "platform", "bob", "alice"
    )
    assert "is nobody here" in refused(issuer="partner", client_id="web-client", email="b1")
    assert "is nobody here" in refused(issuer="partner", client_id="web-client", sub="p1")
    assert "is no agent here" in refused(issuer="partner", client_id="batch-client", email="p1")


def test_an_address_that_the_issuer_did_not_verify_names_nobody():
    claims = {"client_id": "web-client", "email": "p1"}

    assert named("partner", **claims, email_verified=True).on_behalf_of == "alice"
    assert named("partner", **claims, email_verified="true").on_behalf_of == "alice"
    for said in (False, "false", "False", "", 0, 1, None, []):
        assert "is nobody here" in refused(issuer="partner", **claims, email_verified=said)


def test_where_people_have_a_claim_of_their_own_an_agent_still_is_itself():
    assert named("partner", client_id="web-client", sub="web-client").on_behalf_of is None


@pytest.mark.parametrize(
    "actor", [{"sub": "web-client"}, {"sub": "web-client", "iss": "https://acme.example/"}]
)
def test_an_actor_that_is_the_agent_is_who_acts(actor):
    assert named(client_id="web-client", sub="b1", act=actor).name == "web"


def test_an_actor_may_be_named_as_the_agent_names_itself():
    assert named(client_id="batch-client", sub="b1", act={"sub": "s1"}).name == "batch"


def test_those_who_acted_before_decide_nothing():
    chain = {"sub": "web-client", "act": {"sub": "batch-client", "act": {"sub": "unknown"}}}

    assert named(client_id="web-client", sub="b1", act=chain).name == "web"


def test_an_actor_that_is_not_the_agent_is_refused():
    assert "names another as its actor" in refused(
        client_id="web-client", sub="b1", act={"sub": "batch-client"}
    )


def test_an_actor_of_another_issuer_is_refused():
    actor = {"sub": "web-client", "iss": "https://partner.example/"}

    assert "the token's actor is another issuer's" in refused(
        client_id="web-client", sub="b1", act=actor
    )


@pytest.mark.parametrize("actor", [None, "web-client", {}, [], {"sub": None}, {"sub": 1}])
def test_an_actor_that_names_nobody_makes_a_token_a_bad_one(actor):
    with pytest.raises(BadToken, match="names nobody"):
        named(client_id="web-client", sub="b1", act=actor)


def with_actors():
    return TEXT.replace("client_id: {acme: web-client}", "client_id: {actors: web-client}").replace(
        'acme: "b1"', 'actors: "b1"'
    )


def test_where_the_actor_is_the_agent_whoever_asked_for_the_token_counts_for_nothing():
    claims = {"client_id": "broker", "sub": "b1", "act": {"sub": "web-client"}}

    assert named("actors", with_actors(), **claims) == Agent("web", "platform", "alice", "bob")


def test_where_the_actor_is_the_agent_a_token_without_one_is_refused():
    assert "the token has no `act` that is text" in refused(
        issuer="actors", text=with_actors(), client_id="web-client", sub="b1"
    )
