/* The page: shows the lessons and the learner's progress, and tells the bridge what is completed. */

import { ProgressBridge } from "/bridge.js";
import { module, sequences } from "./lessons.js";
import { words } from "./words.js";

const bridge = new ProgressBridge({ consent: "guests" });
const asked = new URLSearchParams(location.search).get("lang") ?? navigator.language.slice(0, 2);
const language = asked in words ? asked : "fr";
const say = words[language];
const find = (selector, place = document) => place.querySelector(selector);

/** Completed grains, by id; what `bridge.progress()` told last, and what has happened since. */
let record = new Map();
let recordKnown = true;

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function day(instant) {
  return new Date(instant).toLocaleDateString(language, { dateStyle: "long" });
}

/* --- the page's frame --------------------------------------------------------------------------- */

/** Launched for one grain, as a course embeds it, the page shows that lesson alone. */
function theOne() {
  const all = sequences.flatMap((sequence) => sequence.grains);
  return bridge.grains?.length === 1 ? all.find((grain) => grain.id === bridge.grains[0]) : null;
}

function showFrame(one) {
  document.documentElement.lang = language;
  document.title = one ? one[language].title : module[language].title;
  document.body.classList.toggle("one", Boolean(one));
  find(".skip").textContent = say.skip;
  find(".top__kind").textContent = one ? module[language].title : say.kind;
  find("h1").textContent = document.title;
  find(".top__intro").textContent = one ? "" : module[language].intro;
  find("#consent-title").textContent = say.consentTitle;
  find(".consent p").textContent = say.consentText;
  find(".consent button").textContent = say.consentButton;
  find(".foot button").textContent = say.revoke;
  find(".languages").ariaLabel = say.languages;
  find(".languages").replaceChildren(
    ...Object.entries(words).map(([code, { name }]) => {
      const link = make("a", { href: `?lang=${code}`, lang: code, hreflang: code }, name);
      if (code === language) {
        link.setAttribute("aria-current", "true");
      }
      return link;
    }),
  );
}

/* --- lessons ------------------------------------------------------------------------------------ */

function lesson(grain, sequence) {
  const { text, question, answers } = grain[language];
  const feedback = make("p", { className: "feedback" });
  feedback.setAttribute("role", "status");
  const name = `answer-${grain.id}`;
  const choices = shuffled(answers.map((answer, number) => [answer, number === 0])).map(
    ([answer, right]) => {
      const input = make("input", { type: "radio", name, value: right ? "right" : "wrong" });
      return make("label", { className: "choice" }, input, make("span", {}, answer));
    },
  );
  const form = make(
    "form",
    { className: "question" },
    make("fieldset", {}, make("legend", {}, question), ...choices),
    make("button", { className: "button" }, say.check),
    feedback,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = form.elements[name].value;
    feedback.dataset.tone = chosen === "right" ? "right" : "wrong";
    feedback.textContent = chosen ? say[chosen] : say.choose;
    if (chosen === "right") {
      complete(grain, sequence, feedback);
    }
  });
  return [...text.map((paragraph) => make("p", {}, paragraph)), form];
}

/** In the same order for everybody and for ever, but not the right one first. */
function shuffled(choices) {
  return choices.sort(([a], [b]) => a.length * 7 % 5 - b.length * 7 % 5 || (a < b ? -1 : 1));
}

async function complete(grain, sequence, feedback) {
  try {
    const at = { module: module.id, sequence: sequence.id };
    const outcome = await bridge.complete(grain.id, at);
    const known = bridge.waiting.find((item) => item.grain_id === grain.id);
    const now = { completed_at: new Date().toISOString(), waiting: outcome !== "accepted" };
    record.set(grain.id, record.get(grain.id) ?? known ?? now);
  } catch (error) {
    feedback.dataset.tone = "wrong";
    feedback.textContent = say.failed;
  }
  showProgress();
}

function showLessons(one) {
  const main = find("main");
  if (one) {
    const sequence = sequences.find(({ grains }) => grains.includes(one));
    const state = make("p", { className: "state" });
    const article = make("article", { className: "lesson" }, state, ...lesson(one, sequence));
    article.dataset.grain = one.id;
    main.replaceChildren(article);
    return;
  }
  main.replaceChildren(
    ...sequences.map((sequence, number) => {
      const title = make("h2", { id: sequence.id }, sequence[language]);
      const bar = make("progress", { max: sequence.grains.length, value: 0 });
      bar.ariaLabel = say.barOf(sequence[language]);
      const section = make(
        "section",
        { className: "sequence" },
        make("p", { className: "sequence__number" }, say.sequence(number + 1)),
        title,
        make("div", { className: "bar" }, bar, make("p", { className: "bar__text" })),
        ...sequence.grains.map((grain) => {
          const heading = make("h3", {}, grain[language].title);
          const state = make("span", { className: "state" });
          const summary = make("summary", {}, heading, state);
          const details = make("details", { className: "lesson" }, summary, ...lesson(grain, sequence));
          details.dataset.grain = grain.id;
          return details;
        }),
      );
      section.setAttribute("aria-labelledby", sequence.id);
      section.dataset.sequence = sequence.id;
      return section;
    }),
  );
}

/* --- progress ----------------------------------------------------------------------------------- */

function showProgress() {
  const consent = bridge.state === "consent";
  const waiting = new Set(bridge.waiting.map((item) => item.grain_id));
  for (const place of document.querySelectorAll("[data-grain]")) {
    const done = record.get(place.dataset.grain);
    const state = find(".state", place);
    const kind = !done ? "todo" : consent ? "held" : waiting.has(place.dataset.grain) ? "waiting" : "done";
    place.dataset.state = kind;
    const text = kind === "done" ? say.done(day(done.completed_at ?? Date.now())) : say[kind];
    if (state.textContent !== text) {
      state.textContent = text;
    }
  }
  for (const sequence of sequences) {
    const section = find(`[data-sequence="${sequence.id}"]`);
    if (section) {
      const done = sequence.grains.filter((grain) => record.has(grain.id)).length;
      find("progress", section).value = done;
      find(".bar__text", section).textContent = say.bar(done, sequence.grains.length);
    }
  }
  find(".consent").hidden = !consent;
  find(".foot button").hidden = !["nobody", "guest"].includes(bridge.state);
  find(".foot__who").textContent = say.who[bridge.state];
  const status = find(".foot__status");
  const text = !consent && waiting.size ? say.waitingFor(waiting.size) : recordKnown ? "" : say.unknown;
  if (status.textContent !== text) {
    status.textContent = text;
  }
}

async function refresh() {
  try {
    record = new Map((await bridge.progress()).map((item) => [item.grain_id, item]));
    recordKnown = true;
  } catch (error) {
    recordKnown = false;
    bridge.waiting.forEach((item) => record.set(item.grain_id, item));
  }
  showProgress();
}

/* --- begin -------------------------------------------------------------------------------------- */

let shown; // the lesson that is shown alone; null for all
function begin() {
  const one = theOne() ?? null;
  if (one !== shown) {
    shown = one;
    showFrame(one);
    showLessons(one);
  }
}

begin();
showProgress();
refresh();

let state = bridge.state;
bridge.addEventListener("change", () => {
  begin();
  if (state === bridge.state) {
    showProgress();
  } else {
    state = bridge.state;
    refresh();
  }
});
find(".consent button").addEventListener("click", async () => {
  await bridge.consent();
  find("main").focus();
});
find(".foot button").addEventListener("click", () => {
  bridge.revoke();
  record = new Map();
  showProgress();
  find(".consent button").focus();
});
