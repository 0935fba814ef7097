"""Knows values that are secrets by what stands beside them: a label, a flag, a program's name."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policies.secrets.secret_names import names_a_secret
from policies.values.calls import JsonValue

VALUES: Final = frozenset({"value", "values", "val", "text", "default", "input"})
"""Keys below which a value stands whose name is beside it."""

HALF_KEYS: Final = frozenset(
    {"aes", "hmac", "master", "private", "salt_key", "seed", "signing", "sk", "wif"}
)
"""Keys below which a long hexadecimal value is a key, and anything else is not."""

ROWS: Final = frozenset({"rows", "row", "values", "data", "records", "params"})
"""Keys below which the rows of a table stand, whose columns are named beside them."""

_COLUMNS = ("columns", "fields", "headers", "header", "column_names")
_LABELS = frozenset(
    {"name", "key", "header", "field", "variable", "param", "parameter", "label", "element"}
    | {"selector", "path", "type", "placeholder", "column", "setting", "option"}
)
_NAME = re.compile(r"[\w-]+")
_ENDS = re.compile(r"(?:[ _-]?(?:field|box|input|textbox|value))+$")
_HEADERS = frozenset({"authorization", "cookie"})
_FLAG = re.compile(r"--?[A-Za-z][A-Za-z0-9_-]*")
_LONG_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]{32,}")
_LONGEST_LABEL = 200
_MOST_ITEMS = 200
_USER = re.compile(r"(-u|--user=|--proxy-user=)?([A-Za-z0-9._@%+-]{1,64}:)(\S+)")
_USER_FLAGS = frozenset({"-u", "--user", "--proxy-user"})
_PASSWORD_FLAGS = {
    **dict.fromkeys(("mysql", "mysqldump", "mysqladmin", "mariadb", "sshpass"), "-p"),
    **dict.fromkeys(("mongo", "mongosh", "mongodump", "mongorestore", "7z", "7za"), "-p"),
    "redis-cli": "-a",
    "zip": "-P",
}


def labels_a_secret(members: Mapping[str, JsonValue]) -> bool:
    """Tell whether an object is a named value, as `{"name": "TOKEN", "value": …}`, and a secret.

    So is what is typed into a field, as `{"element": "Password field", "text": …}`,
    or set at a path, as `{"path": "/spec/password", "value": …}`.
    """
    for key, member in members.items():
        if isinstance(member, str) and len(member) <= _LONGEST_LABEL and key.lower() in _LABELS:
            label = _ENDS.sub("", member.strip().lower())
            if names_a_secret(member) or names_a_secret(label):
                return True
            names = _NAME.findall(member)
            if names and names_a_secret(names[-1]):
                return True
    return False


def secret_columns(members: Mapping[str, JsonValue]) -> frozenset[int]:
    """Return which columns of a table hold secrets, as of `{"columns": […], "rows": [[…]]}`."""
    for key in _COLUMNS:
        names = members.get(key)
        if isinstance(names, list):
            return frozenset(
                at
                for at, name in enumerate(names[:_MOST_ITEMS])
                if isinstance(name, str) and names_a_secret(name)
            )
    return frozenset()


def is_header(items: Sequence[object]) -> bool:
    """Tell whether a list is a header with a secret, as `["Authorization", …]`."""
    match items:
        case [str(name), str()]:
            return (name.lower() in _HEADERS or "-" in name.strip("-")) and names_a_secret(name)
        case _:
            return False


def is_secret_flag(item: object) -> bool:
    """Tell whether what follows `item` in a list is a secret, as after `--password`."""
    return (
        isinstance(item, str)
        and item.startswith("-")
        and _FLAG.fullmatch(item) is not None
        and names_a_secret(item)
    )


def is_long_hexadecimal(text: str) -> bool:
    """Tell whether `text` is 128 bits in hexadecimal, or more."""
    return _LONG_HEX.fullmatch(text) is not None


def command_secrets(items: Sequence[object], marker: str) -> Iterator[tuple[int, str]]:
    """Yield which items of a list are passwords to the program that it calls, and what to show.

    The program is the first item, or stands behind others, as in `["sudo", "mysql", "-p…"]`.
    """
    program = ""
    for at, item in enumerate(items[:_MOST_ITEMS]):
        if not isinstance(item, str):
            return
        before = items[at - 1] if at else ""
        flag = _PASSWORD_FLAGS.get(program, "")
        user = _USER.fullmatch(item) if program == "curl" else None
        if user is not None and (user[1] or before in _USER_FLAGS):
            yield at, (user[1] or "") + user[2] + marker
        elif flag and before == flag and program not in {"mysql", "mysqldump", "mariadb"}:
            yield at, marker
        elif flag and item.startswith(flag) and item != flag:
            yield at, flag + marker
        name = item.rpartition("/")[2]
        if name == "curl" or name in _PASSWORD_FLAGS:
            program = name
