"""The evaluator of conditions brings no command line with it."""

import subprocess
import sys

LOOK = """
import policies.conditions.conditions, sys
policies.conditions.conditions.compile_condition("args.a == 1")
print([name for name in ("prompt_toolkit", "typer", "rich") if name in sys.modules])
"""


def test_conditions_load_no_toolkit_for_terminals():
    found = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"
