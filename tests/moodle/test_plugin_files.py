"""The plugin's files: PHP that parses, strings that exist, a zip that Moodle takes."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.moodle.site import PLUGIN, STAND_INS, Site
from tests.servers import ROOT

PHP = sorted(PLUGIN.rglob("*.php"))
TEMPLATES = sorted(PLUGIN.rglob("*.mustache"))
COMPONENT = "local_progressbridge"
# A string that is put together when it is needed: how it begins, and where its ends are listed.
COMPOSED = {
    "check:": r"self::result\(result::\w+, '(\w+)'",
    "ignored:": r"(?:''|!\$activity->\w+|default) => '(\w+)',",
    "failure:": r"new (?:self|failure)\('(\w+)'",
    "test:": r"self::words\('(\w+)'[,)]",
}


def strings(language: str) -> list[str]:
    """The identifiers of a language, in the file's order."""
    text = (PLUGIN / f"lang/{language}/{COMPONENT}.php").read_text()
    return re.findall(r"^\$string\['([^']+)'\]", text, re.MULTILINE)


def sources() -> str:
    """All PHP of the plugin but its languages and tests."""
    named = [p for p in PHP if not {"lang", "tests"} & set(p.relative_to(PLUGIN).parts)]
    return "\n".join(path.read_text() for path in named)


def used() -> set[str]:
    """The identifiers that the plugin asks for."""
    text = sources()
    found = set(re.findall(rf"(?:get_string|lang_string)\(\s*'([^']+)',\s*'{COMPONENT}'", text))
    found |= set(re.findall(r"'(privacy:[^']+)'", text))
    for template in TEMPLATES:
        helper = rf"\{{\{{#str\}}\}} *([\w:]+), *{COMPONENT} *\{{\{{/str\}}\}}"
        found |= set(re.findall(helper, template.read_text()))
    for prefix, pattern in COMPOSED.items():
        found |= {prefix + end for end in re.findall(pattern, text)}
    rules = re.search(
        r"const KNOWN = \[(.*?)\]", (PLUGIN / "classes/refusal.php").read_text(), re.S
    )
    assert rules
    found |= {f"refusal:{rule}" for rule in re.findall(r"'(\w+)'", rules[1])}
    assert {f"refusal:{rule}" for rule in re.findall(r"new refusal\('(\w+)'", text)} <= found
    page = (PLUGIN / "classes/output/status_page.php").read_text()
    facts = page[page.index("$facts = [") : page.index("$named = []")]
    found |= {f"status:{end}" for end in re.findall(r"'(\w+)'(?: =>|\])", facts)}
    return found


def test_all_php_parses() -> None:
    def check(path: Path) -> str:
        command = ["php", "-d", "display_errors=1", "-l", path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return "" if done.returncode == 0 else done.stdout

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(check, [*PHP, *STAND_INS.rglob("*.php")]))
    assert "".join(said) == ""


@pytest.mark.parametrize("language", ["en", "fr"])
def test_strings_used_and_strings_defined_are_the_same(language: str) -> None:
    by_moodle = {"pluginname", "checkdelivery"}
    numbered = {"status0", "status1", "status2", "test:righterase", "test:rightwrite"}
    assert set(strings(language)) == used() | by_moodle | numbered


@pytest.mark.parametrize("language", ["en", "fr"])
def test_strings_are_sorted_and_each_is_there_once(language: str) -> None:
    known = strings(language)
    assert known == sorted(set(known))


def test_both_languages_have_the_same_strings_and_places() -> None:
    assert strings("en") == strings("fr")
    places = []
    for language in ("en", "fr"):
        text = (PLUGIN / f"lang/{language}/{COMPONENT}.php").read_text()
        found = re.findall(r"^\$string\['([^']+)'\] = '(.*?)';$", text, re.M | re.S)
        places.append({key: set(re.findall(r"\{\$a[^}]*\}", value)) for key, value in found})
    assert places[0] == places[1]


def test_files_have_the_licence_header_and_one_class() -> None:
    for path in PHP:
        text = path.read_text()
        assert text.startswith("<?php\n// This file is part of Moodle"), path
        assert text.endswith("\n"), path
        assert f"@package    {COMPONENT}" in text, path
        for name in re.findall(r"^(?:abstract |final )?class (\w+)", text, re.M):
            assert path.stem == name, path
            folder = path.parent.relative_to(PLUGIN)
            space = "\\".join([COMPONENT, *folder.parts[1:]])
            if "classes" in folder.parts:
                assert f"namespace {space};" in text, path


def test_phpunits_annotations_have_attributes_beside_them() -> None:
    """PHPUnit 9.6 (Moodle 4.5) reads the annotations, 11 (5.1) the attributes."""
    for path in (PLUGIN / "tests").rglob("*_test.php"):
        text = path.read_text()
        covers = len(re.findall(r"@covers(?:Nothing| )", text))
        assert covers == len(re.findall(r"^#\[Covers\w+", text, re.M)) > 0, path
        assert text.count("@dataProvider ") == text.count("#[DataProvider("), path


def test_observers_tasks_and_pages_name_what_exists() -> None:
    callbacks = re.findall(
        r"'\\(local_progressbridge\\[\w\\]+)::(\w+)'", (PLUGIN / "db/events.php").read_text()
    )
    assert len(callbacks) == 2
    for name, method in callbacks:
        path = PLUGIN / "classes" / f"{name.split(chr(92), 1)[1]}.php"
        assert f"public static function {method}(" in path.read_text()
    [task] = re.findall(r"'classname' => '([\w\\]+)'", (PLUGIN / "db/tasks.php").read_text())
    assert (PLUGIN / "classes" / (task.split("\\", 1)[1].replace("\\", "/") + ".php")).exists()
    for page in re.findall(r"moodle_url\('/local/progressbridge/([\w/]+\.php)'", sources()):
        assert (PLUGIN / page).exists()


def test_install_xml_is_sound_and_its_names_fit() -> None:
    root = ET.parse(PLUGIN / "db/install.xml").getroot()
    for table in root.iter("TABLE"):
        assert table.attrib["NAME"].startswith(COMPONENT)
        assert len(table.attrib["NAME"]) <= 28
        fields = {field.attrib["NAME"] for field in table.iter("FIELD")}
        for index in (*table.iter("KEY"), *table.iter("INDEX")):
            assert {name.strip() for name in index.attrib["FIELDS"].split(",")} <= fields


def test_the_version_says_what_moodle_it_needs() -> None:
    text = (PLUGIN / "version.php").read_text()
    assert "$plugin->requires = 2024100700;" in text
    [version] = re.findall(r"\$plugin->version = (\d{10});", text)
    steps = re.findall(
        r"upgrade_plugin_savepoint\(true, (\d{10}),", (PLUGIN / "db/upgrade.php").read_text()
    )
    assert all(step <= version for step in steps)


def test_no_library_is_bundled_and_tls_is_verified() -> None:
    assert not (PLUGIN / "vendor").exists()
    text = sources()
    assert "VERIFY => true" in text
    assert "ignoresecurity" not in text
    assert "curl_init" not in text


def test_documented_zip_is_what_moodle_takes(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not in a git repository")
    readme = (ROOT / "moodle_plugin_notes/README.md").read_text()
    [command] = re.findall(r"^ *(git archive .*)$", readme, re.M)
    made = tmp_path / "local_progressbridge.zip"
    words = [str(made) if word == made.name else word for word in command.split()]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    names = zipfile.ZipFile(made).namelist()
    assert {name.split("/")[0] for name in names} == {"progressbridge"}
    assert "progressbridge/version.php" in names
    assert f"progressbridge/lang/en/{COMPONENT}.php" in names


def test_the_settings_page_stands_without_a_choice(bare_site: Site) -> None:
    settings = bare_site.run("settings")
    assert settings["pages"][0] == "local_progressbridge_category"
