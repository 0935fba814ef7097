"""Whatever a signed request holds, it is answered, and who may not decide changes nothing by it."""

import json
import logging
import random
from urllib.parse import urlencode

import acme
import pytest
from office import ALICE, BOB, GUEST, OUT, PLATFORM, ROBOT, STRANGER
from signed_requests import send

from ledger.lives.approvals import ApprovalStatus
from ledger.views.freeze_readings import freezes_in_force

ACTIONS = [
    "approval.approve",
    "approval.approve_for",
    "approval.deny",
    "approval.details",
    "approval.extend",
    "details.next",
    "details.previous",
    "freeze.lift",
    "glass.sign_off",
    "grant.give",
    "grant.refuse",
    "grant.renew",
    "grant.revoke",
    "home.freeze",
    "home.look",
    "home.withdraw",
    "summary.approve",
    "summary.deny",
    "summary.own",
    "tools.accept",
    "tools.accept_one:1",
    "tools.accept_one:",
    "tools.details",
    "tools.next",
    "tools.previous",
]
VIEWS = [
    "approval.approve",
    "approval.deny",
    "approval.lasting",
    "approval.lasting.confirm",
    "details",
    "glass.break",
    "glass.signed",
    "grant.build",
    "home.approve",
    "summary.deny",
    "tools.details",
]
COMMANDS = [
    "",
    "approve",
    "break-glass",
    "delegate",
    "extend",
    "freeze",
    "freezes",
    "grant",
    "help",
    "list",
    "pending",
    "renew",
    "request",
    "revoke",
    "show",
    "sign-off",
    "undelegate",
    "unfreeze",
    "withdraw",
]
FIELDS = [
    "agent",
    "arguments",
    "chosen",
    "condition",
    "kind",
    "lasting",
    "preset",
    "reason",
    "scope",
    "server",
    "tool",
    "uses",
    "when",
]
HOSTILE = [
    "",
    "x" * 3_000,
    "apr_none",
    "../../etc",
    "\0",
    "\ud800",
    "\u202e",
    "{}",
    "{",
    "[]",
    "0",
    "-1",
    "9" * 400,
    "1e999",
    "<!channel>",
    "for 2h",
    "because",
    "T0ACME/U0BOB",
    "a b c",
    None,
    7,
    [],
    {},
]


class Forger:
    """Makes requests up; `known` are ids of things that are there."""

    def __init__(self, seed: int, known: list[str], block_ids: list[str]) -> None:
        self._random = random.Random(seed)  # noqa: S311  (no secret is made of it)
        self._known = known
        self._block_ids = block_ids
        self._made = 0

    def text(self):
        return self._random.choice([*HOSTILE, *self._known, *self._known])

    def one(self, options):
        return self._random.choice(options)

    def often(self) -> bool:
        return self._random.random() < 0.8

    def entered(self):
        option = {"value": self.text(), "text": {"type": "plain_text", "text": "x"}}
        return self.one(
            [
                {"type": "plain_text_input", "value": self.text()},
                {"type": "static_select", "selected_option": option},
                {"type": "static_select", "selected_option": self.text()},
                {"type": "checkboxes", "selected_options": [option, self.text()]},
                {"type": "checkboxes", "selected_options": [option] * 30},
                self.text(),
            ]
        )

    def state(self):
        values = {name: {name: self.entered()} for name in FIELDS if self.often()}
        return {"values": values if self.often() else self.text()}

    def metadata(self):
        spot = {"approval": self.text(), "channel": PLATFORM, "ts": "1.1", "revision": 1}
        return self.one(
            [
                self.text(),
                json.dumps(spot),
                json.dumps({"spot": spot, "seconds": 60, "scope": "tool"}),
                json.dumps({"approval": self.text(), "page": self.one([-1, 0, 1, 10**30, "1"])}),
                json.dumps({"channel": PLATFORM, "ts": "1.1", "members": [self.text()] * 3}),
                json.dumps({"channel": self.text()}),
                json.dumps({"approval": self.text(), "channel": PLATFORM, "reason": "x"}),
                json.dumps({"review": self.text(), "page": 1, "pages": 1}),
            ]
        )

    def action(self, who: str):
        pressed = {
            "type": "button",
            "action_id": self.one(ACTIONS),
            "block_id": self.one([*self._block_ids, self.text()]),
            "value": self.text(),
            "action_ts": self.one(["1763899200.000001", self.text()]),
        }
        if self.often():
            pressed["selected_option"] = {"value": self.text()}
        message = {"ts": "1.1", "blocks": [{"block_id": each} for each in self._block_ids]}
        return self._person(who) | {
            "type": "block_actions",
            "container": {"type": "message", "message_ts": "1.1", "channel_id": PLATFORM},
            "actions": [pressed] if self.often() else [self.text()],
            "message": message if self.often() else self.text(),
            "state": self.state() if self.often() else self.text(),
            **({"view": self.view()} if not self.often() else {}),
        }

    def submission(self, who: str):
        return self._person(who) | {
            "type": self.one(["view_submission", "view_submission", "view_closed"]),
            "view": self.view(),
        }

    def view(self):
        return {
            "id": f"V{self._made}",
            "type": "modal",
            "callback_id": self.one(VIEWS),
            "private_metadata": self.metadata(),
            "state": self.state(),
            "hash": self.text(),
        }

    def command(self, who: str):
        said = " ".join(str(self.text()) for _ in range(self._random.randrange(6)))
        return {
            "command": "/placet",
            "text": f"{self.one(COMMANDS)} {said}"[:3_000].encode(errors="replace").decode(),
            "user_id": who,
            "team_id": self.one(["T0ACME", "T0OTHER"]),
            "api_app_id": "A0PLACET",
            "channel_id": PLATFORM,
            "trigger_id": "1.2.3",
            "response_url": "http://127.0.0.1:9/",
        }

    def _person(self, who: str):
        self._made += 1
        team = self.one(["T0ACME", "T0ACME", "T0OTHER"])
        return {
            "user": {"id": who, "team_id": team},
            "team": {"id": self.one(["T0ACME", "T0OTHER"])} if self.often() else None,
            "api_app_id": "A0PLACET",
            "trigger_id": self.one([f"t{self._made}", "1.2.3", ""]),
        }


async def known(office) -> tuple[list[str], list[str]]:
    """Let there be one of each thing; return their ids, and the block ids of the card."""
    approval = await office.ask()
    card = await office.card(approval)
    await office.local.command(BOB, PLATFORM, "/placet", "freeze server files for 2h")
    (freeze,) = await freezes_in_force(office.ledger)
    await office.local.command(ALICE, PLATFORM, "/placet", "request ci-bot files/* for 1h")
    await office.ledger.execute(acme.grant(at=office.clock.now()))
    (grant,) = await office.ledger.grants(live=True)
    blocks = [block["block_id"] for block in card["blocks"]]
    blocks.append(f"item:{approval}:3")
    return [approval, f"{approval} 3", freeze.id, grant.id, "files", "ci-bot"], blocks


def faults(caplog) -> list[str]:
    return [
        f"{record.name}: {record.getMessage()} {record.exc_info}"
        for record in caplog.records
        if record.levelno >= logging.ERROR or (record.exc_info and record.exc_info[0])
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_forged_requests_of_who_may_not_decide_change_nothing(
    http_office, caplog, seed
) -> None:
    ids, blocks = await known(http_office)
    forger = Forger(seed, ids, blocks)
    before = await http_office.approval(ids[0])

    statuses = set()
    for _ in range(150):
        who = forger.one([OUT, GUEST, STRANGER, ROBOT, "U0NOBODY"])
        statuses.add(await deliver(http_office, forger, who))

    assert statuses <= {200, 400}
    assert faults(caplog) == []
    after = await http_office.approval(ids[0])
    assert after.status is ApprovalStatus.PENDING
    assert (after.votes, after.read) == ((), {})
    assert [(c.channel, c.ts) for c in after.cards] == [(c.channel, c.ts) for c in before.cards]
    assert len(await http_office.ledger.grants(live=True)) == 1
    assert len(await freezes_in_force(http_office.ledger)) == 1


@pytest.mark.parametrize("seed", range(3, 6))
async def test_forged_requests_of_approvers_are_answered_without_a_fault(
    http_office, caplog, seed
) -> None:
    ids, blocks = await known(http_office)
    forger = Forger(seed, ids, blocks)

    statuses = set()
    for _ in range(150):
        statuses.add(await deliver(http_office, forger, forger.one([BOB, ALICE])))

    assert statuses <= {200, 400}
    assert faults(caplog) == []


def press(**changed):
    action = {"action_id": "home.freeze", "value": "ci-bot", "action_ts": "1.1"}
    kind = {"type": "block_actions", "actions": [action | changed.pop("action", {})]}
    return {"user": {"id": BOB, "team_id": "T0ACME"}, "api_app_id": "A0PLACET", **kind, **changed}


def submit(**changed):
    spot = {"approval": "apr_1", "channel": PLATFORM, "ts": "1.1", "revision": 1}
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": "approval.deny",
        "private_metadata": json.dumps(spot),
        "state": {"values": {"reason": {"reason": {"value": changed.pop("reason", "no")}}}},
    }
    person = {"user": {"id": BOB, "team_id": "T0ACME"}, "api_app_id": "A0PLACET"}
    return {**person, "type": "view_submission", "trigger_id": "t", "view": view | changed}


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (press(action={"action_ts": "\0"}), 200),
        (press(action={"action_ts": ""}, trigger_id="\0"), 200),
        (press(action={"action_ts": "1" * 65}), 400),
        (press(action={"value": "x" * 201}), 400),
        (press(action={"block_id": "x" * 256}), 400),
        (press(user={"id": "U" * 65}), 400),
        (submit(id="V\0"), 200),
        (submit(id="V" * 65), 400),
        (submit(hash="h" * 5_000), 400),
        (submit(private_metadata="{" * 3_001), 400),
        (submit(private_metadata="[" * 3_000), 200),
        (submit(reason="x" * 1_000), 200),
        (submit(reason="x" * 3_001), 400),
        (submit(state={"values": {"reason": {"reason": {"value": ["x" * 9_000]}}}}), 400),
    ],
    ids=range(14),
)
async def test_what_is_longer_than_slack_makes_it_is_turned_away(
    http_office, caplog, payload, status
) -> None:
    approval = await http_office.ask()
    await http_office.told_card(approval)

    answered, _ = await send(http_office, urlencode({"payload": json.dumps(payload)}).encode())

    assert answered == status
    assert faults(caplog) == []


async def test_a_command_longer_than_any_message_is_turned_away(http_office, caplog) -> None:
    command = Forger(0, [], []).command(BOB) | {"team_id": "T0ACME"}

    short = command | {"text": "freeze agent ci-bot " + "x" * 10_000}
    long = command | {"text": "freeze agent ci-bot " + "x" * 900_000}

    assert [(await send(http_office, urlencode(each).encode()))[0] for each in (short, long)] == [
        200,
        400,
    ]
    assert faults(caplog) == []
    assert await freezes_in_force(http_office.ledger) == []


async def deliver(office, forger: Forger, who: str) -> int:
    kind = forger.one(["action", "action", "submission", "submission", "command"])
    if kind == "command":
        body = urlencode(forger.command(who))
    else:
        made = forger.action(who) if kind == "action" else forger.submission(who)
        body = urlencode({"payload": json.dumps(made)})
    status, text = await send(office, body.encode())
    assert status < 500, (status, text, body)
    return status
