"""Every method the local workspace answers, with the scope it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.workspace.arguments import Arguments
from bot.workspace.methods import chat, conversations, people, views
from bot.workspace.state import Workspace

Answer = Callable[[Workspace, Arguments], dict[str, Any]]
_CHANNELS = frozenset({"channels:read", "groups:read", "im:read"})
_HISTORY = frozenset({"channels:history", "groups:history", "im:history"})


@dataclass(frozen=True)
class Method:
    """How a method answers, and the scopes of which the token needs one (none: any token)."""

    answer: Answer
    scopes: frozenset[str] = frozenset()


METHODS = {
    "auth.test": Method(people.auth_test),
    "bots.info": Method(people.bot, frozenset({"users:read"})),
    "chat.postMessage": Method(chat.post_message, frozenset({"chat:write"})),
    "chat.update": Method(chat.update, frozenset({"chat:write"})),
    "chat.delete": Method(chat.delete, frozenset({"chat:write"})),
    "chat.postEphemeral": Method(chat.post_ephemeral, frozenset({"chat:write"})),
    "chat.getPermalink": Method(chat.permalink),
    "conversations.info": Method(conversations.about, _CHANNELS),
    "conversations.list": Method(conversations.listing, _CHANNELS),
    "conversations.members": Method(conversations.members, _CHANNELS),
    "conversations.history": Method(conversations.history, _HISTORY),
    "conversations.replies": Method(conversations.replies, _HISTORY),
    "conversations.join": Method(conversations.join, frozenset({"channels:join"})),
    "conversations.open": Method(conversations.open_direct, frozenset({"im:write"})),
    "reactions.add": Method(chat.add_reaction, frozenset({"reactions:write"})),
    "team.info": Method(people.team, frozenset({"team:read"})),
    "users.info": Method(people.user, frozenset({"users:read"})),
    "users.lookupByEmail": Method(people.user_by_email, frozenset({"users:read.email"})),
    "users.list": Method(people.users, frozenset({"users:read"})),
    "usergroups.list": Method(people.groups, frozenset({"usergroups:read"})),
    "usergroups.users.list": Method(people.group_users, frozenset({"usergroups:read"})),
    "views.open": Method(views.open_view),
    "views.push": Method(views.push),
    "views.update": Method(views.update),
    "views.publish": Method(views.publish),
}
