"""Loads the evaluator of conditions without its command line.

`import cel` would bring that too, and with it a toolkit for terminals: 24 MiB of memory and half
a second at each start, for nothing that a policy needs.
"""

import sys
from types import ModuleType

sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))

import cel  # noqa: E402 (after what it must not load)

__all__ = ["cel"]
