"""A Slack that people act in, the same for tests whoever speaks its Web API: ours or another's.

The bot reaches it through a wire that notes what passes. People act by signed requests to the bot,
so that a server without buttons of its own, as most that stand in for Slack, serves as well.
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from office import SIGNING_SECRET, until_async
from slack_limits import visible_text
from slack_sdk.signature import SignatureVerifier
from slack_wire import Asked, Json, Wire

from bot.workspace.inputs import Values, find_element, state_of


@dataclass(frozen=True)
class Known:
    """Who is who in a workspace; `people` and `channels` give ids by name."""

    team: str
    app: str
    bot_token: str
    reader_token: str
    people: Mapping[str, str]
    channels: Mapping[str, str]


@dataclass
class EitherSlack:
    """A workspace, and its people. `trigger` gets a trigger id for a person."""

    wire: Wire
    known: Known
    events_url: str
    trigger: Callable[[str], Awaitable[str]]

    async def press(self, who: str, message: Json, action_id: str, **changed: Any) -> Json:
        """Let a person press a button of a message; return what the bot answered."""
        block, element = find_element(message["blocks"], action_id, None)
        channel = message.get("channel") or self.known.channels["platform"]
        container = {"type": "message", "message_ts": message["ts"], "channel_id": channel}
        return await self._interact(
            who,
            "block_actions",
            container=container,
            channel={"id": channel, "name": "platform"},
            message=message,
            actions=[_pressed(block, element)],
            response_url=self.wire.response_url,
            **changed,
        )

    async def press_in_view(self, who: str, view: Json, action_id: str) -> Json:
        """Let a person press a button of a modal or of the home tab."""
        block, element = find_element(view["blocks"], action_id, None)
        container = {"type": "view", "view_id": view["id"]}
        pressed = [_pressed(block, element)]
        return await self._interact(
            who, "block_actions", container=container, view=view, actions=pressed
        )

    async def submit(self, who: str, view: Json, values: Values) -> Json:
        """Let a person submit a modal with `values`; return what the bot answered."""
        sent = view | {"state": state_of(view["blocks"], values)}
        return await self._interact(who, "view_submission", view=sent, response_urls=[])

    async def type(self, who: str, text: str) -> str:
        """Let a person type `/placet TEXT`; return the text that only they see."""
        form = {
            "command": "/placet",
            "text": text,
            "user_id": self.known.people[who],
            "team_id": self.known.team,
            "api_app_id": self.known.app,
            "channel_id": self.known.channels["platform"],
            "trigger_id": await self.trigger(who),
            "response_url": self.wire.response_url,
        }
        said = await self._send(urlencode(form), "application/x-www-form-urlencoded")
        return " ".join([said.get("text") or "", visible_text(said.get("blocks") or [])])

    async def open_home(self, who: str) -> Json:
        """Let a person open the home tab; return what the bot published there."""
        before = len(self.wire.asked)
        event = {"type": "app_home_opened", "user": self.known.people[who], "tab": "home"}
        event |= {"channel": "D0HOME", "event_ts": f"{time.time():.6f}"}
        body = {
            "type": "event_callback",
            "team_id": self.known.team,
            "api_app_id": self.known.app,
            "event": event,
            "event_id": f"Ev{time.time_ns()}",
            "event_time": int(time.time()),
        }
        await self._send(json.dumps(body), "application/json")
        asked = await self.hears("views.publish", since=before)
        return dict(asked.answer["view"])

    async def view(self, *, since: int = 0) -> Json:
        """Return the newest modal that the bot opened or changed, as Slack answered."""

        def opened() -> list[Asked]:
            return [one for one in self.wire.asked[since:] if one.method in _MODALS]

        await until_async(_holding(opened))
        newest = opened()[-1]
        assert newest.answer["ok"], newest.answer
        return dict(newest.answer["view"])

    async def hears(self, method: str, *, since: int = 0) -> Asked:
        """Wait until the bot asked `method`, and return the newest such request."""

        def such() -> list[Asked]:
            return [one for one in self.wire.asked[since:] if one.method == method]

        await until_async(_holding(such))
        return such()[-1]

    async def told(self, who: str, text: str) -> None:
        """Wait until a person was told something that holds `text`, and only they."""

        def whispers() -> bool:
            return any(
                text in visible_text(_blocks(one.form)) + str(one.form.get("text"))
                for one in self.wire.asked
                if one.method == "chat.postEphemeral"
                and one.form["user"] == self.known.people[who]
                and one.answer["ok"]
            )

        await until_async(_holding(whispers))

    async def messages(self, channel: str = "platform", thread: str | None = None) -> list[Json]:
        """Return what Slack has in a channel, or in a thread below its first message."""
        where = {"channel": self.known.channels[channel], "limit": "200"}
        if thread is None:
            return list((await self._read("conversations.history", where))["messages"])
        said = await self._read("conversations.replies", {**where, "ts": thread})
        return [message for message in said["messages"] if message["ts"] != thread]

    async def card(self, approval: str, saying: str = "Approval needed") -> Json:
        """Return an approval's card once Slack has it, saying so."""
        found: list[Json] = []

        async def there() -> bool:
            found[:] = [
                message
                for message in await self.messages()
                if approval in str(message.get("blocks")) and saying in shown(message)
            ]
            return bool(found)

        await until_async(there)
        return found[0]

    async def in_thread(self, card: Json, saying: str) -> None:
        """Wait until the thread of a card has a message that says so."""

        async def there() -> bool:
            return any(saying in shown(each) for each in await self.messages(thread=card["ts"]))

        await until_async(there)

    def refused(self) -> list[tuple[str, str]]:
        """Return the requests of the bot that Slack did not take: method and error."""
        return [(one.method, one.answer["error"]) for one in self.wire.asked if not _ok(one)]

    async def _read(self, method: str, form: Json) -> Json:
        headers = {"Authorization": f"Bearer {self.known.reader_token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(self.wire.target + method, data=form) as answer,
        ):
            said: Json = await answer.json()
        assert said["ok"], said
        return said

    async def _interact(self, who: str, kind: str, **members: Any) -> Json:
        payload = {
            "type": kind,
            "user": {"id": self.known.people[who], "name": who, "team_id": self.known.team},
            "team": {"id": self.known.team, "domain": "acme"},
            "api_app_id": self.known.app,
            "enterprise": None,
            "trigger_id": await self.trigger(who),
        } | members
        form = urlencode({"payload": json.dumps(payload)})
        return await self._send(form, "application/x-www-form-urlencoded")

    async def _send(self, body: str, content_type: str) -> Json:
        at = str(int(time.time()))
        signed = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=at, body=body)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": signed or "",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.events_url, data=body.encode(), headers=headers) as answer,
        ):
            text = await answer.text()
            assert answer.status == 200, (answer.status, text)
        return json.loads(text) if answer.content_type == "application/json" and text else {}


_MODALS = frozenset({"views.open", "views.push", "views.update"})


def shown(message: Json) -> str:
    """Return all that a reader of a message sees."""
    return f"{message.get('text', '')} {visible_text(message.get('blocks') or [])}"


def _pressed(block: Json, element: Json) -> Json:
    kept = {name: element[name] for name in ("action_id", "type", "value") if name in element}
    return kept | {"block_id": block["block_id"], "action_ts": f"{time.time():.6f}"}


def _blocks(form: Json) -> list[Json]:
    blocks = form.get("blocks") or []
    return json.loads(blocks) if isinstance(blocks, str) else list(blocks)


def _ok(asked: Asked) -> bool:
    return asked.answer.get("ok") is True


def _holding(holds: Callable[[], object]) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return bool(holds())

    return asked
