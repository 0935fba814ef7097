"""A fault point ends the process at once, where a test asks for it and nowhere else."""

import signal
import subprocess
import sys

import pytest

from placet_faults import fault_points

SCRIPT = """
import sys
from placet_faults import fault_points
reach = fault_points(sys.argv[1])
for number in range(3):
    reach("other")
    print(number, flush=True)
    reach("decided")
"""


@pytest.mark.parametrize(
    ("told", "printed"), [("decided", "0\n"), ("decided:2", "0\n1\n"), ("decided:3", "0\n1\n2\n")]
)
def test_the_process_is_killed_as_it_reaches_the_point_for_the_nth_time(told, printed):
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, told], capture_output=True, text=True, check=False
    )

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout == printed


def test_nothing_happens_where_nobody_asked():
    reach = fault_points(None)

    reach("decided")
    reach("")
