"""The guide's commands and settings, tried as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bridge import Identity, Settings
from bridge.config import RateLimits, ServiceSettings
from bridge.tokens import Tokens
from tests.servers import ROOT
from tests.servers.process import HeldPort
from tests.service.test_permissions import ANSWERS

GUIDE = (ROOT / "bridge/service/README.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8").partition("### HTTP")[2]
READY = "until curl -so healthz http://127.0.0.1:8080/healthz; do sleep 0.1; done"
RECORD = "http://127.0.0.1:8080/v1/learners/moodle/12345/progress"


def blocks(language: str, text: str = GUIDE) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param([blocks("sh", README)[0]], id="README"),
        pytest.param([blocks("sh")[0], READY, blocks("sh")[1]], id="guide"),
    ],
)
def test_guide_commands_record_the_first_completion(tmp_path: Path, commands: list[str]) -> None:
    arrived = f'until curl -s -H "Authorization: Bearer $KEY" {RECORD} | grep grain-1; do'
    stop = 'trap "kill %1; wait" EXIT'
    script = "\n".join(["set -e", stop, *commands, f"{arrived} sleep 0.1; done"])
    port = HeldPort()
    script = script.replace("pip install", ": pip install").replace("8080", str(port.number))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '{"accepted":1,"refused":0,"results":[{"status":"accepted"}]}' in done.stdout
    assert '"module_id":"module-1"' in done.stdout


def test_guide_shows_every_setting_with_its_default() -> None:
    tokens, service = (yaml.safe_load(block) for block in blocks("yaml"))
    assert service["service"].keys() == set(ServiceSettings.__slots__)
    assert service["service"]["rate_limit"].keys() == set(RateLimits.__slots__)
    found = Settings.from_mapping({"store": {"url": "memory:"}, **service}).service
    assert found.rate_limit == RateLimits()
    assert found.proxies == ServiceSettings().proxies
    for key in tokens["tokens"]["keys"]:
        assert key.keys() == {"id", "secret_file", "origins"}


def test_the_token_in_the_guide_is_issued(tmp_path: Path) -> None:
    (example,) = blocks("python")
    tokens, _ = (yaml.safe_load(block) for block in blocks("yaml"))
    for number, key in enumerate(tokens["tokens"]["keys"]):
        del key["secret_file"]
        key["secret"] = str(number) * 32
    settings = {"store": {"url": "memory:"}, **tokens}
    (tmp_path / "bridge.yaml").write_text(yaml.safe_dump(settings))
    names: dict[str, str] = {}
    exec(example.replace("bridge.yaml", f"{tmp_path}/bridge.yaml"), names)
    found = Settings.from_mapping(settings).tokens
    assert found
    read = Tokens(found).read(names["token"])
    assert (read.identity, read.grains) == (
        Identity("direct", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"),
        {"grain-1"},
    )


def test_every_route_is_in_the_guide() -> None:
    for method, path in ANSWERS:
        assert f"`{method} {path}" in GUIDE
