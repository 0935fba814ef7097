"""Things an interaction hands out that can be used for a while: triggers and response URLs.

https://docs.slack.dev/interactivity/handling-user-interaction
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.workspace.errors import SlackError

TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 30 * 60.0
RESPONSE_USES = 5


@dataclass
class Trigger:
    """Lets the app open one view for `user` within 3 s of `at`; `view` was open then."""

    user: str
    at: float
    view: str | None = None
    used: bool = False


@dataclass
class ResponseUrl:
    """Lets the app answer an interaction of `user` in `channel`, five times within 30 min.

    `ts` is the message whose button was pressed, None for a command.
    """

    user: str
    channel: str
    ts: str | None
    at: float
    thread_ts: str | None = None
    uses: int = 0


@dataclass
class Tickets:
    """Every trigger and response URL handed out; `clock` gives seconds that never go back."""

    clock: Callable[[], float]
    new_id: Callable[[], str]
    _triggers: dict[str, Trigger] = field(default_factory=dict)
    _urls: dict[str, ResponseUrl] = field(default_factory=dict)

    def trigger(self, user: str, view: str | None = None) -> str:
        """Return a new trigger id for an interaction of `user`."""
        name = f"{self.new_id()}.{self.new_id()}"
        self._triggers[name] = Trigger(user, self.clock(), view)
        return name

    def use_trigger(self, name: str) -> Trigger:
        """Use up a trigger.

        Raises SlackError `invalid_trigger_id`, `expired_trigger_id`, `exchanged_trigger_id`.
        """
        trigger = self._triggers.get(name)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self.clock() - trigger.at > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger

    def response_url(
        self, user: str, channel: str, ts: str | None = None, thread_ts: str | None = None
    ) -> str:
        """Return the last part of a new response URL."""
        name = f"{self.new_id()}{self.new_id()}"
        self._urls[name] = ResponseUrl(user, channel, ts, self.clock(), thread_ts)
        return name

    def use_response_url(self, name: str) -> ResponseUrl:
        """Count one use. Raises SlackError `invalid_url`, `expired_url`, `used_url`."""
        url = self._urls.get(name)
        if url is None:
            raise SlackError("invalid_url", status=404)
        if self.clock() - url.at > RESPONSE_SECONDS:
            raise SlackError("expired_url", status=404)
        if url.uses >= RESPONSE_USES:
            raise SlackError("used_url", status=404)
        url.uses += 1
        return url
