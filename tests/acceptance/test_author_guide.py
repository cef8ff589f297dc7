"""The author's guide: what it shows is there, and its steps lead to a recorded completion."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

import progress_xblock
from progress_xblock import ProgressXBlock
from progress_xblock.texts import GROUPS, WAYS
from tests.acceptance.screenshots import PICTURES
from tests.demo import people

PACKAGE = Path(progress_xblock.__file__).parent
HEAVIEST = 150_000
"""Bytes of a picture."""

# What the form's script asks of Studio, and the workbench does not have.
STUDIO = """
window.told = [];
window.gettext = (text) => text;
RuntimeProvider.versions[1].notify = (kind, what) => told.push([kind, what]);
$.ajaxSetup({ headers: { "X-CSRFToken": $.cookie("csrftoken") } });
"""


@pytest.fixture(scope="module")
def guide():
    return (PACKAGE / "README.fr.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def french():
    with (PACKAGE / "translations/fr/LC_MESSAGES/text.po").open("rb") as file:
        return {m.id: m.string.replace("\xa0", " ") for m in read_po(file) if m.id}


class TestItsText:
    def test_its_pictures_are_there_and_light(self, guide):
        shown = set(re.findall(r"\]\((docs/\S+\.png)\)", guide))
        assert shown == {f"docs/{name}.png" for name in PICTURES}
        for path in shown:
            assert 0 < (PACKAGE / path).stat().st_size < HEAVIEST

    def test_it_names_every_setting_as_studio_does(self, guide, french):
        plain = " ".join(guide.split())
        for name in ProgressXBlock.editable_fields:
            title = french[ProgressXBlock.fields[name].display_name]
            assert f"**{title}" in plain, name
        for text in WAYS.values():
            assert french[text] in plain

    def test_what_it_quotes_is_what_the_block_says(self, guide, french):
        said = " ".join(french.values())
        quoted = re.findall(r"« (.+?) »", " ".join(guide.split()))
        own = ("terminé", "pas encore terminé")
        assert [text for text in quoted if text not in said and text not in own] == []

    def test_its_pictures_have_words(self, guide):
        assert all(len(words) > 10 for words in re.findall(r"!\[(.*?)\]", guide))


class Form:
    """Studio's form of an empty block, as an author fills it."""

    def __init__(self, page):
        self.page = page
        page.scenario, page.view = 5, "studio_view"
        page.open()
        page.script(STUDIO)

    def field(self, name):
        return self.page.browser.find_element(By.ID, f"progress-{name}")

    def type(self, name, text):
        self.field(name).clear()
        self.field(name).send_keys(text)

    def choose(self, name, value):
        Select(self.field(name)).select_by_value(value)

    def save(self):
        """Save the form, and return what Studio is told last: a kind, and words."""
        self.page.script("window.told = []")
        self.page.browser.find_element(By.CSS_SELECTOR, ".save-button").click()
        told = "return window.told"
        self.page.wait(lambda: len(self.page.script(told)) > 1, "nothing was said of the save")
        kind, what = self.page.script(told)[-1]
        return kind, what.get("message") or what.get("state")


@pytest.fixture
def form(page):
    """Put every setting at its default, whatever another test has saved."""
    form = Form(page)
    page.script("document.querySelectorAll('.setting-clear').forEach(clear => clear.click())")
    assert form.save() == ("save", "end")
    return Form(page)


def shown(form):
    names = ProgressXBlock.editable_fields
    return [name for name in names if form.field(name).is_displayed()]


def test_its_steps_lead_to_a_recorded_completion(page, form, store, student):
    form.type("grain_id", "grain-guide")
    form.type("module_id", "module-guide")
    form.type("button_text", "J’ai fini")
    assert form.save() == ("save", "end")

    page.view = "author_view"
    page.open()
    assert "grain-guide" in page.browser.find_element(By.TAG_NAME, "main").text
    page.click()
    assert page.message == "Aperçu : rien n’est enregistré d’ici."

    page.view = ""
    page.open()
    assert page.button.text == "J’ai fini"
    page.click().wait_for("done")
    (row,) = store.progress("funmooc", people.platform_id(student))
    assert (row.grain_id, row.module_id) == ("grain-guide", "module-guide")


def test_a_setting_out_of_range_is_refused(form):
    form.choose("complete_on", "seen")
    form.type("seen_seconds", "0")
    kind, words = form.save()
    assert kind == "error"
    assert words == "Secondes à l’écran\xa0: il faut un nombre entier de 1 à 3600"


def test_the_form_shows_the_settings_that_matter(form):
    common = [*GROUPS["What is reported"], "complete_on", *GROUPS["Texts"], "counts_for_grade"]
    assert set(shown(form)) == set(common)
    form.choose("complete_on", "seen")
    assert set(shown(form)) == {*common, "seen_seconds"}
    form.choose("complete_on", "page")
    assert set(shown(form)) == {*common, "page_path", "page_height"}
    form.choose("counts_for_grade", "1")
    assert set(shown(form)) == {*common, "page_path", "page_height", "weight"}
    clear = "#progress-complete_on ~ .setting-clear"
    form.page.browser.find_element(By.CSS_SELECTOR, clear).click()
    assert set(shown(form)) == {*common, "weight"}


def test_a_french_authors_weight_survives_the_form(form):
    form.choose("counts_for_grade", "1")
    form.type("weight", "1.5")
    assert form.save() == ("save", "end")
    again = Form(form.page)
    assert again.field("weight").get_attribute("value") == "1.5"
    assert again.save() == ("save", "end")
