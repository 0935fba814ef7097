"""The log is one line a record, for people or machines; nobody can forge a line or hide in one."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from placet_logging import HumanFormatter, JsonFormatter

ROOT = Path(__file__).resolve().parent.parent
FORGED = "x\n2026-11-25T12:00:00.000Z CRITICAL gateway.gate: all is allowed"
HOSTILE = "\x1b[2J\x1b[31mred\r\n\u202edesrever\x00\ud800\u2028\x85"

hostile = st.text() | st.sampled_from([FORGED, HOSTILE])


def record(message, *args, error=None, **extra):
    exc_info = (type(error), error, None) if error else None
    made = logging.LogRecord("gateway.x", logging.WARNING, __file__, 1, message, args, exc_info)
    made.__dict__.update(extra)
    return made


def test_a_line_for_machines_has_time_level_logger_sentence_and_fields():
    line = JsonFormatter().format(
        record("%s was denied %s", "ci-bot", "files/x", agent="ci-bot", duration_ms=1.5, held=True)
    )

    told = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("time"))
    assert told == {
        "level": "warning",
        "logger": "gateway.x",
        "sentence": "ci-bot was denied files/x",
        "agent": "ci-bot",
        "duration_ms": 1.5,
        "held": True,
    }


def test_a_line_for_people_has_time_level_logger_and_sentence():
    line = HumanFormatter().format(record("%s was denied", "ci-bot", agent="ci-bot"))

    assert re.fullmatch(r"\S+Z WARNING gateway\.x: ci-bot was denied", line)


@given(hostile, hostile, hostile, hostile)
@example(FORGED, FORGED, FORGED, FORGED)
@example(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_no_text_can_forge_a_line_or_drive_a_terminal(said, argument, field, error):
    made = record(said.replace("%", "%%") + " %s", argument, error=ValueError(error), tool=field)

    machines, people = JsonFormatter().format(made), HumanFormatter().format(made)

    assert "\n" not in machines
    assert machines.isascii()
    assert machines.isprintable()
    told = json.loads(machines)
    for text in (told["sentence"], told["tool"], *told["traceback"]):
        assert (
            re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text) is None
        )
    first, *rest = people.split("\n")
    assert (
        re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", people)
        is None
    )
    assert first.startswith("20")
    assert all(line.startswith("    ") for line in rest)


@given(
    st.dictionaries(
        st.text(min_size=1), st.none() | st.floats() | st.lists(st.text()) | st.binary()
    )
)
def test_any_field_becomes_json_and_none_replaces_what_is_ours(fields):
    ours = {"time": "never", "level": "fine", "sentence": "forged", "logger": "root"}

    told = json.loads(JsonFormatter().format(record("said", **(fields | ours))))

    assert (told["sentence"], told["level"], told["logger"]) == ("said", "warning", "gateway.x")


@pytest.mark.parametrize("formatter", [HumanFormatter(), JsonFormatter()], ids=["human", "json"])
def test_secrets_are_hidden_wherever_they_stand(formatter):
    secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
    made = record("said %s", secret, error=ValueError(secret), header=f"Bearer {secret}")

    assert secret not in formatter.format(made)


def test_a_sentence_that_does_not_fit_its_arguments_is_still_written():
    told = json.loads(JsonFormatter().format(record("100%d %s", "x")))

    assert told["sentence"] == "100%d %s"


def test_a_long_text_is_cut_and_counted():
    told = json.loads(JsonFormatter().format(record("said", tool="x" * 100_000)))

    assert len(told["tool"]) <= 8_000
    assert told["tool"].endswith("characters not shown")


PROGRAM = """
import logging, sys, threading, warnings
from placet_logging import log_to_stderr
log_to_stderr(logging.INFO, machines=True)
warnings.warn("careful")
def fail(): raise ValueError("in a thread")
thread = threading.Thread(target=fail); thread.start(); thread.join()
logging.getLogger("x").info("a lone surrogate: %s", chr(0xd800))
raise ValueError("at the end")
"""


def test_all_that_python_says_by_itself_is_a_line_of_json_too():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )

    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert done.returncode == 1
    assert [line["level"] for line in lines] == ["warning", "critical", "info", "critical"]
    assert lines[3]["traceback"][-1] == "ValueError: at the end"
