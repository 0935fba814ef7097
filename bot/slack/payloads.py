"""What Slack sends when a person acts, read into models; all else in it is ignored.

Source: https://docs.slack.dev/reference/interaction-payloads
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_ENTERED = 3_000
"""Characters that a field of a modal can hold, and what comes with it.

Source: https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
"""

_TYPED = 12_000
"""Characters after a slash command; a message in Slack can have so many."""


def _storable(text: Any) -> Any:
    """Return a text with `?` for what no database takes: NUL and half a surrogate pair."""
    if not isinstance(text, str):
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _short(state: dict[str, Any]) -> dict[str, Any]:
    """Return what a modal holds. Raises ValueError for more than Slack lets anybody enter."""
    pending: list[Any] = [state]
    while pending:
        match pending.pop():
            case dict() as members:
                pending.extend(members.values())
            case list() as items:
                pending.extend(items)
            case str() as text if len(text) > _ENTERED:
                raise ValueError("a field holds more than Slack takes")
            case _:
                continue
    return state


_Storable = Annotated[str, BeforeValidator(_storable)]


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Actor(_Payload):
    """The person who acted; `team_id` is the workspace of the person, not of the app."""

    id: _Storable = Field(max_length=64)
    team_id: _Storable | None = Field(default=None, max_length=64)


class Workspace(_Payload):
    """The workspace in which it happened."""

    id: _Storable = Field(max_length=64)


class Action(_Payload):
    """A button that was pressed; `value` is the approval's id."""

    action_id: _Storable = Field(max_length=255)
    block_id: _Storable = Field(default="", max_length=255)
    value: _Storable = Field(default="", max_length=200)
    action_ts: _Storable = Field(default="", max_length=64)


class Container(_Payload):
    """The message that holds the button; empty where a modal does."""

    channel_id: _Storable = Field(default="", max_length=64)
    message_ts: _Storable = Field(default="", max_length=64)


class View(_Payload):
    """A modal as it stands."""

    id: _Storable = Field(max_length=64)
    hash: _Storable = Field(default="", max_length=255)
    callback_id: _Storable = Field(default="", max_length=255)
    private_metadata: _Storable = Field(default="", max_length=3_000)
    state: Annotated[dict[str, Any], AfterValidator(_short)] = Field(default_factory=dict)

    def typed(self, block: str, action: str) -> str:
        """Return what was typed into a field, without blanks at its ends.

        NUL and half a surrogate pair become `?`.
        """
        return self._entered(block, action, "value").strip()

    def picked(self, block: str, action: str) -> str:
        """Return the value of the option that was chosen in a field, empty where none was."""
        return self._entered(block, action, "selected_option", "value")

    def ticked(self, block: str, action: str) -> tuple[str, ...]:
        """Return the values of the boxes that are ticked in a field."""
        found = self._at(block, action, "selected_options")
        options = found if isinstance(found, list) else []
        values = [option.get("value") for option in options if isinstance(option, dict)]
        return tuple(str(_storable(value)) for value in values if isinstance(value, str))

    def _entered(self, *path: str) -> str:
        found = self._at(*path)
        return str(_storable(found)) if isinstance(found, str) else ""

    def _at(self, *path: str) -> Any:
        found: Any = self.state
        for step in ("values", *path):
            found = found.get(step) if isinstance(found, dict) else None
        return found


class Submitted(View):
    """A modal that was submitted or closed; Bolt stumbles over one that does not say its type."""

    type: _Storable


class _Interaction(_Payload):
    user: Actor
    team: Workspace | None = None
    trigger_id: _Storable = Field(default="", max_length=200)

    @property
    def teams(self) -> tuple[str, ...]:
        """Return the workspaces that Slack names: where it happened, and the person's own."""
        return tuple(team for team in (self.team and self.team.id, self.user.team_id) if team)


class Click(_Interaction):
    """A press of a button."""

    actions: tuple[Action, ...] = Field(min_length=1)
    container: Container = Container()
    view: View | None = None

    @property
    def action(self) -> Action:
        """Return the button."""
        return self.actions[0]


class _Option(_Payload):
    value: _Storable = Field(default="", max_length=200)


class _Choice(_Payload):
    selected_option: _Option = _Option()


class _Boxes(_Payload):
    selected_options: tuple[_Option, ...] = Field(default=(), max_length=100)


class _Ticks(_Payload):
    values: dict[str, dict[str, _Boxes]] = Field(default_factory=dict)


class _Named(_Payload):
    block_id: _Storable = ""


class _Shown(_Payload):
    blocks: tuple[_Named, ...] = ()


class Ticked(Click):
    """A press of a button under checkboxes, with the message that holds them."""

    state: _Ticks = _Ticks()
    message: _Shown = _Shown()

    @property
    def options(self) -> tuple[str, ...]:
        """Return the values of the boxes that are ticked."""
        boxes = [box for block in self.state.values.values() for box in block.values()]
        return tuple(option.value for box in boxes for option in box.selected_options)

    @property
    def block_ids(self) -> tuple[str, ...]:
        """Return the ids of the message's blocks."""
        return tuple(block.block_id for block in self.message.blocks)


class Picked(_Interaction):
    """A choice from a menu in a message."""

    actions: tuple[_Choice, ...] = Field(min_length=1)
    container: Container = Container()

    @property
    def option(self) -> str:
        """Return the value that was chosen."""
        return self.actions[0].selected_option.value


class Submission(_Interaction):
    """A modal that was submitted."""

    view: Submitted

    @property
    def mark(self) -> str:
        """What names this submission: the same each time that Slack delivers it."""
        return f"{self.view.id}:{self.trigger_id or self.view.hash}"


class Event(_Payload):
    """What happened, by its type."""

    type: _Storable


class Happened(_Payload):
    """An event that Placet has no use for, in the shape that Bolt expects."""

    event: Event


class HomeOpened(_Payload):
    """A person opened a tab of the app."""

    user: _Storable = Field(max_length=64)
    tab: _Storable = Field(default="", max_length=64)


class OpenedHome(_Payload):
    """The event of a person who opens the app's home."""

    team_id: _Storable = Field(default="", max_length=64)
    event: HomeOpened

    @property
    def teams(self) -> tuple[str, ...]:
        """Return the workspace in which it happened."""
        return (self.team_id,) if self.team_id else ()


class Typed(_Payload):
    """A slash command."""

    team_id: _Storable = Field(max_length=64)
    user_id: _Storable = Field(max_length=64)
    channel_id: _Storable = Field(default="", max_length=64)
    text: _Storable = Field(default="", max_length=_TYPED)
    trigger_id: _Storable = Field(default="", max_length=200)
