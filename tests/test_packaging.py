"""What is shipped is whole, pinned by hash, and free of addresses of any one machine."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOT_MODULES = sorted(path.stem for path in ROOT.glob("placet*.py"))
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def test_every_module_of_the_root_is_in_the_wheel():
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]

    shipped = sorted(name.removesuffix(".py") for name in included if name.endswith(".py"))
    assert shipped == ROOT_MODULES


def test_no_package_may_import_any_module_of_the_root():
    contracts = PROJECT["tool"]["importlinter"]["contracts"]

    (root,) = (each for each in contracts if each["name"].endswith("the composition root"))
    assert sorted(root["forbidden_modules"]) == ROOT_MODULES


def test_there_are_five_locks():
    names = [lock.name for lock in LOCKS]

    assert names == [
        "requirements-clients.lock",
        "requirements-dev.lock",
        "requirements-judges.lock",
        "requirements-mcp1.lock",
        "requirements.lock",
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_address(lock):
    address = re.compile(r"https?:|file:|--\w*index|--find-links|\s@\s|^\.|^/", re.MULTILINE)

    assert address.findall(lock.read_text()) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_of_a_lock_is_pinned_with_hashes(lock):
    entries = lock.read_text().replace("\\\n", " ").splitlines()

    assert len(entries) > 10
    assert [e for e in entries if "==" not in e or "--hash=sha256:" not in e] == []


def test_the_lock_for_node_pins_every_package_by_its_content_and_names_no_registry():
    lock = json.loads((ROOT / "tests" / "node" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}

    assert len(packages) > 10
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    unpinned = [n for n, e in packages.items() if not e.get("integrity", "").startswith("sha512-")]
    assert unpinned == []


def test_what_is_asked_of_node_is_asked_in_exact_versions():
    asked = json.loads((ROOT / "tests" / "node" / "package.json").read_text())

    versions = {**asked["dependencies"], **asked["optionalDependencies"]}.values()
    assert [version for version in versions if not version[0].isdigit()] == []


def test_development_uses_the_versions_that_are_shipped():
    def pins(name):
        return dict(re.findall(r"^([\w.-]+)==([^ ]+)", (ROOT / name).read_text(), re.MULTILINE))

    shipped, development = pins("requirements.lock"), pins("requirements-dev.lock")

    assert {name: development.get(name) for name in shipped} == shipped


def test_the_local_workspaces_page_is_drawn_without_the_network():
    page = ROOT / "bot" / "workspace" / "page"

    loaded = [
        address
        for path in page.iterdir()
        for address in re.findall(
            r"""(?:src|href|url|from|import)\W+(https?://[^"')]+)""", path.read_text()
        )
    ]
    assert loaded == []
