"""The demo's course: a sequence of French grains, as an author would set them up."""

from __future__ import annotations

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


def scenarios() -> list[tuple[str, str]]:
    """What the workbench shows: titles and XML."""
    return [("La photosynthèse", _SEQUENCE), ("Un grain seul", _GRAIN)]
