/* What happens between the learner's click and the truth about it. The server words every state
   (a "face": state, message, button, active, completed_at); this script shows it, asks for the
   next one, and has words of its own only for when no answer comes. */
function ProgressXBlock(runtime, element, args) {
  "use strict";

  var PATIENCE = 20000; // milliseconds, well over what the server allows itself

  // Studio and the older runtimes hand over a jQuery object, the newer ones a DOM element.
  var root = element instanceof Element ? element : element[0];
  var box = root.querySelector(".grain-progress");
  var message = root.querySelector(".grain-progress__message");
  var button = root.querySelector(".grain-progress__button");
  var face = args.face;
  var busy = false;

  function day(instant) {
    try {
      return new Date(instant).toLocaleDateString(args.language || undefined, { dateStyle: "long" });
    } catch (error) {
      return instant.slice(0, 10); // a language that this browser does not know
    }
  }

  function say(state, text) {
    box.dataset.state = state;
    // A live region that is written again is read out again.
    if (message.textContent !== text) {
      message.textContent = text;
    }
  }

  function show() {
    say(face.state, face.message.replace("{date}", face.completed_at ? day(face.completed_at) : ""));
    button.textContent = face.button;
    enable(face.active);
  }

  // Not `disabled`: the keyboard's focus would be lost with it.
  function enable(active) {
    if (active) {
      button.removeAttribute("aria-disabled");
    } else {
      button.setAttribute("aria-disabled", "true");
    }
  }

  function csrfToken() {
    var cookie = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]*)/);
    return cookie ? decodeURIComponent(cookie[1]) : "";
  }

  function post(handler) {
    var abort = new AbortController();
    var timer = setTimeout(function () { abort.abort(); }, PATIENCE);
    return fetch(runtime.handlerUrl(element, handler), {
      method: "POST",
      credentials: "same-origin",
      keepalive: true, // a learner who turns the page has clicked all the same
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: "{}",
      signal: abort.signal
    }).finally(function () { clearTimeout(timer); });
  }

  /* The next face, or the name of the text that says why there is none. */
  async function ask(handler) {
    var response;
    try {
      response = await post(handler);
    } catch (error) {
      return "lost";
    }
    if (response.redirected || response.status === 401 || response.status === 403) {
      return "expired";
    }
    try {
      var answer = await response.json();
      return response.ok && answer.message ? answer : "failed";
    } catch (error) {
      return "failed";
    }
  }

  async function send(handler, quiet) {
    if (busy) {
      return;
    }
    busy = true;
    enable(false);
    if (!quiet) {
      say("sending", args.texts.sending);
    }
    var answer = await ask(handler);
    busy = false;
    if (typeof answer !== "string") {
      face = answer;
    }
    show();
    if (typeof answer === "string" && !quiet) {
      say("problem", args.texts[answer]);
    }
  }

  button.addEventListener("click", function () {
    if (face.active && !busy) {
      send("complete", false);
    }
  });

  show();
  if (face.state === "pending") {
    send("send_pending", true);
  }
}
