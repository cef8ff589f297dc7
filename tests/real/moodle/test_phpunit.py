"""The plugin's own PHPUnit tests, in a real Moodle."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.real.moodle.code import Code
from tests.real.moodle.site import Moodle

VARIABLE: Final = "PROGRESS_BRIDGE_TEST_MOODLE_VENDOR"
DEBIAN: Final = (
    Path("/usr/share/php/PHPUnit/Autoload.php"),
    Path("/usr/share/php/org/bovigo/vfs/autoload.php"),
)
RUNNER: Final = """<?php
define('PHPUNIT_COMPOSER_INSTALL', dirname(__DIR__) . '/autoload.php');
require(PHPUNIT_COMPOSER_INSTALL);
PHPUnit\\TextUI\\Command::main();
"""


@pytest.fixture
def phpunit(moodle: Moodle) -> Moodle:
    """Install a Moodle with its PHPUnit site."""
    place_vendor(moodle.code)
    util = moodle.code.web / "admin/tool/phpunit/cli/util.php"
    moodle.php([util, "--install"], util.parent)
    moodle.php([util, "--buildconfig"], util.parent)
    return moodle


def place_vendor(code: Code) -> None:
    """Put a vendor/ folder into Moodle: the one that is named, or Debian's PHPUnit behind one."""
    vendor = code.root / "vendor"
    if named := os.environ.get(VARIABLE):
        if not vendor.exists():
            shutil.copytree(named, vendor)
        return
    wanted = json.loads((code.root / "composer.json").read_text())["require-dev"]["phpunit/phpunit"]
    if "9." not in wanted:
        pytest.skip(f"PHPUnit {wanted} is needed: VENDOR=DIR (see tests/real/README.md)")
    if not all(path.exists() for path in DEBIAN):
        pytest.skip("no PHPUnit: apt-get install phpunit php-mikey179-vfsstream locales")
    (vendor / "bin").mkdir(parents=True, exist_ok=True)
    (vendor / "phpunit/phpunit").mkdir(parents=True, exist_ok=True)
    (vendor / "phpunit/phpunit/composer.json").write_text('{"name": "phpunit/phpunit"}')
    loads = "".join(f"require_once('{path}');\n" for path in DEBIAN)
    (vendor / "autoload.php").write_text(f"<?php\n{loads}")
    (vendor / "bin/phpunit").write_text(RUNNER)


def test_the_plugins_own_tests_pass(phpunit: Moodle) -> None:
    runner = phpunit.code.root / "vendor/bin/phpunit"
    said = phpunit.php([runner, "--testsuite", "local_progressbridge_testsuite"])
    assert re.search(r"^OK \(\d+ tests", said, re.MULTILINE), said[-2000:]
    assert "deprecation" not in said.lower()


def test_moodles_privacy_tests_pass(phpunit: Moodle) -> None:
    runner = phpunit.code.root / "vendor/bin/phpunit"
    test = phpunit.code.web / "privacy/tests/privacy/provider_test.php"
    said = phpunit.php([runner, "--filter", "progressbridge", test])
    assert re.search(r"^OK\b", said, re.MULTILINE), said[-2000:]  # Moodle's own has deprecations
