"""Programs that nobody here wrote, which judge checkpoints, receipts and tiles."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

JUDGES = Path(__file__).parent / "judges"
GO_PACKAGES = Path("/usr/share/gocode")


def judged(command, cases):
    """Return what a judge says of each case; an empty text where it finds nothing wrong."""
    done = subprocess.run(
        command, input=json.dumps(cases), capture_output=True, check=True, text=True
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def by_go(tmp_path_factory):
    """Give what asks Go's checksum database about receipts, growths and logs, or skip."""
    if shutil.which("go") is None or not (GO_PACKAGES / "src/golang.org/x/mod/sumdb").exists():
        pytest.skip("needs Go: apt-get install golang-go golang-golang-x-mod-dev")
    program = tmp_path_factory.mktemp("go") / "by_go"
    settings = [f"GOPATH={GO_PACKAGES}", "GO111MODULE=off", "GOFLAGS=", "GOTOOLCHAIN=local"]
    build = ["go", "build", "-o", program, JUDGES / "by_go.go"]
    subprocess.run(["env", *settings, *build], check=True)
    return lambda cases: judged([program], cases)


@pytest.fixture(scope="session")
def by_sigstore(judges_python):
    """Give what asks sigstore-python about receipts, or skip."""
    return lambda cases: judged([judges_python, JUDGES / "by_sigstore.py"], cases)


@pytest.fixture(scope="session")
def by_pymerkle(judges_python):
    """Give what asks pymerkle about the paths of receipts and about roots, or skip."""
    return lambda cases: judged([judges_python, JUDGES / "by_pymerkle.py"], cases)
