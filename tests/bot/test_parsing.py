"""What can be typed after /placet, and what a mistyped command is answered."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.typed.asked import (
    AskBuilder,
    AskDelegate,
    AskDelegations,
    AskFreeze,
    AskFreezes,
    AskGrant,
    AskHelp,
    AskList,
    AskPending,
    AskRenew,
    AskRequest,
    AskRevoke,
    AskShow,
    AskUndelegate,
    AskUnfreeze,
)
from bot.typed.grammar import NotUnderstood
from bot.typed.parsing import parse
from policies.deciding.freezes import Frozen

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", AskBuilder()),
        ("   ", AskBuilder()),
        ("help", AskHelp()),
        ("help Freeze", AskHelp("freeze")),
        ("freezes", AskFreezes()),
        ("freeze everything", AskFreeze(Frozen.EVERYTHING, "")),
        ("freeze agent ci-bot for 2h", AskFreeze(Frozen.AGENT, "ci-bot", 2 * HOUR)),
        (
            "FREEZE Server `files` it is on fire",
            AskFreeze(Frozen.SERVER, "files", None, "it is on fire"),
        ),
        (
            "freeze agent ci-bot for 1h deletes a lot because it can",
            AskFreeze(Frozen.AGENT, "ci-bot", HOUR, "deletes a lot because it can"),
        ),
        ("unfreeze frz_1 because mended", AskUnfreeze(None, "frz_1", "mended")),
        ("unfreeze agent ci-bot mended now", AskUnfreeze(Frozen.AGENT, "ci-bot", "mended now")),
        ("unfreeze everything", AskUnfreeze(Frozen.EVERYTHING, "")),
        ("delegate @cat for 2d", AskDelegate("@cat", 48 * HOUR)),
        (
            "delegate &lt;@U0CAT|cat&gt; for 1h in platform, security because I am away",
            AskDelegate("<@U0CAT|cat>", HOUR, ("platform", "security"), "I am away"),
        ),
        ("undelegate", AskUndelegate()),
        ("delegations", AskDelegations()),
        ("list", AskList()),
        ("PENDING", AskPending()),
        ("show apr_1", AskShow("apr_1")),
        ("revoke grt_1", AskRevoke("grt_1")),
        ("revoke grt_1 because done early", AskRevoke("grt_1", "done early")),
        ("grant ci-bot files/write_file for 1h", AskGrant("ci-bot", "files/write_file", HOUR)),
        (
            "grant ci-bot files/write_file for 1h because migration",
            AskGrant("ci-bot", "files/write_file", HOUR, None, "migration"),
        ),
        (
            "grant  `ci-bot`\t`files/*`  FOR 30m uses 3 Because  it is & because <it>",
            AskGrant("ci-bot", "files/*", HOUR / 2, 3, "it is & because <it>"),
        ),
        ("grant a f/x for 8h", AskGrant("a", "f/x", 8 * HOUR)),
        (
            "grant a f/x for 8h uses 2 when args.path == \u201cwhen in doubt\u201d because why",
            AskGrant("a", "f/x", 8 * HOUR, 2, "why", 'args.path == "when in doubt"'),
        ),
        ("request a f/x for 8h", AskRequest(AskGrant("a", "f/x", 8 * HOUR))),
        (
            "request a f/x for 1h when `args.n &lt; 3`",
            AskRequest(AskGrant("a", "f/x", HOUR, None, None, "args.n < 3")),
        ),
        ("renew grt_1", AskRenew("grt_1")),
        ("grant a f/x for 1d", AskGrant("a", "f/x", 24 * HOUR)),
        ("grant a f/x for 1h30m", AskGrant("a", "f/x", 1.5 * HOUR)),
        ("grant a f/x for 2 hours uses 1", AskGrant("a", "f/x", 2 * HOUR, 1)),
        ("grant a f/x for 2 h uses 1", AskGrant("a", "f/x", 2 * HOUR, 1)),
        ("grant \u201ca\u201d 'f/x' for \u20181h\u2019", AskGrant("a", "f/x", HOUR)),
        ("grant a f/x for 45 min", AskGrant("a", "f/x", 0.75 * HOUR)),
        (
            "grant a f/x for 1h because a &amp;lt; b",
            AskGrant("a", "f/x", HOUR, None, "a &lt; b"),
        ),
    ],
)
def test_a_command_is_read_as_it_is_meant(text, asked) -> None:
    assert parse(text) == asked


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("aprove", "`aprove` is no command; `/placet help` names them all"),
        ("freze agent x", "`freze` is no command; did you mean `/placet freeze`?"),
        ("help me", "`me` is no command"),
        ("freeze", "say what: `agent`, `server` or `everything`; write `/placet freeze agent|"),
        ("freeze robot", "say what, not `robot`: `agent`, `server` or `everything`"),
        ("freeze agent", "say which agent; write `/placet freeze"),
        ("freeze agent x for ever", "`ever` is no duration"),
        ("unfreeze frz_1 x", "`x` is too much"),
        ("delegate", "say who votes for you; write `/placet delegate @PERSON for 2d"),
        ("delegate cat", "say for how long, as in `for 2d`"),
        ("delegate cat in platform", "say for how long, as in `for 2d`"),
        ("delegate cat for 2d platform", "`platform` is too much"),
        ("delegate cat for 2d in", "`in` wants a team after it"),
        ("undelegate cat", "`cat` is too much; write just `/placet undelegate`"),
        ("grant", "a grant needs an agent; write `/placet grant AGENT"),
        ("grant ci-bot", "a grant needs `SERVER/TOOL` after the agent"),
        ("grant ci-bot for 1h", "a grant needs `SERVER/TOOL` after the agent"),
        ("grant ci-bot files for 1h", "`files` names no tools; write `SERVER/TOOL`"),
        ("grant ci-bot files/ for 1h", "`files/` names no tools"),
        ("grant ci-bot a/b/c for 1h", "`a/b/c` names no tools"),
        ("grant ci-bot files/x", "say how long: `for 30m`"),
        ("grant ci-bot files/x 1h", "follows the tools, not `1h`"),
        ("grant ci-bot files/x for", "`for` wants a duration after it"),
        ("grant ci-bot files/x for ever", "`ever` is no duration; write `30m`"),
        ("grant ci-bot files/x for 0h", "longer than nothing"),
        ("grant ci-bot files/x for -1h", "`-1h` is no duration"),
        ("grant ci-bot files/x for 500ms", "`500ms` is no duration"),
        ("grant ci-bot files/x for \u0661h", "is no duration"),
        ("grant ci-bot files/x for 1h uses", "`uses` wants a number from 1"),
        ("grant ci-bot files/x for 1h uses 0", "`uses` wants a number from 1"),
        ("grant ci-bot files/x for 1h uses many", "`uses` wants a number from 1"),
        ("grant ci-bot files/x for 1h uses 99999999999999", "from 1 to 1000000"),
        ("grant ci-bot files/x for 1h please", "`please` is too much"),
        ("grant ci-bot files/x for 1h because", "`because` wants a reason after it"),
        ("grant ci-bot files/x for 1h because " + "x" * 501, "longer than 500 characters"),
        ("grant ci-bot files/x for 1h " + "x" * 4_000, "longer than 4000 characters"),
        ("grant a f/x for 1h when", "`when` wants a condition after it"),
        ("request a", "write `/placet request AGENT"),
        ("renew", "say which grant; write `/placet renew GRANT`"),
        ("revoke", "say which grant; write `/placet revoke GRANT"),
        ("revoke a b", "`b` is too much"),
        ("show", "say which approval; write `/placet show APPROVAL`"),
        ("list all", "`all` is too much; write just `/placet list`"),
        ("x\u200by", "`x\\u{200B}y` is no command"),
    ],
)
def test_a_mistyped_command_is_answered_with_what_to_type(text, message) -> None:
    with pytest.raises(NotUnderstood) as refused:
        parse(text)

    assert message in str(refused.value)


@given(st.text() | st.from_regex(r"grant [^ ]+ [^ ]+ for [0-9a-z]{1,9}( uses [0-9]+)?"))
def test_whatever_is_typed_is_read_or_refused(text) -> None:
    try:
        asked = parse(text)
    except NotUnderstood as refused:
        assert len(str(refused)) < 400  # noqa: PT017 (either way is fine; the message has a limit)
    else:
        assert asked is not None
