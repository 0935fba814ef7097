"""What a command line does not know is told beside what may have been meant."""

import argparse

import pytest

from placet_usage import Parser


def told(capsys, *argv):
    """Return the error of a command line that cannot be read."""
    parser = Parser(prog="placet")
    parser.add_argument("--version", action="store_true")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    lint = commands.add_parser("lint")
    lint.add_argument("--policy")
    lint.add_argument("--fail-on", choices=["error", "hint"])
    commands.add_parser("simulate").add_argument("--until")
    audit = commands.add_parser("audit").add_subparsers(required=True, metavar="COMMAND")
    audit.add_parser("log")
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(argv)
    assert ended.value.code == 2
    usage, *_, error = capsys.readouterr().err.splitlines()
    assert usage.startswith("usage: placet")
    return error


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (["simulat"], "argument COMMAND: there is no `simulat`; did you mean `simulate`?"),
        (["nothing"], "there is no `nothing`; write one of `audit`, `lint`, `simulate`"),
        (["audit", "lgo"], "placet audit: error: argument COMMAND: there is no `lgo`; did you"),
        (["lint", "--polcy", "x"], "placet lint: error: there is no option `--polcy` here; did"),
        (["lint", "--polcy=x"], "there is no option `--polcy` here; did you mean `--policy`?"),
        (["lint", "-x"], "there is no option `-x` here; see `placet lint -h`"),
        (["lint", "p.yaml"], "`p.yaml` has no meaning here; did you mean `--policy p.yaml`?"),
        (["lint", "a b"], "`a b` has no meaning here; see `placet lint -h`"),
        (["lint", "\x1b[31m"], "`\\u{1b}[31m` has no meaning here"),
        (["lint", "--fail-on", "eror"], "argument --fail-on: there is no `eror`; did you mean"),
        (["simulate", "--until"], "argument --until: expected one argument"),
    ],
)
def test_what_is_not_known_is_told_with_what_may_have_been_meant(capsys, argv, error):
    assert error.lower() in told(capsys, *argv).lower()


def test_what_is_known_is_read():
    parser = Parser()
    parser.add_argument("command", nargs=argparse.REMAINDER)

    assert parser.parse_args(["sleep", "--for", "5"]).command == ["sleep", "--for", "5"]
