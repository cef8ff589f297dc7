/* What happens between the learner and the truth about their completion. The server words every
   state (a "face": state, message, note, button, active, completed_at, unsent); this script shows
   it, asks for the next one, and has words of its own only for when no answer comes. */
function ProgressXBlock(runtime, element, args) {
  "use strict";

  const PATIENCE = 20000; // milliseconds, well over what the server allows itself
  const TICK = 250; // milliseconds between two looks at the clock

  // Studio and the older runtimes hand over a jQuery object, the newer ones a DOM element.
  const root = element instanceof Element ? element : element[0];
  const find = (name) => root.querySelector(".grain-progress__" + name);
  const box = root.querySelector(".grain-progress");
  const message = find("message");
  const note = find("note");
  const button = find("button");
  const bar = find("seen");
  const place = find("page"); // of the embedded page
  const site = place ? originOf(args.site) : null;

  let face = args.face;
  let busy = false;
  let page = null; // the embedded page's window, once it is loaded
  let again = null; // what the button does after a problem, instead of completing

  /* As the browser itself writes the origin of a message. */
  function originOf(url) {
    try {
      return new URL(url).origin;
    } catch (error) {
      return null; // no page can be loaded from there, and no message can come
    }
  }

  function day(instant) {
    try {
      return new Date(instant).toLocaleDateString(args.language || undefined, { dateStyle: "long" });
    } catch (error) {
      return instant.slice(0, 10); // a language that this browser does not know
    }
  }

  // A live region that is written again is read out again.
  function write(place, text) {
    if (place.textContent !== text) {
      place.textContent = text;
    }
    place.hidden = !text;
  }

  function say(state, text) {
    box.dataset.state = state;
    write(message, text);
  }

  function show() {
    again = null;
    say(face.state, face.message.replace("{date}", face.completed_at ? day(face.completed_at) : ""));
    write(note, face.note);
    write(button, face.button);
    enable(face.active);
    if (bar) {
      bar.hidden = !toDo();
    }
    tellPage();
  }

  function toDo() {
    return face.active && face.state === "none";
  }

  // Not `disabled`: the keyboard's focus would be lost with it.
  function enable(active) {
    if (active) {
      button.removeAttribute("aria-disabled");
    } else {
      button.setAttribute("aria-disabled", "true");
    }
  }

  /* No answer came, or none that can be understood: what is true is not known, and is asked for
     again by the button. */
  function problem(name, retry) {
    say("problem", args.texts[name]);
    write(button, args.texts.again);
    enable(true);
    again = retry;
  }

  function csrfToken() {
    const cookie = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]*)/);
    return cookie ? decodeURIComponent(cookie[1]) : "";
  }

  function post(handler) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE);
    return fetch(runtime.handlerUrl(element, handler), {
      method: "POST",
      credentials: "same-origin",
      keepalive: true, // a learner who turns the page has clicked all the same
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: "{}",
      signal: abort.signal
    }).finally(() => clearTimeout(timer));
  }

  /* The handler's answer, which has that field; or the name of the text that says why not. */
  async function ask(handler, field) {
    let response;
    try {
      response = await post(handler);
    } catch (error) {
      return "lost";
    }
    if (response.redirected || response.status === 401 || response.status === 403) {
      return "expired";
    }
    try {
      const answer = await response.json();
      return response.ok && field in answer ? answer : "failed";
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
    const answer = await ask(handler, "message");
    busy = false;
    if (typeof answer !== "string") {
      face = answer;
    }
    if (typeof answer === "string" && !quiet) {
      problem(answer, () => send(handler, false));
    } else {
      show();
    }
  }

  function complete() {
    if (args.preview) {
      say("blocked", args.preview);
    } else if (face.active) {
      send("complete", false);
    }
  }

  button.addEventListener("click", () => (again || complete)());

  /* Completed by being seen: half of the block, or half of the window, in a tab that is shown. What
     counts is the time in all, however often it is scrolled away; nothing is said meanwhile. */
  function watch() {
    const meter = bar.querySelector("progress");
    let inView = false;
    let counting = false;
    let last = 0;
    let seen = 0; // milliseconds

    function look() {
      const now = performance.now();
      if (counting) {
        seen += Math.min(now - last, 2 * TICK); // no more for a machine that was asleep
      }
      last = now;
      counting = inView && document.visibilityState === "visible";
      meter.value = Math.floor(seen / 1000);
      if (!toDo() || !box.isConnected) {
        stop();
      } else if (seen >= args.seconds * 1000) {
        stop();
        complete();
      }
    }

    function stop() {
      clearInterval(timer);
      eye.disconnect();
      document.removeEventListener("visibilitychange", look);
    }

    const eye = new IntersectionObserver(
      (entries) => {
        const entry = entries[entries.length - 1];
        const half = (entry.rootBounds ? entry.rootBounds.height : window.innerHeight) / 2;
        inView = entry.intersectionRatio >= 0.5 || entry.intersectionRect.height >= half;
        look();
      },
      { threshold: [0, 0.25, 0.5, 0.75, 1] }
    );
    const timer = setInterval(look, TICK);
    document.addEventListener("visibilitychange", look);
    eye.observe(box);
  }

  /* Completed by the embedded page. It is loaded when the block comes near, with a token that was
     issued just then. Only that very page is listened to, and only about this grain. */
  function embed() {
    const frame = document.createElement("iframe");
    frame.title = find("title").textContent;
    frame.name = "progress-bridge:" + args.grain; // by which its page knows it from other blocks'
    frame.allow = "fullscreen; autoplay; clipboard-write";
    // Its own origin is kept (messages are checked by it); it may not lead the course's page away.
    frame.sandbox =
      "allow-scripts allow-same-origin allow-forms allow-popups " +
      "allow-popups-to-escape-sandbox allow-downloads allow-modals";

    async function launch() {
      const answer = await ask("launch", "url");
      if (!answer.url) {
        problem(typeof answer === "string" ? answer : "failed", launch);
        return;
      }
      show();
      frame.src = answer.url;
      place.append(frame);
    }

    async function renew() {
      const answer = await ask("launch", "url");
      const token = answer.url && answer.url.split("#token=")[1];
      if (token) {
        page.postMessage({ type: "progress-bridge:token", token: token }, site);
      }
    }

    function receive(event) {
      if (!box.isConnected) {
        window.removeEventListener("message", receive);
      } else if (event.origin === site && event.source === frame.contentWindow && event.data) {
        page = event.source;
        heed(event.data);
      }
    }

    function heed(data) {
      if (data.type === "progress-bridge:renew") {
        renew();
      } else if (data.type === "progress-bridge:complete" && data.grain_id === args.grain) {
        if (toDo()) {
          complete();
        }
      }
    }

    const eye = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) {
          eye.disconnect();
          launch();
        }
      },
      { rootMargin: "400px" }
    );
    window.addEventListener("message", receive);
    frame.addEventListener("load", () => {
      page = frame.contentWindow;
      tellPage();
    });
    eye.observe(box);
  }

  function tellPage() {
    if (page) {
      page.postMessage({ type: "progress-bridge:state", state: face.state }, site);
    }
  }

  show();
  if (bar && toDo() && !args.preview) {
    watch();
  }
  if (place) {
    embed();
  }
  if (face.unsent) {
    send("send_pending", true);
  }
}
