"""What Slack says of a user, read into a model; a record of another shape is none."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Profile(_Part):
    """What people see of a user."""

    email: str | None = None


class OrganizationUser(_Part):
    """A user of an organization, and the workspaces of it that they are in."""

    teams: list[str] = Field(default_factory=list)


class UserRecord(_Part):
    """A user; what Slack leaves out is not so.

    Source: https://docs.slack.dev/reference/objects/user-object
    """

    id: str
    team_id: str
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_email_confirmed: bool = False
    profile: Profile | None = None
    enterprise_user: OrganizationUser | None = None

    @property
    def is_guest(self) -> bool:
        """Tell whether it is a guest of the workspace, of one channel or of several."""
        return self.is_restricted or self.is_ultra_restricted

    @property
    def email(self) -> str | None:
        """Return the address of the account, None where nobody has verified it."""
        return self.profile.email if self.profile and self.is_email_confirmed else None

    def is_of(self, workspace: str) -> bool:
        """Tell whether it is a member of the workspace with this id."""
        organization = self.enterprise_user
        return self.team_id == workspace or (
            organization is not None and workspace in organization.teams
        )


def record_of(said: object) -> UserRecord | None:
    """Return the record that Slack answered with, None where it cannot be read."""
    try:
        return UserRecord.model_validate(said)
    except ValidationError:
        return None
