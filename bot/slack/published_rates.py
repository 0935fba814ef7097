"""How often Slack says that each method may be called, per app and workspace.

Source: https://docs.slack.dev/apis/web-api/rate-limits; `chat.postMessage` has a rate of its
own, one message a second per channel.
"""

POST = "chat.postMessage"
POSTS_APART = 1.0
"""Seconds between two messages to one channel."""

OPEN = "apps.connections.open"
BURSTS = {OPEN: 10}
"""How many calls are taken at once where the rate is for the long run only: Slack tolerates bursts
without a number, and lets an app have ten connections."""

_TIER_1 = 1
_TIER_2 = 20
_TIER_3 = 50
_TIER_4 = 100

PER_MINUTE = {
    "auth.test": 600,
    OPEN: _TIER_1,
    "chat.postEphemeral": _TIER_4,
    "views.open": _TIER_4,
    "views.update": _TIER_4,
    "views.push": _TIER_4,
    "views.publish": _TIER_4,
    "users.info": _TIER_4,
    "conversations.members": _TIER_4,
    "chat.update": _TIER_3,
    "chat.delete": _TIER_3,
    "conversations.info": _TIER_3,
    "conversations.history": _TIER_3,
    "conversations.replies": _TIER_3,
    "conversations.open": _TIER_3,
    "conversations.join": _TIER_3,
    "reactions.add": _TIER_3,
    "team.info": _TIER_3,
    "bots.info": _TIER_3,
    "usergroups.list": _TIER_2,
    "usergroups.users.list": _TIER_2,
    "conversations.list": _TIER_2,
    "users.list": _TIER_2,
    "users.lookupByEmail": _TIER_3,
}
