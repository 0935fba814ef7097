"""Files that are refused, and what is said of them: one change to a whole file each."""

from pathlib import Path


def broken(name: str) -> list[tuple[str, str, list[str]]]:
    """Return the cases of a file in tests/policies: what is replaced, by what, what is said.

    Cases are parted by empty lines; `- ` begins what is replaced, `+ ` what
    stands there instead, `= ` an expected line.
    """
    text = (Path(__file__).parent / "policies" / name).read_text("utf-8")
    return [_case(block.split("\n")) for block in text.rstrip("\n").split("\n\n")]


def _case(lines: list[str]) -> tuple[str, str, list[str]]:
    told = {sign: [line[2:] for line in lines if line.startswith(sign)] for sign in "-+="}
    assert sum(map(len, told.values())) == len(lines), lines
    return "\n".join(told["-"]), "\n".join(told["+"]), told["="]
