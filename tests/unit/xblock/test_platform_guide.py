"""The platform guide: what it tells to type and to look for is what there is."""

import json
import re
from pathlib import Path

import pytest
import yaml

import progress_xblock
from bridge.cli import cli
from progress_xblock.health import NO_ANSWER, NOT_TAKEN, WRONG_SETTINGS
from progress_xblock.settings import OWN_SETTINGS, check_settings
from tests.servers import ROOT

PACKAGE = Path(progress_xblock.__file__).parent
GUIDE = (PACKAGE / "README.md").read_text(encoding="utf-8")
SOURCES = " ".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
REDIS = (ROOT / "bridge/outbox/redis/outbox.py").read_text(encoding="utf-8")


def block(language, number=0):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[number]


@pytest.fixture
def plugin():
    return yaml.safe_load(block("yaml"))


def block_settings(code):
    names = {"XBLOCK_SETTINGS": {}}
    exec(code, names)
    return names["XBLOCK_SETTINGS"]["ProgressXBlock"]


def test_the_plugins_settings_are_right(plugin):
    settings = check_settings(block_settings(plugin["patches"]["openedx-common-settings"]), {})
    assert settings.outbox.scheme == "redis"


def test_the_plugins_services_share_one_outbox(plugin):
    text = re.sub(r"\{\{.*?\}\}", "x", plugin["patches"]["local-docker-compose-services"])
    services = yaml.safe_load(text)
    url = services["progress-bridge-deliver"]["environment"]["PROGRESS_BRIDGE_OUTBOX_URL"]
    wanted = block_settings(plugin["patches"]["openedx-common-settings"])["outbox"]["url"]
    assert url == wanted
    assert url.split("/")[2].split(":")[0] in services


def test_the_plugins_redis_keeps_what_it_is_given(plugin):
    assert "--appendonly yes --appendfsync always --maxmemory-policy noeviction" in json.dumps(
        plugin["patches"]
    )


def test_the_settings_without_an_outbox_are_right(tmp_path):
    settings = block_settings(block("python"))
    token = tmp_path / "token"
    token.write_text("t")
    settings["store"]["token_file"] = str(token)
    assert check_settings(settings, {}).outbox is None


def test_every_setting_is_in_the_table():
    for name in (*OWN_SETTINGS, "store", "outbox", "tokens"):
        assert f"\n| `{name}` | " in GUIDE, name


def test_every_command_is_one_that_there_is():
    for name in re.findall(r"progress-bridge (?:--config \S+ )?([a-z]+)", GUIDE):
        assert name in cli.commands, name
    options = set(re.findall(r"send_pending_progress (--[a-z-]+)", GUIDE))
    assert options == {"--dry-run", "--export"}
    assert all(f'"{option}"' in SOURCES for option in options)


def test_the_health_answers_are_the_codes():
    assert re.findall(r"^\| `([^`…]+)` \| ", GUIDE.split("## Health")[1], re.MULTILINE)[:3] == [
        WRONG_SETTINGS,
        NO_ANSWER,
        NOT_TAKEN,
    ]


def test_every_quoted_log_line_is_written():
    table = GUIDE.split("## When something is wrong")[1]
    lines = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    assert len(lines) > 6
    known = SOURCES + REDIS + (ROOT / "bridge/origins/funmooc.py").read_text(encoding="utf-8")
    known += (
        (ROOT / "bridge/support/extras.py")
        .read_text(encoding="utf-8")
        .replace("{missing}", "redis")
    )
    for line in lines:
        for part in re.split(r"[:…]", line):
            assert part.strip() in known, part


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", GUIDE):
        if target != "README.fr.md":  # the authors' guide
            assert (PACKAGE / target).exists(), target
