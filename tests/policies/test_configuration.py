"""`placet.yaml` is refused with everything that is wrong with it, each with its place."""

from datetime import timedelta
from hashlib import sha256

import pytest
from broken_files import broken
from hypothesis import given
from hypothesis import strategies as st
from whole_files import CONFIGURATION as WHOLE

from policies.configuration.configuration import Configuration, parse_configuration
from policies.configuration.servers import HttpServer, StdioServer
from policies.people.people import Agent, Person, Team
from policies.values.problems import InvalidDocument

ENVIRONMENT = {
    "TOKEN": "t",
    "CI_BOT_KEY": "k" * 32,
    "KEY_HASH": "5E318F8CF9CBE249A30812B8CA132D691DED7A91991413558DB5758575F5E01F",
    "BOT": "xoxb",
    "APP": "xapp",
    "SIGNING": "s",
    "EMPTY": "",
    "BLANK": "  ",
    "LINES": "a\nb",
    "SHORT": "k" * 31,
    "SPACED": "k" * 16 + " " + "k" * 16,
    "REFERENCE": "${TOKEN}",
}


def parsed(text: str = WHOLE, **options: bool) -> Configuration:
    return parse_configuration(text, ENVIRONMENT, **options)


def problems_of(text: str, **options: bool) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        parsed(text, **options)
    return [str(problem) for problem in caught.value.problems]


def test_a_server_may_only_observe():
    text = WHOLE.replace("./data], team: platform", "./data], team: platform, observe: true")

    assert parsed().observing == ()
    assert parsed(text).observing == ("files",)


def test_the_whole_file_is_read():
    configuration = parsed()

    github, files = configuration.servers["github"], configuration.servers["files"]
    assert configuration.policy == "policy.yaml"
    assert (configuration.listen.agents.host, configuration.listen.agents.port) == (
        "127.0.0.1",
        8787,
    )
    assert isinstance(github, HttpServer)
    assert github.headers["Authorization"].get_secret_value() == "Bearer t"
    assert isinstance(files, StdioServer)
    assert files.command == ("npx", "-y", "server", "./data")
    assert configuration.slack.api_url == "https://slack.com/api/"
    assert configuration.gateway.hold.total_seconds() == 4
    assert configuration.gateway.body_limit == 4 * 1024 * 1024


def test_a_server_is_waited_for_as_long_as_it_says():
    github = parsed().servers["github"]
    text = WHOLE.replace("team: platform}\n  files", "team: platform, timeout: 90s}\n  files")

    assert (github.timeout, github.connect_timeout) == (timedelta(hours=1), timedelta(seconds=5))
    assert github.max_connections == 1024
    assert parsed(text).servers["github"].timeout == timedelta(seconds=90)


def test_an_agent_may_be_held_for_its_own_time_and_number_of_calls():
    own = 'key: "${CI_BOT_KEY}", hold: 2h, held_calls: 0}'

    configuration = parsed(WHOLE.replace('key: "${CI_BOT_KEY}"}', own))

    assert configuration.agents["ci-bot"].hold == timedelta(hours=2)
    assert configuration.agents["ci-bot"].held_calls == 0
    assert configuration.gateway.held_calls == 1000


def test_the_directory_has_people_teams_agents_and_the_teams_of_servers():
    directory = parsed().directory()

    assert directory.people["alice"] == Person("alice", "T0ACME/U0ALICE", "alice@example.com")
    assert directory.teams["platform"] == Team(
        "platform", "C0PLATFORM", ("bob",), ("S0PLATFORM",), "security"
    )
    assert directory.agents == {"ci-bot": Agent("ci-bot", "platform", "alice")}
    assert directory.server_teams == {"github": "platform", "files": "platform"}


@pytest.mark.parametrize("key", ['key: "${CI_BOT_KEY}"', 'key_sha256: "${KEY_HASH}"'])
def test_a_key_is_known_by_its_hash_however_it_is_written(key):
    text = WHOLE.replace('key: "${CI_BOT_KEY}"', key)

    hashed = parsed(text).agents["ci-bot"].hashed_key

    assert hashed == sha256(b"k" * 32).digest()


def test_operators_have_names_and_keys_of_their_own():
    text = WHOLE.replace(
        "slack: {mode", f"operators: {{auditor: {{key: {'o' * 32}}}}}\nslack: {{mode"
    )

    assert parsed(text).operators["auditor"].hashed_key == sha256(b"o" * 32).digest()


def test_no_secret_shows_when_a_configuration_is_printed():
    text = WHOLE.replace("sqlite:///placet.db", "postgresql://u:hunter2@db/placet").replace(
        'placet"}', 'placet", digest_key: "${CI_BOT_KEY}"}'
    )

    printed = repr(parsed(text))

    assert "kkkk" not in printed
    assert "xoxb" not in printed
    assert "Bearer" not in printed
    assert "hunter2" not in printed


def test_a_variable_is_replaced_once_and_only_in_values():
    text = WHOLE.replace('"Bearer ${TOKEN}"', '"${TOKEN}-$${TOKEN}-${REFERENCE}"')

    header = parsed(text).servers["github"].headers["Authorization"].get_secret_value()

    assert header == "t-${TOKEN}-${TOKEN}"


def test_an_address_without_a_slash_at_its_end_gets_one():
    text = WHOLE.replace("mode: socket,", 'mode: socket, api_url: "http://127.0.0.1:9/api",')

    assert parsed(text).slack.api_url == "http://127.0.0.1:9/api/"


WITH_TOKENS = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people:
  alice: {slack: T0ACME/U0ALICE, subject: {acme: a1, partner: p1}}
  bob: {slack: T0ACME/U0BOB, subject: {acme: b1}}
teams:
  platform: {channel: C0PLATFORM, approvers: [bob, {group: S0PLATFORM}]}
agents:
  web: {team: platform, owner: alice, client_id: {acme: web-client}}
  batch: {team: platform, owner: alice, client_id: {partner: c1}, subject: {partner: s1}}
gateway: {public_url: "https://placet.acme.example/"}
identity:
  issuers:
    acme: {issuer: "https://acme.example/", jwks: {url: "https://acme.example/keys"}}
    partner: {issuer: "https://p.example", jwks: {file: keys.json}, audience: [placet]}
slack: {mode: local}
"""


def test_issuers_are_read_with_what_is_believed_of_them():
    configuration = parsed(WITH_TOKENS)

    acme, partner = configuration.identity.issuers.values()
    assert configuration.gateway.public_url == "https://placet.acme.example"
    assert acme.algorithms == ("RS256", "ES256", "EdDSA")
    assert acme.types == ("at+jwt", "JWT")
    assert (acme.agent_claim, acme.person_claim, acme.scopes) == ("client_id", "sub", ())
    assert (acme.leeway, acme.longest) == (timedelta(seconds=30), timedelta(hours=24))
    assert (partner.jwks.file, partner.audience) == ("keys.json", ("placet",))
    assert configuration.identity.named("x") == {"acme": "x", "partner": "x"}
    assert configuration.directory().agents["web"] == Agent("web", "platform", "alice")


@pytest.mark.parametrize(("replaced", "by", "expected"), broken("broken_identities.txt"))
def test_what_is_wrong_with_issuers_is_said_with_its_place_and_what_to_write(
    replaced, by, expected
):
    assert replaced in WITH_TOKENS

    problems = problems_of(WITH_TOKENS.replace(replaced, by, 1))

    assert problems == [f"placet.yaml:{line}" for line in expected]


def test_one_subject_for_one_issuer_is_one_text():
    text = WITH_TOKENS[: WITH_TOKENS.index("    partner: {issuer")] + "slack: {mode: local}\n"
    text = text.replace("{acme: a1, partner: p1}", "a1").replace("{acme: b1}", "b1")
    text = text.replace("{partner: c1}, subject: {partner: s1}", "c1, subject: s1")

    assert parsed(text).people["bob"].subject == "b1"


def test_the_person_a_keyed_agent_acts_for_needs_a_slack_id_where_a_user_group_approves():
    text = WHOLE.replace("bob: {slack: T0ACME/U0BOB}", "bob: {slack: T0ACME/U0BOB}\n  sam: {}")
    text = text.replace("owner: alice", "owner: alice, on_behalf_of: sam")

    (problem,) = problems_of(text)

    assert problem == (
        "placet.yaml:8:3: agent `ci-bot` acts for `sam`, who has no Slack id and might be in the"
        " group of team `platform`: nobody approves what is done for them; add `slack` to `sam`, or"
        " name the approvers of `platform` one by one"
    )
    parsed(text.replace("[bob, {group: S0PLATFORM}]", "[bob]"))


@pytest.mark.parametrize(("replaced", "by", "expected"), broken("broken_configurations.txt"))
def test_what_is_wrong_is_said_with_its_place_and_what_to_write(
    replaced, by, expected, monkeypatch, own_limits
):
    longest = "policies.configuration.settings.LONGEST_HOLD"
    monkeypatch.setattr(longest, own_limits[longest])
    assert replaced in WHOLE

    problems = problems_of(WHOLE.replace(replaced, by, 1))

    assert problems == [f"placet.yaml:{line}" for line in expected]


def test_tokens_of_slack_that_were_swapped_are_told_and_not_shown():
    text = WHOLE.replace("${BOT}", "xapp-secret").replace("${APP}", "xoxb-secret")

    for_bot, for_app = problems_of(text)

    assert for_bot.endswith(
        "`bot_token` begins with `xapp-`, so it is the other token; write the one that begins with"
        " `xoxb-`"
    )
    assert for_app.endswith(
        "`app_token` begins with `xoxb-`, so it is the other token; write the one that begins with"
        " `xapp-`"
    )


def test_every_problem_is_told_at_once():
    text = (
        WHOLE.replace("version: 1", "version: 9")
        .replace("owner: alice", "owner: alicia")
        .replace("${BOT}", "${BOTT}")
        .replace("escalate_to: security", "escalate_too: security")
        .replace("team: platform}\nagents", "team: plattform}\nagents")
        .replace("mode: socket", "mode: socket, mode: http")
    )

    assert [problem.partition(": ")[0] for problem in problems_of(text)] == [
        "placet.yaml:1:10",
        "placet.yaml:9:74",
        "placet.yaml:13:53",
        "placet.yaml:15:35",
        "placet.yaml:16:23",
        "placet.yaml:16:46",
    ]


def test_an_agent_without_a_key_is_refused_beyond_loopback():
    text = WHOLE.replace('key: "${CI_BOT_KEY}"', "anonymous: true").replace(
        "127.0.0.1:8787", "0.0.0.0:8787"
    )

    assert problems_of(text) == [
        (
            "placet.yaml:4:18: `0.0.0.0:8787` is reachable from other machines and agent `ci-bot` "
            "needs no key; listen on 127.0.0.1, give it a key, or start with --unsafe-no-auth"
        )
    ]
    assert parsed(text, unsafe_no_auth=True).anonymous_agent == "ci-bot"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost"])
def test_an_agent_without_a_key_is_served_on_loopback(host):
    text = WHOLE.replace('key: "${CI_BOT_KEY}"', "anonymous: true").replace(
        "127.0.0.1:8787", f"{host}:8787"
    )

    assert parsed(text).listen.agents.loopback


def test_one_agent_may_be_anonymous():
    text = WHOLE.replace(
        'key: "${CI_BOT_KEY}"}',
        "anonymous: true}\n  other: {team: platform, owner: bob, anonymous: true}",
    )

    assert problems_of(text) == [
        (
            "placet.yaml:16:39: agent `other` is a second anonymous agent; "
            "give it a key: `ci-bot` is anonymous already"
        )
    ]


def test_local_approvers_beside_real_servers_must_be_asked_for():
    text = WHOLE.replace("mode: socket", "mode: local")

    assert parsed(text, unsafe_local_approvers=True).slack.mode == "local"


def test_the_local_workspace_needs_no_secrets_where_no_server_is_real():
    text = WHOLE[: WHOLE.index("servers:")] + "slack: {mode: local}\n"

    assert parsed(text).servers == {}


def test_a_postgresql_ledger_with_a_digest_key_is_accepted():
    text = WHOLE.replace(
        'url: "sqlite:///placet.db"',
        'url: "postgresql://u@h/d", digest_key: "${CI_BOT_KEY}", '
        'old_digest_keys: ["${CI_BOT_KEY}"]',
    )

    assert parsed(text).ledger.postgresql


def test_no_value_of_a_variable_is_quoted_in_a_problem():
    secret = {
        **ENVIRONMENT,
        "TOKEN": "hunter2hunter2\n",
        "CI_BOT_KEY": "hunter2",
        "BOT": "hunter2 ",
    }

    with pytest.raises(InvalidDocument) as caught:
        parse_configuration(WHOLE.replace("C0SEC", "${CI_BOT_KEY}"), secret)

    assert "hunter2" not in str(caught.value)


@given(st.text(alphabet="abcinstv:{}[], \n-\"'$#1", max_size=60), st.integers(0, len(WHOLE)))
def test_no_text_breaks_the_reader(noise, place):
    try:
        parsed(WHOLE[:place] + noise + WHOLE[place:])
    except InvalidDocument as invalid:
        assert invalid.problems != ()  # noqa: PT017 - the other way out is a configuration


def test_an_address_names_one_person_who_has_no_slack_id():
    text = WHOLE.replace("slack: {mode: socket", "slack: {match_email: true, mode: socket")
    text = text.replace(
        "bob: {slack: T0ACME/U0BOB}",
        "bob: {email: B@example.com}\n  ben: {email: b@example.com}\n"
        "  ann: {slack: T0ACME/U0ANN, email: a@example.com}",
    )

    with pytest.raises(InvalidDocument) as error:
        parsed(text)

    told = "\n".join(map(str, error.value.problems))
    assert "`email` is already the address of `bob`; give `ben` one of its own" in told
    assert "`ann` has a Slack id and is known by that alone; remove `email`" in told


def test_addresses_reach_the_directory_only_where_they_are_to_name_people():
    text = WHOLE.replace("slack: {mode: socket", "slack: {match_email: true, mode: socket")
    text = text.replace("bob: {slack: T0ACME/U0BOB}", "bob: {email: bob@example.com}")

    directory = parsed(text).directory()

    assert directory.person_with("BOB@example.com") == "bob"
    assert directory.matches_email
    assert not parsed().directory().matches_email


def test_what_is_no_address_is_said():
    text = WHOLE.replace("slack: {mode: socket", "slack: {match_email: true, mode: socket")
    text = text.replace("bob: {slack: T0ACME/U0BOB}", "bob: {email: bob at example.com}")

    with pytest.raises(InvalidDocument, match="`email` is not an e-mail address"):
        parsed(text)


def test_the_reasons_of_a_no_can_be_the_company_s_own():
    text = WHOLE.replace("slack: {mode: socket", "slack: {denials: [Freeze], mode: socket")

    assert parsed(text).slack.denials == ("Freeze",)
    assert parsed().slack.denials[0] == "Not now"
