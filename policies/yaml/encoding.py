"""Reads the bytes of a file as text, or says where they are none."""

from policies.values.problems import InvalidDocument, Problem

MOST_BYTES = 4_000_000
"""Bytes a file may have: more than that is more than 1,000,000 characters."""

_SAVE = "save the file as UTF-8"
_OTHERS = {
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\xfe\xff": "UTF-16",
    b"\xff\xfe": "UTF-16",
}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decoded(content: bytes, *, file: str) -> str:
    """Return the text that `content` writes in UTF-8. Raises InvalidDocument."""
    if len(content) > MOST_BYTES:
        what, instead = "the file is too long", "keep it under 1,000,000 characters"
        raise InvalidDocument([Problem(file, 1, 1, what, instead)])
    for mark, name in _OTHERS.items():
        if content.startswith(mark):
            raise InvalidDocument([Problem(file, 1, 1, f"the file is {name}", _SAVE)])
    if content.startswith(_BYTE_ORDER_MARK):
        what = "the file begins with a byte order mark"
        raise InvalidDocument([Problem(file, 1, 1, what, f"{_SAVE} without one")])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        what = f"the byte 0x{content[error.start]:02X} is not UTF-8"
        raise InvalidDocument([Problem(file, line, column, what, _SAVE)]) from None
