/* Studio's form: StudioEditableXBlockMixin's script saves it; this one hides the settings that do
   not matter for what completes the grain. */
function ProgressXBlockStudio(runtime, element) {
  "use strict";

  const root = element instanceof Element ? element : element[0];
  const way = root.querySelector("#progress-complete_on");

  function show() {
    root.querySelectorAll("[data-only-for]").forEach((entry) => {
      entry.hidden = entry.dataset.onlyFor !== way.value;
    });
  }

  StudioEditableXBlockMixin(runtime, element);
  way.addEventListener("change", show);
  // The button that clears a setting changes it silently, in its own listener, before this one.
  way.closest("li").querySelector(".setting-clear").addEventListener("click", show);
  show();
}
