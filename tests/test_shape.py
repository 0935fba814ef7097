"""The code keeps its shape: small modules, small functions, a line on each that says what for."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bot", "gateway", "ledger", "policies")
MODULES = sorted(
    [*ROOT.glob("placet*.py"), *(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))]
)
NOUNS = {"get_buffer", "handle_error", "handle_of", "process_exited", "_process_keepalive"}
"""A group's @-handle, and names that asyncio and aiohttp call."""
CRAMMED = {"utils", "common", "helpers", "base", "manager", "service", "misc"}

modules = pytest.mark.parametrize(
    "module", MODULES, ids=lambda module: str(module.relative_to(ROOT))
)


def functions(module):
    tree = ast.parse(module.read_text())
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


@modules
def test_a_module_stops_at_300_lines(module):
    assert len(module.read_text().splitlines()) <= 300


@modules
def test_a_function_stops_at_40_lines(module):
    long = [
        (node.name, node.end_lineno - node.lineno + 1)
        for node in functions(module)
        if node.end_lineno - node.lineno + 1 > 40
    ]

    assert long == []


@modules
def test_a_module_opens_with_a_line_that_says_what_it_is_for(module):
    said = ast.get_docstring(ast.parse(module.read_text()))

    assert said
    assert said.splitlines()[0].endswith(".")


@modules
def test_a_package_is_one_sentence_and_re_exports_nothing(module):
    if module.name == "__init__.py":
        assert len(ast.parse(module.read_text()).body) == 1


@modules
def test_no_module_is_a_drawer_for_everything(module):
    assert module.stem not in CRAMMED


@modules
def test_no_function_says_get_handle_or_process(module):
    vague = [
        node.name
        for node in functions(module)
        if node.name.lstrip("_").startswith(("get_", "handle_", "process_"))
        and node.name not in NOUNS
    ]

    assert vague == []
