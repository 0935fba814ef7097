"""The code keeps its shape: small modules, small functions, a line on each that says what for."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bot", "gateway", "ledger", "policies")
MODULES = sorted(
    [*ROOT.glob("placet*.py"), *(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))]
)
NOUNS = {
    "__get_pydantic_core_schema__",
    "get_buffer",
    "handle_error",
    "handle_of",
    "process_exited",
    "_handle_request",
    "_process_keepalive",
}
"""A group's @-handle, and names that asyncio and aiohttp call."""
CRAMMED = {"utils", "common", "helpers", "base", "manager", "service", "misc"}


@cache
def trees() -> dict[str, ast.Module]:
    """Return every module, parsed, by its path from the root."""
    return {str(module.relative_to(ROOT)): ast.parse(module.read_text()) for module in MODULES}


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield module, node


def test_a_module_stops_at_300_lines():
    lines = {str(each.relative_to(ROOT)): len(each.read_text().splitlines()) for each in MODULES}

    assert {module: count for module, count in lines.items() if count > 300} == {}


def test_a_function_stops_at_40_lines():
    lengths = [
        (module, node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for module, node in functions()
    ]

    assert [each for each in lengths if each[2] > 40] == []


def test_a_module_opens_with_a_line_that_says_what_it_is_for():
    said = {module: ast.get_docstring(tree) or "" for module, tree in trees().items()}

    assert [module for module, text in said.items() if not text.split("\n")[0].endswith(".")] == []


def test_a_package_is_one_sentence_and_re_exports_nothing():
    packages = {m: tree for m, tree in trees().items() if Path(m).name == "__init__.py"}

    assert packages
    assert [module for module, tree in packages.items() if len(tree.body) != 1] == []


def test_the_document_of_the_code_names_every_folder_and_no_other():
    _, *parts = re.split(
        r"^## `(\w+)/`$", (ROOT / "docs" / "code.md").read_text(), flags=re.MULTILINE
    )
    told = {
        ROOT / package / folder
        for package, part in zip(parts[::2], parts[1::2], strict=True)
        for folder in re.findall(r"^\| `(\w+)/` \|", part, re.MULTILINE)
    }

    there = {each for name in PACKAGES for each in (ROOT / name).iterdir() if each.is_dir()}
    assert told == {each for each in there if each.name != "__pycache__"}


def test_the_document_of_the_code_names_modules_that_there_are():
    named = re.findall(r"`([\w/]+/[\w]+\.py)`", (ROOT / "docs" / "code.md").read_text())

    assert named
    assert [module for module in named if not (ROOT / module).is_file()] == []


def test_no_module_is_a_drawer_for_everything():
    assert [module for module in trees() if Path(module).stem in CRAMMED] == []


def test_no_function_says_get_handle_or_process():
    vague = [
        (module, node.name)
        for module, node in functions()
        if node.name.lstrip("_").startswith(("get_", "handle_", "process_"))
        and node.name not in NOUNS
    ]

    assert vague == []
