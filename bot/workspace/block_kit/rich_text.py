"""The rich text block, whose text is never parsed.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from bot.workspace.block_kit.shape import (
    Check,
    boolean,
    by_type,
    choice,
    items,
    members,
    text,
    whole,
)

MANY = 10_000
_STYLE = members({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), boolean))
_MENTION_STYLE = members(
    {},
    dict.fromkeys(("bold", "italic", "strike", "highlight", "client_highlight", "unlink"), boolean),
)
_TEXT = members({"text": text(1_000_000)}, {"style": _STYLE})
_LINK = members(
    {"url": text(3000)}, {"text": text(1_000_000, 0), "unsafe": boolean, "style": _STYLE}
)

_LEAVES: dict[str, Check] = {
    "text": _TEXT,
    "link": _LINK,
    "emoji": members({"name": text(100)}, {"unicode": text(100), "style": _MENTION_STYLE}),
    "user": members({"user_id": text(50)}, {"style": _MENTION_STYLE}),
    "usergroup": members({"usergroup_id": text(50)}, {"style": _MENTION_STYLE}),
    "channel": members({"channel_id": text(50)}, {"style": _MENTION_STYLE}),
    "broadcast": members({"range": choice("here", "channel", "everyone")}, {"style": _STYLE}),
    "color": members({"value": text(20)}, {"style": _STYLE}),
    "date": members(
        {"timestamp": whole(0, 10**12), "format": text(1000)},
        {"url": text(3000), "fallback": text(1000), "style": _STYLE},
    ),
}
_LINE = items(by_type(_LEAVES), MANY, 0)
_SECTION = members({"elements": _LINE})
_BORDER = {"border": whole(0, 1)}

RICH_TEXT = members(
    {
        "elements": items(
            by_type(
                {
                    "rich_text_section": _SECTION,
                    "rich_text_preformatted": members(
                        {"elements": items(by_type({"text": _TEXT, "link": _LINK}), MANY, 0)},
                        {**_BORDER, "language": text(50)},
                    ),
                    "rich_text_quote": members({"elements": _LINE}, _BORDER),
                    "rich_text_list": members(
                        {
                            "style": choice("bullet", "ordered"),
                            "elements": items(by_type({"rich_text_section": _SECTION}), MANY, 0),
                        },
                        {**_BORDER, "indent": whole(0, 8), "offset": whole(0, 10**6)},
                    ),
                }
            ),
            MANY,
            0,
        )
    },
    {"block_id": text(255)},
)
