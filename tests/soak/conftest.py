"""How long to go on: shortly within the suite, long where PLACET_SOAK is set."""

import functools

import pytest
from conftest import SETTINGS
from scenarios.stage import stage

LONG = bool(SETTINGS.get("PLACET_SOAK"))


@pytest.fixture
def staged(tmp_path, ledger_url):
    """Give what opens a stage for a block, with a policy and a hold of the test's own."""
    return functools.partial(stage, tmp_path, ledger_url)


@pytest.fixture
def rounds() -> int:
    """Give how often to kill: 100 times, or 5 within the suite."""
    return 100 if LONG else 5


@pytest.fixture
def seconds() -> float:
    """Give how long a crowd calls: 150 seconds, or 8 within the suite."""
    return 150.0 if LONG else 8.0
