"""Every command in the documents runs, and every file they show is valid."""

import asyncio
import json
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
from forked import program
from scenarios.demo import running_demo
from scenarios.documents import DOCUMENTS, ROOT, blocks, commands, script
from scenarios.stage import CI_BOT, OTHER_BOT, Replica, stage

from bot.slack.manifest import SCOPES
from ledger.ledger import Ledger
from placet_commandline import clock
from policies.rules.bundles import Bundle
from policies.rules.policy import compile_policy

pytestmark = pytest.mark.timeout(300)

PATH = os.environ["PATH"]  # noqa: TID251  its own

names = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)


@pytest.fixture
async def staged(tmp_path, sqlite_url):
    async with stage(tmp_path, sqlite_url) as opened:
        yield opened


async def run(text, folder, *, beside=()):
    """Run a script in a folder as a user would; return its exit code and what it said.

    `beside` are folders of programs that a user would have.
    """
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", text),
        cwd=folder,
        env={
            "PATH": ":".join(map(str, (*beside, Path(sys.executable).parent, PATH))),
            "HOME": str(folder),
            "CI_BOT_KEY": CI_BOT,
            "OTHER_BOT_KEY": OTHER_BOT,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.parametrize(
    "document",
    [each for each in DOCUMENTS if each.name != "from-no-policy.md"],  # test_from_no_policy does
    ids=lambda document: document.name,
)
async def test_every_command_of_a_document_runs(document, staged, tmp_path, tmp_path_factory):
    (tmp_path / "placet.yaml").write_text(staged.configuration(Replica(staged, "placet")))
    for block in blocks(document):
        if block.title is not None:
            (tmp_path / block.title).write_text(block.text)

    Ledger.open(staged.ledger_url, now=clock).close()  # once, it was served
    programs = await asyncio.to_thread(program, tmp_path_factory.mktemp("programs"))
    code, said = await run(script(document), tmp_path, beside=[programs])

    assert code == 0, said


@names
def test_every_block_is_of_a_language_that_is_looked_at(document):
    languages = {block.language for block in blocks(document)}

    assert languages <= {"sh", "json", "python", "text", "toml", "yaml"}


@names
def test_every_json_block_is_json_and_every_toml_block_toml(document):
    reads = {"json": json.loads, "toml": tomllib.loads}
    for block in blocks(document):
        if block.language in reads:
            reads[block.language](block.text)


@names
def test_every_link_into_the_repository_leads_somewhere(document):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "docs/slack.md"])
def test_every_scope_of_the_app_is_explained(name):
    text = (ROOT / name).read_text()

    assert [scope for scope in SCOPES if f"`{scope}`" not in text] == []


def test_the_policies_shown_are_valid():
    shown = [
        block.text
        for document in DOCUMENTS
        for block in blocks(document)
        if block.title == "policy.yaml"
    ]

    assert len(shown) == 1
    assert len(compile_policy(shown[0]).rules) == 3


def test_the_other_policies_of_the_reference_are_valid():
    shown = {block.title: block.text for block in blocks(ROOT / "docs" / "policy.md")}

    several = Bundle(shown["several.yaml"], {"files.yaml": shown["files.yaml"]})

    assert len(compile_policy(shown["named.yaml"]).rules) == 6
    assert len(compile_policy(several.text).rules) == 3


def test_the_readmes_two_commands_are_there():
    assert commands(ROOT / "README.md")[:2] == ["make demo", "make test"]


async def test_the_readmes_python_client_reads_a_file(tmp_path):
    (snippet,) = (b.text for b in blocks(ROOT / "README.md") if b.language == "python")
    async with running_demo(tmp_path) as demo:
        agents = demo.told("agents")
        configuration = (tmp_path / "placet.yaml").read_text()
        key = re.search(r'"key": "(\w+)"', configuration)[1]
        text = snippet.replace("http://127.0.0.1:8787/mcp/files", agents)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", text),
            env={"CI_BOT_KEY": key},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()

    assert process.returncode == 0, out.decode()
    assert "Call the plumber." in out.decode()
