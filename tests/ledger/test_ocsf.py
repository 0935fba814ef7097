"""Events in OCSF: valid by the published schemas, each event written or left out on purpose."""

import json
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from shelled import Terminal, a_history

from ledger.clock import moment
from ledger.events.card_events import VoteCast
from ledger.events.catalogue import EVENTS
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import CallDecided
from ledger.events.standing_events import GrantRevoked
from ledger.ocsf.ocsf import LEFT_OUT, in_ocsf
from ledger.ocsf.ocsf_parts import Version
from ledger.ocsf.ocsf_verdicts import CALLS, GRANTS
from ledger.readings.concerning import Concern
from ledger.storage.mapper import RecordMapper
from ledger.words.tabulating import machine
from policies.rules.decisions import Effect
from policies.values.calls import Risk
from policies.values.refusals import Refused

GOLDEN = Path(__file__).parent / "golden" / "events-v1.jsonl"
HOSTILE = "\x1b[2J\u202e\u200b\u2028=1\n" + "x" * 100_000

versions = pytest.mark.parametrize("version", list(Version))


@cache
def validator(version: str, name: str) -> Draft202012Validator:
    profiles = ["security_control"] if version == "1.8.0" else []
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version)).get_class_schema(name, profiles)
    return Draft202012Validator(schema)


def problems(body: dict[str, object], version: str) -> list[str]:
    """Return what the published schema says against an event."""
    name = {6003: "api_activity", 3005: "user_access"}[body["class_uid"]]
    return [error.message for error in validator(version, name).iter_errors(body)]


def golden() -> dict[str, Event]:
    """Return an event of each kind that was ever written, with every field filled."""
    mapper = RecordMapper()
    kept = [json.loads(line) for line in GOLDEN.read_text().splitlines()]
    return {each["topic"]: mapper.event(each["topic"], each["state"].encode()) for each in kept}


def recorded(event: Event, actor: str = "agent:ci-bot") -> Recorded:
    return Recorded(
        position=7,
        stream="call-call_1",
        version=2,
        at=moment(1_795_435_200_123_456),
        actor=actor,
        command_id="decide-1",
        correlation_id="apr_1",
        causation_id="call_0",
        event=event,
    )


def body(event: Event, version: Version, concern: Concern | None = None, **where: str):
    """Return an event in OCSF as another program reads it."""
    known = concern or Concern(agent="ci-bot", server="files", tool="write_file")
    written = in_ocsf(recorded(event, **where), lambda _: known, version)
    return json.loads(machine(written))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TOPIC)
def test_every_event_is_written_or_left_out_for_a_reason(event) -> None:
    places = [event in CALLS, event in GRANTS, event in LEFT_OUT]

    assert places.count(True) == 1
    assert LEFT_OUT.get(event, "it is written")


def test_nothing_else_is_written_or_left_out() -> None:
    assert {*CALLS, *GRANTS, *LEFT_OUT} == set(EVENTS)


@versions
@pytest.mark.parametrize("event", [*CALLS, *GRANTS], ids=lambda event: event.TOPIC)
@pytest.mark.parametrize("actor", ["agent:ci-bot", "person:bob", "shell:ops", "placet:gateway", ""])
def test_every_event_is_valid_by_the_published_schema(version, event, actor) -> None:
    example = golden()[event.TOPIC]

    written = body(example, version, actor=actor)

    assert problems(written, version) == []
    assert written["metadata"]["event_code"] == event.TOPIC
    assert written["type_uid"] == written["class_uid"] * 100 + written["activity_id"]


@versions
@pytest.mark.parametrize("event", [*CALLS, *GRANTS], ids=lambda event: event.TOPIC)
def test_hostile_texts_and_a_lost_subject_change_nothing_about_that(version, event) -> None:
    example = golden()[event.TOPIC]
    texts = {name: HOSTILE for name, value in example if type(value) is str}
    nothing = Concern(agent=HOSTILE, agent_team=HOSTILE, target=HOSTILE, tool=HOSTILE)

    for concern in (nothing, Concern()):
        written = in_ocsf(
            recorded(example.model_copy(update=texts)), lambda _, c=concern: c, version
        )
        line = machine(written)

        assert problems(json.loads(line), version) == []
        assert line.isascii()
        assert line.isprintable()


@versions
@pytest.mark.parametrize("observed", [False, True])
@pytest.mark.parametrize("risk", list(Risk))
@pytest.mark.parametrize("effect", list(Effect))
def test_every_decision_is_valid(version, effect, risk, observed) -> None:
    example = golden()["CallDecided"]
    event = example.model_copy(update={"effect": effect, "risk": risk, "observed": observed})

    assert problems(body(event, version), version) == []


def test_a_schema_that_is_not_met_is_seen() -> None:
    written = body(golden()["CallDecided"], Version.V1_8_0)
    del written["actor"]

    assert problems(written | {"status_id": "1"}, "1.8.0") != []
    assert problems(written, "1.8.0") == ["'actor' is a required property"]


@versions
def test_a_history_is_valid_and_in_order(ledger_url, version, capfd) -> None:
    terminal = a_history(ledger_url)

    terminal.run("audit", "export", "--ocsf-version", version)

    bodies = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [problem for each in bodies for problem in problems(each, version)] == []
    assert [(each["metadata"]["uid"], each["metadata"]["event_code"]) for each in bodies] == [
        ("3", "CallDecided"),
        ("4", "ApprovalRequested"),
        ("6", "VoteRefused"),
        ("7", "VoteCast"),
        ("8", "ApprovalGiven"),
        ("9", "ApprovalDispatched"),
        ("10", "CallCompleted"),
        ("11", "GrantIssued"),
        ("12", "CallDecided"),
        ("14", "CallDecided"),
        ("15", "ApprovalRequested"),
    ]
    ended = bodies[6]
    assert ended["actor"]["user"]["name"] == "ci-bot"
    assert ended["api"]["operation"] == "write_file"
    assert ended["metadata"]["correlation_uid"] == "apr_1"


def test_an_older_schema_is_the_default(sqlite_url, capfd) -> None:
    a_history(sqlite_url).run("audit", "export", "--agent", "ci-bot")

    line = json.loads(capfd.readouterr().out.splitlines()[0])
    assert line["metadata"]["version"] == "1.1.0"
    assert "disposition_id" not in line


def test_a_version_without_ocsf_is_refused(sqlite_url) -> None:
    with pytest.raises(Refused, match="is for `--format ocsf`"):
        Terminal(sqlite_url).run("audit", "export", "--format", "jsonl", "--ocsf-version", "1.8.0")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"effect": Effect.ALLOW}, (1, "Success", 1, 1)),
        ({"effect": Effect.DENY}, (2, "Failure", 2, 2)),
        ({"effect": Effect.REQUIRE_APPROVAL}, (99, "Undecided", 99, 14)),
        ({"effect": Effect.DENY, "observed": True}, (1, "Success", 3, 17)),
    ],
)
def test_a_decision_says_what_was_done(changes, expected) -> None:
    event = golden()["CallDecided"].model_copy(update=changes)

    written = body(event, Version.V1_8_0)

    names = ("status_id", "status", "action_id", "disposition_id")
    assert tuple(written[name] for name in names) == expected
    assert written["status_code"] == event.effect


def test_a_decision_has_its_place_time_and_ids_where_they_belong() -> None:
    written = body(golden()["CallDecided"], Version.V1_8_0)

    assert written["time"] == 1_795_435_200_123
    assert written["metadata"]["uid"] == "7"
    assert written["metadata"]["sequence"] == 7
    assert written["metadata"]["correlation_uid"] == "apr_1"
    assert written["metadata"]["original_time"] == "2026-11-23T12:00:00.123456Z"
    unmapped = written["unmapped"]
    assert (unmapped["command_id"], unmapped["causation_id"]) == ("decide-1", "call_0")
    assert (unmapped["stream"], unmapped["stream_version"]) == ("call-call_1", 2)


@versions
def test_nothing_that_an_event_says_is_lost(version) -> None:
    event = golden()["CallDecided"]
    assert isinstance(event, CallDecided)

    written = body(event, version)

    state = event.model_dump(mode="json")
    assert state.pop("arguments") == written["api"]["request"]["data"]
    (rule,) = state.pop("rules")
    policy = written["actor"]["authorizations"][0]["policy"]
    assert [rule[name] for name in ("rule", "pointer", "because")] == [
        policy[name] for name in ("name", "uid", "desc")
    ]
    assert written["unmapped"]["state"] == state


def test_a_vote_is_of_the_person_and_a_decision_of_the_agent() -> None:
    vote = golden()["VoteCast"]
    assert isinstance(vote, VoteCast)

    voter = body(vote, Version.V1_8_0)["actor"]["user"]
    caller = body(golden()["CallCompleted"], Version.V1_8_0, actor="placet:gateway")["actor"]

    assert voter == {"name": vote.person, "type_id": 1, "type": "User", "uid": vote.evidence.slack}
    assert caller["user"] == {"name": "ci-bot", "type_id": 99, "type": "Agent"}


@pytest.mark.parametrize(
    ("name", "activity"),
    [("GrantIssued", 1), ("GrantRevoked", 2), ("GrantExpired", 2), ("GrantRefused", 99)],
)
def test_grants_are_privileges_of_the_agent(name, activity) -> None:
    concern = Concern(agent="ci-bot", server="files", target="files/write_*")

    older = body(golden()[name], Version.V1_1_0, concern, actor="person:bob")
    newer = body(golden()[name], Version.V1_8_0, concern, actor="person:bob")

    assert (older["class_uid"], older["activity_id"]) == (3005, activity)
    assert older["user"]["name"] == newer["user"]["name"] == "ci-bot"
    assert older["privileges"] == newer["privileges"] == ["files/write_*"]
    assert older["resource"] == newer["resources"][0]
    assert "actor" not in older


def test_who_ended_a_grant_is_the_actor() -> None:
    event = GrantRevoked(grant="grt_1", by="bob", reason=None)

    written = body(event, Version.V1_8_0, actor="person:bob")

    assert written["actor"]["user"]["name"] == "bob"
    assert "status_detail" not in written
