"""The demo's course: a sequence of French grains, as an author would set them up."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

_SEQUENCE = """
<vertical_demo>
  <html_demo>
    <h2>Du sucre avec de la lumière</h2>
    <p>Comment une feuille fait-elle du sucre avec de la lumière, de l’eau et de l’air ?</p>
  </html_demo>
  <progress display_name="La lumière" grain_id="grain-lumiere"
            module_id="module-plantes" sequence_id="sequence-1"/>
  <html_demo>
    <p>La chlorophylle absorbe le rouge et le bleu, et renvoie le vert.</p>
  </html_demo>
  <progress display_name="La chlorophylle" grain_id="grain-chlorophylle"
            module_id="module-plantes" sequence_id="sequence-1"/>
  <html_demo>
    <p>Le dioxyde de carbone entre par les stomates.</p>
  </html_demo>
  <progress display_name="Les échanges gazeux" grain_id="grain-echanges"
            module_id="module-plantes" sequence_id="sequence-2"/>
</vertical_demo>
"""

_GRAIN = '<progress grain_id="grain-seul" module_id="module-plantes" sequence_id="sequence-3"/>'

_SEEN = """
<progress display_name="Le cycle du carbone" grain_id="grain-carbone" module_id="module-plantes"
          sequence_id="sequence-3" complete_on="seen" seen_seconds="3"/>
"""

_PAGE = """
<progress display_name="La leçon interactive" grain_id="grain-eau" module_id="module-plantes"
          sequence_id="sequence-2" complete_on="page" page_path="demo/" page_height="680"/>
"""

_WORDS = """
<progress display_name="Le bilan" grain_id="grain-bilan" module_id="module-plantes"
          sequence_id="sequence-3" button_text="J’ai compris la photosynthèse"
          done_text="Bravo ! Vous pouvez passer au module suivant."
          counts_for_grade="true" weight="2"/>
"""

_EMPTY = "<progress/>"


def scenarios() -> list[tuple[str, str]]:
    """Return the titles and XML that the workbench shows. Others count on their order."""
    return [
        ("La photosynthèse", _SEQUENCE),
        ("Un grain seul", _GRAIN),
        ("Un grain terminé à la lecture", _SEEN),
        ("Un grain terminé par sa page", _PAGE),
        ("Un grain avec ses propres textes", _WORDS),
        ("Un grain à régler", _EMPTY),
    ]


def units(request: HttpRequest) -> dict[str, Any]:
    """Return addresses and titles for the page's menu."""
    titles = [title for title, _ in scenarios()]
    return {"units": [(f"/scenario/progress.{n}/", title) for n, title in enumerate(titles)]}
