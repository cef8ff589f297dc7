/* Studio's form: StudioEditableXBlockMixin's script saves it; this one hides the settings that do
   not matter for the choices that are made. */
function ProgressXBlockStudio(runtime, element) {
  "use strict";

  const root = element instanceof Element ? element : element[0];

  function show() {
    root.querySelectorAll("[data-while]").forEach((entry) => {
      const choice = root.querySelector("#progress-" + entry.dataset.while);
      entry.hidden = choice.value !== entry.dataset.is;
    });
  }

  StudioEditableXBlockMixin(runtime, element);
  root.addEventListener("change", show);
  // The button that clears a setting changes it silently, in its own listener, before this one.
  root.addEventListener("click", show);
  show();
}
