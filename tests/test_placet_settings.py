"""What Placet is told from outside comes from files and the environment, errors all at once."""

import pytest

from ledger.shell import Misconfigured
from placet_environment import Environment
from placet_settings import Unsafe, ledger_url, load_beside, load_to_serve, policy_file

CONFIGURATION = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people: {alice: {slack: T0ACME/U0ALICE}, bob: {slack: T0ACME/U0BOB}}
teams: {platform: {channel: C0PLATFORM, approvers: [bob]}}
servers: {files: {command: [cat], team: platform}}
agents: {ci-bot: {team: platform, owner: alice, key: "${CI_BOT_KEY}"}}
slack: {mode: socket, bot_token: "${BOT}", app_token: "${APP}"}
"""

POLICY = """\
version: 1
rules:
  - {name: reads, match: {risk: read}, effect: allow}
"""

VARIABLES = {"CI_BOT_KEY": "k" * 32, "BOT": "xoxb-example", "APP": "xapp-example"}


def load(path, *, unsafe=Unsafe(), environment):  # noqa: B008  it is frozen
    return load_to_serve(path, unsafe=unsafe, environment=environment)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "placet.yaml").write_text(CONFIGURATION)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def test_both_files_are_read(folder):
    loaded = load(folder / "placet.yaml", environment=VARIABLES)

    assert list(loaded.configuration.servers) == ["files"]
    assert [rule.name for rule in loaded.policy.rules] == ["reads"]


def test_the_problems_of_both_files_are_told_at_once(folder):
    (folder / "placet.yaml").write_text(CONFIGURATION.replace("version: 1", "version: 2"))
    (folder / "policy.yaml").write_text("version: 1\nrulez: []\n")

    with pytest.raises(Misconfigured) as wrong:
        load(folder / "placet.yaml", environment=VARIABLES)

    lines = str(wrong.value).splitlines()
    assert any("placet.yaml:1:" in line for line in lines)
    assert any("policy.yaml:2:" in line for line in lines)


def test_a_policy_that_is_not_there_is_named(folder):
    (folder / "policy.yaml").unlink()

    with pytest.raises(Misconfigured, match=r"there is no file `.*policy\.yaml`"):
        load(folder / "placet.yaml", environment=VARIABLES)


def test_a_configuration_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Misconfigured, match=r"there is no file `.*placet\.yaml`"):
        load(tmp_path / "placet.yaml", environment=VARIABLES)


def test_a_file_that_is_not_utf_8_is_named(folder):
    (folder / "policy.yaml").write_bytes("version: 1".encode("utf-16"))

    with pytest.raises(Misconfigured, match="the file is UTF-16; save the file as UTF-8"):
        load(folder / "placet.yaml", environment=VARIABLES)


def test_every_missing_secret_is_named(folder):
    with pytest.raises(Misconfigured) as wrong:
        load(folder / "placet.yaml", environment={})

    assert "`CI_BOT_KEY` is not set" in str(wrong.value)
    assert "`BOT` is not set" in str(wrong.value)
    assert "`APP` is not set" in str(wrong.value)


@pytest.mark.parametrize(
    ("held", "why"), [(None, "No such file or directory"), (b"\xff", "it is no text in UTF-8")]
)
def test_a_file_with_a_secret_that_cannot_be_read_is_said_to_be_that(folder, held, why):
    if held is not None:
        (folder / "key").write_bytes(held)
    variables = VARIABLES | {"CI_BOT_KEY_FILE": str(folder / "key")}
    del variables["CI_BOT_KEY"]

    with pytest.raises(Misconfigured) as wrong:
        load(folder / "placet.yaml", environment=variables)

    assert f"the file that `CI_BOT_KEY_FILE` names cannot be read ({why})" in str(wrong.value)


def test_an_empty_secret_is_refused(folder):
    with pytest.raises(Misconfigured, match="is empty"):
        load(folder / "placet.yaml", environment=VARIABLES | {"BOT": ""})


def test_a_key_under_32_characters_is_refused(folder):
    with pytest.raises(Misconfigured, match="shorter than 32 characters"):
        load(folder / "placet.yaml", environment=VARIABLES | {"CI_BOT_KEY": "k" * 31})


def test_a_secret_never_stands_in_what_is_said_to_be_wrong(folder):
    secret = "hunter2-hunter2-hunter2"

    with pytest.raises(Misconfigured) as wrong:
        load(folder / "placet.yaml", environment=VARIABLES | {"CI_BOT_KEY": secret})

    assert secret not in str(wrong.value)


def test_a_secret_may_be_in_a_file_that_the_environment_names(folder):
    (folder / "bot").write_text("xoxb-from-a-file\n")
    variables = VARIABLES | {"BOT_FILE": str(folder / "bot")}
    del variables["BOT"]

    loaded = load(folder / "placet.yaml", environment=variables)

    assert loaded.configuration.slack.bot_token is not None
    assert loaded.configuration.slack.bot_token.get_secret_value() == "xoxb-from-a-file"


def test_a_variable_wins_over_a_file():
    environment = Environment({"BOT": "from the variable", "BOT_FILE": "/nowhere"})

    assert environment["BOT"] == "from the variable"


def test_a_file_that_cannot_be_read_leaves_the_variable_unset():
    environment = Environment({"BOT_FILE": "/nowhere"})

    assert "BOT" not in environment


def test_the_local_workspace_beside_real_servers_needs_the_operators_word(folder):
    text = CONFIGURATION.replace("mode: socket", "mode: local")
    (folder / "placet.yaml").write_text(text)

    with pytest.raises(Misconfigured, match="--unsafe-local-approvers"):
        load(folder / "placet.yaml", environment=VARIABLES)

    loaded = load(
        folder / "placet.yaml", unsafe=Unsafe(local_approvers=True), environment=VARIABLES
    )
    assert loaded.configuration.slack.mode == "local"


def test_a_command_beside_the_service_needs_no_secrets(folder):
    loaded = load_beside(folder / "placet.yaml", environment={})

    assert list(loaded.configuration.agents) == ["ci-bot"]


def test_a_command_needs_the_variables_of_the_ledgers_address(folder):
    text = CONFIGURATION.replace("sqlite:///placet.db", "sqlite:///${PLACE}/placet.db")
    (folder / "placet.yaml").write_text(text)

    with pytest.raises(Misconfigured, match=r"placet\.yaml:3:.*`ledger\.url` names a variable"):
        load_beside(folder / "placet.yaml", environment={})


def test_approvals_that_nobody_could_give_are_refused(folder):
    (folder / "placet.yaml").write_text(CONFIGURATION.replace("[bob]", "[alice]"))

    with pytest.raises(Misconfigured, match="nobody could: owners never approve"):
        load(folder / "placet.yaml", environment=VARIABLES)


def test_a_relative_ledger_lies_beside_the_configuration(folder):
    loaded = load(folder / "placet.yaml", environment=VARIABLES)

    url = ledger_url(loaded.configuration, folder / "placet.yaml")

    assert url == f"sqlite:///{folder}/placet.db"


def test_the_text_of_a_policy_follows_the_files_it_includes(folder):
    (folder / "policy.yaml").write_text("version: 1\ninclude: {files: files.yaml}\n")
    (folder / "files.yaml").write_text("version: 1\ndefault: allow\n")
    loaded = load(folder / "placet.yaml", environment=VARIABLES)
    file = policy_file(loaded.configuration, folder / "placet.yaml")

    assert file.read() == loaded.policy.text

    (folder / "files.yaml").write_text("version: 1\ndefault: deny\n")

    assert file.compile(file.read()).digest != loaded.policy.digest

    (folder / "files.yaml").unlink()

    with pytest.raises(Misconfigured, match=r"policy\.yaml:2:18: `files\.yaml`: there is no file"):
        file.read()
