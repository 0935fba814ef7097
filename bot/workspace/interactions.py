"""What people do, and what Slack shows them in answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.workspace import payloads
from bot.workspace.channels import Channel
from bot.workspace.content import checked_blocks
from bot.workspace.delivery import Ack, Delivery, Unanswered
from bot.workspace.errors import Impossible, SlackError
from bot.workspace.inputs import Values, find_element, refusals, state_of, value_of
from bot.workspace.messages import Message
from bot.workspace.methods.chat import by_the_bot
from bot.workspace.modals import View
from bot.workspace.spec import SlashCommand, WorkspaceUser
from bot.workspace.state import Workspace
from bot.workspace.view_answers import obey

SLACKBOT = "USLACKBOT"
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Shown:
    """What Slack showed the person who acted.

    `error` is the mark beside what they pressed, None when the app acknowledged; `text` and
    `blocks` are the answer only they see; `errors` stand beside a modal's inputs, by block id.
    """

    error: str | None = None
    text: str | None = None
    blocks: tuple[dict[str, Any], ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def acknowledged(self) -> bool:
        """Tell whether the app acknowledged in time."""
        return self.error is None


@dataclass
class Interactions:
    """Carries what people do over a wire to the app; `response_base` begins response URLs."""

    workspace: Workspace
    delivery: Delivery
    response_base: str
    copies_of_next: int = 1

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        *,
        block_id: str | None = None,
        values: Values = NOTHING,
    ) -> Shown:
        """Press a button or choose from a menu in a message. Raises Impossible."""
        acting = self._acting(user)
        place = self._place(acting, channel)
        message = self._message(acting, place, ts)
        shown = list(message.get("blocks", ()))
        if block_id is not None:  # what was pressed may have been painted anew meanwhile
            shown += place.timeline.replaced(ts)
        block, element = find_element(shown, action_id, block_id)
        payload = payloads.block_actions_in_message(
            self.workspace, acting, place, message, self._action(block, element, values)
        )
        payload["state"] = state_of(message.get("blocks", []), values)
        thread = message.get("thread_ts")
        payload["response_url"] = self._response_url(acting, place, ts, thread)
        payload["trigger_id"] = self.workspace.tickets.trigger(acting.id)
        return await self._acknowledged(payload)

    async def click_in_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        *,
        block_id: str | None = None,
        values: Values = NOTHING,
    ) -> Shown:
        """Press a button or choose from a menu in a modal or the home tab. Raises Impossible."""
        acting = self._acting(user)
        view = self._view(acting, view_id)
        block, element = find_element(view["blocks"], action_id, block_id)
        payload = payloads.block_actions_in_view(
            self.workspace,
            acting,
            view | {"state": state_of(view["blocks"], values)},
            self._action(block, element, values),
        )
        payload["trigger_id"] = self.workspace.tickets.trigger(acting.id, view_id)
        return await self._acknowledged(payload)

    async def submit(self, user: str, view_id: str, values: Values = NOTHING) -> Shown:
        """Submit a modal with what was entered. Raises Impossible."""
        acting = self._acting(user)
        view = self._view(acting, view_id)
        wrong = refusals(view["blocks"], values)
        if wrong:
            return Shown(errors=wrong)
        sent = view | {"state": state_of(view["blocks"], values)}
        payload = payloads.view_submission(self.workspace, acting, sent)
        payload["trigger_id"] = self.workspace.tickets.trigger(acting.id, view_id)
        try:
            ack = await self._deliver("interactive", payload)
        except Unanswered as silence:
            return Shown(error=silence.reason)
        error, errors = obey(self.workspace, acting.id, view_id, ack.payload)
        return Shown(error=error, errors=errors)

    async def close_view(self, user: str, view_id: str) -> Shown:
        """Close a modal without submitting it. Raises Impossible."""
        acting = self._acting(user)
        view = dict(self._view(acting, view_id))
        cleared = bool(view["clear_on_close"])
        if cleared:
            self.workspace.modals.clear(acting.id)
        else:
            self.workspace.modals.close(acting.id, view_id)
        self.workspace.show_views(acting.id)
        if not view["notify_on_close"]:
            return Shown()
        payload = payloads.view_closed(self.workspace, acting, view, cleared=cleared)
        return await self._acknowledged(payload)

    async def command(self, user: str, channel: str, command: str, text: str = "") -> Shown:
        """Type a slash command in a channel. Raises Impossible."""
        acting = self._acting(user)
        place = self._place(acting, channel)
        known = self._command(command)
        said = self._escaped(text) if known.should_escape else text
        fields = payloads.slash_command(self.workspace, acting, place, command, said)
        fields["response_url"] = self._response_url(acting, place)
        fields["trigger_id"] = self.workspace.tickets.trigger(acting.id)
        try:
            ack = await self._deliver("slash_commands", fields)
        except Unanswered as silence:
            self._whisper(acting, place, {"text": f"{command} failed: {silence}", "failed": True})
            return Shown(error=silence.reason)
        return self._answer(acting, place, ack)

    async def open_home(self, user: str) -> Shown:
        """Open the app's home tab. Raises Impossible where it has none."""
        acting = self._acting(user)
        if not self.workspace.spec.home_tab:
            raise Impossible(f"{self.workspace.spec.app_name} has no home tab")
        event = payloads.home_opened(
            self.workspace.spec,
            acting,
            self.workspace.direct(acting.id),
            self.workspace.modals.home(acting.id),
            self.workspace.stamps.next(),
        )
        try:
            await self._deliver("events_api", event)
        except Unanswered as silence:
            return Shown(error=silence.reason)
        return Shown()

    def say(self, user: str, channel: str, text: str, thread: str | None = None) -> Message:
        """Write a plain message, or a reply in a thread, as a person. Raises Impossible."""
        acting = self._acting(user)
        place = self._place(acting, channel)
        if place.is_archived:
            raise Impossible(f"`{place.name}` is archived")
        message = {
            "type": "message",
            "user": acting.id,
            "text": text,
            "team": self.workspace.people.team_of(acting),
            "ts": self.workspace.stamps.next(),
        }
        if thread is not None:
            message["thread_ts"] = self._message(acting, place, thread)["ts"]
        return self.workspace.put(place, message)

    async def _acknowledged(self, payload: dict[str, Any]) -> Shown:
        try:
            await self._deliver("interactive", payload)
        except Unanswered as silence:
            return Shown(error=silence.reason)
        return Shown()

    async def _deliver(self, kind: str, payload: dict[str, Any]) -> Ack:
        copies, self.copies_of_next = self.copies_of_next, 1
        return await self.delivery.deliver(kind, payload, copies)

    def _answer(self, acting: WorkspaceUser, place: Channel, ack: Ack) -> Shown:
        said = ack.payload
        try:
            blocks = checked_blocks(said.get("blocks"))
        except SlackError as refused:
            error = f"the answer was refused by Slack: {refused.error}"
            self._whisper(acting, place, {"text": error, "failed": True})
            return Shown(error=error)
        text = str(said.get("text") or "")
        if not text and not blocks:
            return Shown()
        content = {"text": text} | ({"blocks": blocks} if blocks else {})
        if said.get("response_type") == "in_channel":
            self.workspace.put(place, by_the_bot(self.workspace) | content)
        else:
            self._whisper(acting, place, by_the_bot(self.workspace) | content)
        return Shown(text=text, blocks=tuple(blocks))

    def _whisper(self, acting: WorkspaceUser, place: Channel, content: dict[str, Any]) -> None:
        frame = {"type": "message", "user": SLACKBOT, "ts": self.workspace.stamps.next()}
        where = {"channel": place.id, "is_ephemeral": True}
        self.workspace.whisper(acting.id, frame | content | where)

    def _acting(self, user: str) -> WorkspaceUser:
        try:
            acting = self.workspace.people.at(user)
        except SlackError:
            raise Impossible(f"there is nobody with the id `{user}`") from None
        if acting.deleted:
            raise Impossible(f"`{acting.name}` is deactivated and cannot act")
        return acting

    def _place(self, acting: WorkspaceUser, channel: str) -> Channel:
        try:
            return self.workspace.channels.seen_by(acting.id, channel)
        except SlackError:
            raise Impossible(f"`{acting.name}` sees no channel `{channel}`") from None

    def _message(self, acting: WorkspaceUser, place: Channel, ts: str) -> Message:
        for message in self.workspace.ephemerals(acting.id):
            if message["ts"] == ts and message["channel"] == place.id:
                return message
        if ts not in place.timeline.messages:
            raise Impossible(f"`{acting.name}` sees no message `{ts}` in `{place.id}`")
        return place.timeline.messages[ts]

    def _view(self, acting: WorkspaceUser, view_id: str) -> View:
        try:
            return self.workspace.modals.find(acting.id, view_id)
        except SlackError:
            raise Impossible(f"`{acting.name}` has no view `{view_id}` open") from None

    def _action(
        self, block: dict[str, Any], element: dict[str, Any], values: Values
    ) -> dict[str, Any]:
        action = {
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "action_ts": self.workspace.stamps.next(),
            "type": element["type"],
        }
        if element["type"] == "button":
            kept = {name: element[name] for name in ("text", "value", "style") if name in element}
            return action | kept
        given = values.get(element["action_id"], values.get(block["block_id"]))
        if isinstance(given, Mapping):
            given = given.get(element["action_id"])
        return action | value_of(element, given)

    def _response_url(
        self,
        acting: WorkspaceUser,
        place: Channel,
        ts: str | None = None,
        thread_ts: str | None = None,
    ) -> str:
        name = self.workspace.tickets.response_url(acting.id, place.id, ts, thread_ts)
        return f"{self.response_base}/{name}"

    def _command(self, command: str) -> SlashCommand:
        for known in self.workspace.spec.commands:
            if known.command == command:
                return known
        raise Impossible(f"`{command}` is not a command of this workspace")

    def _escaped(self, text: str) -> str:
        names = {user.name: user.id for user in self.workspace.people.all()}

        def mention(found: re.Match[str]) -> str:
            name = found[1]
            return f"<@{names[name]}|{name}>" if name in names else found[0]

        return re.sub(r"@([\w.-]+)", mention, text)
