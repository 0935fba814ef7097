"""`placet.yaml` is refused with everything that is wrong with it, each with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.configuration import Configuration, parse_configuration
from policies.people import Agent, Person, Team
from policies.problems import InvalidDocument
from policies.settings import HttpServer, StdioServer

WHOLE = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people:
  alice: {slack: T0ACME/U0ALICE, subject: alice@example.com}
  bob: {slack: T0ACME/U0BOB}
teams:
  platform: {channel: C0PLATFORM, approvers: [bob, {group: S0PLATFORM}], escalate_to: security}
  security: {channel: C0SEC, approvers: [bob]}
servers:
  github: {url: "https://api.example/mcp/", headers: {Authorization: "Bearer ${TOKEN}"}, team: platform}
  files: {command: [npx, -y, server, ./data], team: platform}
agents:
  ci-bot: {team: platform, owner: alice, key: "${CI_BOT_KEY}"}
slack: {mode: socket, bot_token: "${BOT}", app_token: "${APP}", signing_secret: "${SIGNING}"}
"""
ENVIRONMENT = {
    "TOKEN": "t",
    "CI_BOT_KEY": "k" * 32,
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


def test_the_directory_has_people_teams_agents_and_the_teams_of_servers():
    directory = parsed().directory()

    assert directory.people["alice"] == Person("alice", "T0ACME/U0ALICE", "alice@example.com")
    assert directory.teams["platform"] == Team(
        "platform", "C0PLATFORM", ("bob",), ("S0PLATFORM",), "security"
    )
    assert directory.agents == {"ci-bot": Agent("ci-bot", "platform", "alice")}
    assert directory.server_teams == {"github": "platform", "files": "platform"}


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


@pytest.mark.parametrize(
    ("replaced", "by", "expected"),
    [
        ("version: 1", "version: 2", ["1:10: `version` must be 1; write `version: 1`: there is no other yet"]),
        ("version: 1\n", "", ["1:1: `version` is missing; add it"]),
        ("version: 1\n", "version: '1'\n", ["1:10: `version` must be a whole number; write digits only, without quotes"]),
        ("policy: policy.yaml", "policy:", ["2:1: `policy` has no value; write one, or remove the key"]),
        ("policy: policy.yaml", 'policy: " "', ["2:9: `policy` is empty; write something, or remove the key"]),
        ("policy: policy.yaml", "policy: 3", [
            "2:9: `policy` must be text; write text, in quotes where it looks like a number or a word like `true`"]),
        ("teams:", "temas:", [
            '8:1: unknown key `temas`; did you mean `teams`?',
            "12:96: there is no team `platform`; add it under `teams`",
            "13:53: there is no team `platform`; add it under `teams`",
            "15:18: there is no team `platform`; add it under `teams`"]),
        ("bob: {slack", "bob: {slak", ["7:9: unknown key `slak` in `bob`; did you mean `slack`?"]),
        ("T0ACME/U0BOB", "bob", [
            "7:16: `slack` is not a Slack id; write workspace and user, like `T0ACME/U0ALICE`"]),
        ("T0ACME/U0BOB", "T0ACME/U0ALICE", [
            "7:16: `slack` is already the Slack id of `alice`; give `bob` one of its own"]),
        ("bob: {slack: T0ACME/U0BOB}", "bob: {subject: alice@example.com}", [
            "7:18: `subject` is already the subject of `alice`; give `bob` one of its own"]),
        ("bob: {slack: T0ACME/U0BOB}", "bob: T0ACME/U0BOB", [
            "7:8: `bob` must be a map of keys and values; write `key: value` lines below it, indented"]),
        ("  bob: {slack: T0ACME/U0BOB}", "  bob: {slack: T0ACME/U0BOB}\n  Eve Smith: {}", [
            "8:3: `Eve Smith` is not a name; use up to 64 of a-z, 0-9, `_`, `.` and `-`, beginning with a letter or digit"]),
        ("C0PLATFORM", '"#platform"', [
            "9:23: `channel` is not a Slack channel id; write the id from the channel's details, like `C0PLATFORM`"]),
        ("[bob, {group: S0PLATFORM}]", "bob", [
            "9:46: `approvers` must be a list; write `[one, two]`, or lines that begin with `- `"]),
        ("[bob, {group: S0PLATFORM}]", "[bib, {group: platform}]", [
            "9:47: there is no person `bib`; did you mean `bob`?",
            "9:60: `group` is not a Slack user group; write its id, like `S0PLATFORM`"]),
        ("[bob, {group: S0PLATFORM}]", "[bob, bob]", [
            "9:52: an approver of `platform` is here twice; keep one: votes count once"]),
        ("[bob, {group: S0PLATFORM}]", "[bob, {grup: S0PLATFORM}]", [
            "9:52: `group` is missing in `approvers`; add it",
            "9:53: unknown key `grup` in `approvers`; did you mean `group`?"]),
        ("escalate_to: security", "escalate_to: platform", [
            "9:87: `platform` escalates to itself; name another team, or remove the key"]),
        ("escalate_to: security", "escalate_to: sekurity", [
            "9:87: there is no team `sekurity`; did you mean `security`?"]),
        ("https://api.example/mcp/", "ftp://api.example/mcp/", [
            "12:17: `url` is not an http or https address; write it like `https://example.com/mcp/`, without query or user name"]),
        ("https://api.example/mcp/", "https://me:pw@api.example/mcp/", [
            "12:17: `url` is not an http or https address; write it like `https://example.com/mcp/`, without query or user name"]),
        ("https://api.example/mcp/", "https://api.example/mcp/?key=1", [
            "12:17: `url` is not an http or https address; write it like `https://example.com/mcp/`, without query or user name"]),
        ("Authorization:", "Author ization:", [
            "12:55: `Author ization` is not a header name; write it like `Authorization`"]),
        ("Bearer ${TOKEN}", "Bearer ${TOKE}", [
            "12:70: the environment variable `TOKE` is not set; set it before you start Placet"]),
        ("Bearer ${TOKEN}", "Bearer ${TOKEN", [
            "12:70: `${` is not followed by a name and `}`; write `${NAME}`, or `$${` for itself"]),
        ("Bearer ${TOKEN}", "${EMPTY}", [
            "12:70: `Authorization` is empty; set the variable it comes from, or write the secret"]),
        ("Bearer ${TOKEN}", "${LINES}", [
            "12:70: `Authorization` holds blanks, line ends or other characters; use printable ASCII only"]),
        ("[npx, -y, server, ./data]", "[]", ["13:20: `command` is an empty list; name the program to start"]),
        ("[npx, -y, server, ./data]", "npx server", [
            "13:20: `command` must be a list; write `[one, two]`, or lines that begin with `- `"]),
        ("team: platform}\nagents", "team: platform, headers: {A: b}}\nagents", [
            "13:63: `headers` does not go with the other keys of `files`; remove it"]),
        ("team: platform}\nagents", "team: platform, observe: true}\nagents", [
            "13:63: `observe` is not enforced by this version; remove it: every server is gated"]),
        ("team: platform}\nagents", 'team: platform, trusted: "yes"}\nagents', [
            "13:72: `trusted` must be `true` or `false`; write one of the two, without quotes"]),
        ("files: {command: [npx, -y, server, ./data], team: platform}", "files: {team: platform}", [
            "13:3: `url` is missing in `files`; add it"]),
        ("owner: alice", "owner: alic", ["15:35: there is no person `alic`; did you mean `alice`?"]),
        ("owner: alice, ", "", ["15:3: `owner` is missing in `ci-bot`; add it"]),
        (', key: "${CI_BOT_KEY}"', "", [
            '15:3: agent `ci-bot` has no key; add `key: "${NAME}"`, or `anonymous: true` for callers without a key']),
        (', key: "${CI_BOT_KEY}"', ', key: "${CI_BOT_KEY}", anonymous: true', [
            "15:3: agent `ci-bot` has a key and is anonymous; keep one of the two"]),
        ("${CI_BOT_KEY}", "${SHORT}", [
            "15:47: `key` is shorter than 32 characters; make one with `openssl rand -hex 32`"]),
        ("${CI_BOT_KEY}", "${SPACED}", ["15:47: `key` holds a blank; use letters, digits and signs only"]),
        ("${CI_BOT_KEY}", "${EMPTY}", [
            "15:47: `key` is empty; set the variable it comes from, or write the secret"]),
        ("slack: {mode", "  deploy-bot: {team: platform, owner: bob, key: '${CI_BOT_KEY}'}\nslack: {mode", [
            "16:49: `key` is already the key of `ci-bot`; give `deploy-bot` one of its own"]),
        ("mode: socket", "mode: sockets", ["16:15: `mode` must be `socket`, `http` or `local`; write it like that"]),
        (', app_token: "${APP}"', "", [
            '16:1: `app_token` is missing in `slack`, and mode socket needs it; add `app_token: "${SLACK_APP_TOKEN}"`']),
        ("${APP}", "${BLANK}", [
            "16:55: `app_token` is empty; set the variable it comes from, or write the secret"]),
        ("mode: socket", "mode: http", [
            '4:1: `slack` is missing in `listen`, and mode http needs it; add `slack: "0.0.0.0:8788"`']),
        ("mode: socket", "mode: local", [
            "16:15: anybody with a shell on this machine could approve calls to your servers in mode local; "
            "use mode socket or http, or start with --unsafe-local-approvers"]),
        ("127.0.0.1:8787", "8787", ['4:18: `agents` is not an address; write host and port in quotes, like "127.0.0.1:8787"']),
        ("127.0.0.1:8787", "127.0.0.1:70000", [
            '4:18: `agents` is not an address; write host and port in quotes, like "127.0.0.1:8787"']),
        ("sqlite:///placet.db", "mysql://x", [
            "3:15: `url` is not a database Placet knows; write `sqlite:///placet.db` or `postgresql+psycopg://user@host/database`"]),
        ("sqlite:///placet.db", "postgresql+psycopg://u@h/d", [
            '3:15: `digest_key` is missing in `ledger`, and PostgreSQL needs it; add `digest_key: "${PLACET_DIGEST_KEY}"`']),
        ('placet.db"}', 'placet.db", digest_key: short}', [
            "3:50: `digest_key` is shorter than 32 characters; make one with `openssl rand -hex 32`"]),
        ("slack: {mode", "gateway: {hold: 5s}\nslack: {mode", [
            "16:17: `hold` must be between 0s and 4s; write a duration within these bounds"]),
        ("slack: {mode", "gateway: {hold: 4}\nslack: {mode", [
            "16:17: `hold` is not a duration; write a number and a unit, for example `30s`, `15m`, `8h` or `7d`"]),
        ("slack: {mode", "gateway: {body_limit: 10}\nslack: {mode", [
            "16:23: `body_limit`: input should be greater than or equal to 1024; mend the value"]),
        ("team: platform, owner", "team: platform, team: security, owner", [
            "15:28: the key `team` is here twice; keep one: the first is on line 15"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place_and_what_to_write(replaced, by, expected):
    assert replaced in WHOLE

    problems = problems_of(WHOLE.replace(replaced, by, 1))

    assert problems == [f"placet.yaml:{line}" for line in expected]


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
        "placet.yaml:4:18: `0.0.0.0:8787` is reachable from other machines and agent `ci-bot` "
        "needs no key; listen on 127.0.0.1, give it a key, or start with --unsafe-no-auth"
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
        "placet.yaml:16:39: agent `other` is a second anonymous agent; "
        "give it a key: `ci-bot` is anonymous already"
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
        'url: "postgresql://u@h/d", digest_key: "${CI_BOT_KEY}", old_digest_keys: ["${CI_BOT_KEY}"]',
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
