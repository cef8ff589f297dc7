/* Progress bridge: records what a page's learner completes, whatever the connection does.

   The learner is who launched the page (`#token=…`), or a guest. Each completion is an entry of
   localStorage until it is recorded: tabs do not get into each other's way.

   What it offers is told in bridge/origins/README.md, "A static page". */

const NAME = "progress-bridge:";
const CONSENT = NAME + "consent";
const GUEST = NAME + "guest";
const LAUNCH = NAME + "launch:" + window.name; // frames of a page share their sessionStorage
const REQUEST_TIMEOUT = 20000; // milliseconds, as all times
const RENEWAL = 5000;
const OVER = "the launch is over: open the page from your course again";
const MAX_BATCH = 50;
const MAX_RETRY_DELAY = 300000;
const ACCEPTED_KEPT = 86400000; // what is accepted is recorded by then

/** What went wrong; its `kind` is a word of the guide. */
export class BridgeError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = "BridgeError";
    this.kind = kind;
  }
}

/** A browser's storage, or memory where it is full or forbidden. */
class Shelf {
  #memory = new Map();
  #area;

  constructor(area) {
    this.#area = () => window[area]; // raises where it is forbidden
  }

  #try(step, otherwise) {
    try {
      return step(this.#area());
    } catch {
      return otherwise?.();
    }
  }

  get(key) {
    // in memory: newer, the area was full
    return this.#memory.get(key) ?? this.#try((area) => area.getItem(key)) ?? null;
  }

  set(key, value) {
    this.#memory.delete(key);
    this.#try(
      (area) => area.setItem(key, value),
      () => this.#memory.set(key, value),
    );
  }

  remove(key) {
    this.#memory.delete(key);
    this.#try((area) => area.removeItem(key));
  }

  keys(prefix) {
    const keys = new Set([...(this.#try(Object.keys) ?? []), ...this.#memory.keys()]);
    return [...keys].filter((key) => key.startsWith(prefix));
  }
}

/** What a token says, unproved, or null. */
function read(token) {
  try {
    const [, body] = token.split(".");
    const bytes = atob(body.replaceAll("-", "+").replaceAll("_", "/"));
    const json = new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
    const { origin, sub: id, grains } = JSON.parse(json);
    return origin && id ? { token, origin, id, grains } : null;
  } catch {
    return null;
  }
}

function text(value, name, optional) {
  if (optional && (value ?? null) === null) {
    return null;
  }
  const stripped = typeof value === "string" ? value.trim() : "";
  if (!stripped || stripped.length > 255) {
    throw new BridgeError("invalid", `${name}: 1 to 255 characters`);
  }
  return stripped;
}

function allows(launch, item) {
  return !launch?.grains || launch.grains.includes(item.grain_id);
}

function earliest(a, b) {
  return (a.completed_at ?? "~") < (b.completed_at ?? "~") ? -1 : 1;
}

/** Dispatches "change" when what it tells may be another. */
export class ProgressBridge extends EventTarget {
  #local = new Shelf("localStorage");
  #session = new Shelf("sessionStorage");
  #service;
  #consentMode;
  #parent;
  #launch = null;
  #expired = false;
  #held = new Map();
  #sending = Promise.resolve();
  #abort = new AbortController();
  #noGuests = false;
  #renewed = () => {};
  #failures = 0;
  #notBefore = 0;
  #timer = 0;

  constructor({ service, consent = "implied", parent = "*" } = {}) {
    super();
    this.#service = new URL(service ? service.replace(/\/*$/, "/") : ".", import.meta.url);
    this.#consentMode = consent;
    this.#parent = parent;
    const token = this.#session.get(LAUNCH);
    if (token !== null) {
      this.#launched(token); // the page was loaded again
    }
    this.#takeFragment();
    window.addEventListener("hashchange", () => this.#takeFragment());
    window.addEventListener("message", (event) => this.#hear(event));
    window.addEventListener("online", () => this.#send(true));
    window.addEventListener("storage", ({ key }) => this.#onStorage(key));
    this.#send();
  }

  get state() {
    if (!this.#consented) {
      return "consent";
    }
    if (this.#launch) {
      return !this.#launch.token ? "unknown" : this.#expired ? "expired" : "launched";
    }
    return this.#guest ? "guest" : "nobody";
  }

  /** The grains that the page was launched for; null for any. */
  get grains() {
    return this.#launch?.grains ?? null;
  }

  /** What is completed and not with the service yet, earliest first. */
  get waiting() {
    return this.#known().filter((grain) => grain.waiting);
  }

  /**
   * The learner has completed the grain, now. What cannot be sent is kept and sent later, even by
   * another page of the site. The answer: "accepted", "waiting", or "held" until `consent()`, in
   * memory. After a `BridgeError` it is not kept, but where the service makes no guests: it waits.
   */
  async complete(grain, { module, sequence } = {}) {
    const item = {
      grain_id: text(grain, "grain"),
      module_id: text(module, "module", true),
      sequence_id: text(sequence, "sequence", true),
      completed_at: new Date().toISOString(),
    };
    if (this.#launch && !this.#launch.token) {
      // The block may know the learner all the same: while a setting of the platform is wrong.
      this.#tellParent("complete", { grain_id: item.grain_id });
      throw new BridgeError("expired", OVER);
    }
    if (!allows(this.#launch, item)) {
      throw new BridgeError("forbidden", "this page was launched for another grain");
    }
    if (!this.#consented) {
      const key = this.#key(grain);
      this.#held.set(key, this.#held.get(key) ?? item);
      this.#changed();
      return "held";
    }
    const { signal } = this.#abort;
    const key = this.#keep(item);
    await this.#send();
    if (signal.aborted) {
      throw new BridgeError("revoked", "it is not kept");
    }
    const { sent, refused } = this.#entry(key) ?? { sent: true };
    if (refused) {
      this.#local.remove(key);
      throw new BridgeError("refused", refused);
    }
    if (!sent && !this.#launch && this.#noGuests) {
      throw new BridgeError("guests", "see service.guests and service.sites");
    }
    return sent ? "accepted" : "waiting";
  }

  /** What the learner has completed, earliest first, with what this browser knows. */
  async progress() {
    const learner = this.#consented ? this.#learner : null;
    const owner = this.#key("");
    const grains = new Map();
    for (let after = ""; learner && after !== null; ) {
      const path = `v1/learners/${learner.origin}/${learner.id}/progress?limit=1000`;
      const page = await this.#page(path + (after && `&after=${encodeURIComponent(after)}`));
      page.items.forEach((row) => grains.set(row.grain_id, { ...row, waiting: false }));
      after = page.next;
    }
    if (owner !== this.#key("")) {
      return this.progress(); // somebody else's by now
    }
    for (const known of this.#known()) {
      if (!grains.has(known.grain_id)) {
        grains.set(known.grain_id, known);
      } else if (!known.waiting) {
        this.#local.remove(this.#key(known.grain_id)); // it has arrived
      }
    }
    return [...grains.values()].sort(earliest);
  }

  /** The learner agrees: what was held is kept and sent from now on. */
  async consent() {
    this.#local.set(CONSENT, "given");
    await this.#onConsent();
  }

  /**
   * The learner no longer agrees: this browser forgets who they were and what waits. What was
   * recorded stays.
   */
  revoke() {
    this.#abort.abort();
    this.#abort = new AbortController();
    clearTimeout(this.#timer);
    const forget = (key) => this.#local.remove(key);
    this.#local.keys(this.#key("")).forEach(forget);
    this.#launch = null;
    this.#local.keys(this.#key("")).forEach(forget);
    forget(GUEST);
    this.#session.keys(NAME + "launch").forEach((key) => this.#session.remove(key));
    this.#held.clear();
    this.#local.set(CONSENT, "revoked");
    this.#changed();
  }

  get #consented() {
    const answer = this.#local.get(CONSENT);
    const fine = { implied: !answer, guests: this.#launch };
    return answer === "given" || Boolean(fine[this.#consentMode]);
  }

  get #guest() {
    return read(this.#local.get(GUEST) ?? "");
  }

  get #learner() {
    return this.#launch ?? this.#guest;
  }

  /** Where a grain is kept: each learner's apart, so that nobody sends another's. */
  #key(grain) {
    const owner = this.#launch ? `${this.#launch.origin}/${this.#launch.id}` : "guest";
    return `${NAME}done:${owner}:${grain}`;
  }

  /** Another tab has changed something. */
  #onStorage(key) {
    if (key === CONSENT && this.#consented) {
      this.#onConsent();
    } else if (key?.startsWith(NAME)) {
      this.#changed();
    }
  }

  /** There is consent, given here or in another tab. */
  #onConsent() {
    this.#takeFragment();
    if (this.#launch) {
      this.#session.set(LAUNCH, this.#launch.token ?? "");
    }
    return this.#send(true);
  }

  /** The token stays in the address until it may be kept: the page may be loaded again. */
  #takeFragment() {
    const [address, hash = ""] = location.href.split("#");
    const isToken = (part) => part.startsWith("token=");
    const token = hash.split("&").find(isToken)?.slice(6);
    if (token === undefined) {
      return;
    }
    this.#launched(token);
    if (this.#consented) {
      const rest = hash.split("&").filter((part) => !isToken(part)).join("&");
      history.replaceState(history.state, "", address + (rest && `#${rest}`));
    }
  }

  /** The page is the token's learner's; nobody's when it cannot be read. */
  #launched(token) {
    const learner = read(token);
    this.#launch = learner ?? {};
    this.#expired = !learner;
    if (this.#consented) {
      this.#session.set(LAUNCH, token);
    }
    this.#send(true);
  }

  /** A new token from the embedding page, for the same learner. */
  #hear({ source, origin, data }) {
    if (source !== window.parent || source === window || data?.type !== NAME + "token") {
      return;
    }
    const learner = read(data.token);
    const same = learner?.id === this.#launch?.id && learner?.origin === this.#launch?.origin;
    if (learner && same && ["*", origin].includes(this.#parent)) {
      this.#launched(learner.token);
      this.#renewed();
    }
  }

  #tellParent(type, more) {
    if (this.#launch && window.parent !== window) {
      window.parent.postMessage({ type: NAME + type, ...more }, this.#parent);
    }
  }

  /** Whether the embedding page gave a new token in time. */
  #renew() {
    const before = this.#launch.token;
    if (window.parent === window) {
      return false;
    }
    return new Promise((resolve) => {
      this.#renewed = () => resolve(this.#launch?.token !== before);
      setTimeout(this.#renewed, RENEWAL);
      this.#tellParent("renew");
    });
  }

  #changed = () => this.dispatchEvent(new Event("change"));

  #keep(item) {
    const key = this.#key(item.grain_id);
    const known = this.#entry(key);
    if (!known || known.refused) {
      this.#local.set(key, JSON.stringify(item));
    }
    this.#tellParent("complete", { grain_id: item.grain_id });
    this.#changed();
    return key;
  }

  #entry(key) {
    try {
      return JSON.parse(this.#local.get(key));
    } catch {
      return null;
    }
  }

  /** What is held of this learner: each a key and an item. */
  #mine() {
    return [...this.#held].filter(([key]) => key.startsWith(this.#key("")));
  }

  /** This learner's completions as this browser knows them. */
  #known() {
    if (!this.#consented) {
      return this.#mine().map(([, item]) => ({ ...item, waiting: true }));
    }
    const grains = [];
    for (const key of this.#local.keys(this.#key(""))) {
      const { sent, refused, ...item } = this.#entry(key) ?? { sent: 1 };
      if (sent && Date.now() - sent > ACCEPTED_KEPT) {
        this.#local.remove(key);
      } else if (!refused) {
        grains.push({ ...item, waiting: !sent });
      }
    }
    return grains.sort(earliest);
  }

  /** Send what waits, after what is being sent. Does not fail. */
  #send(now = false) {
    if (now) {
      this.#notBefore = 0;
    }
    this.#sending = this.#sending
      .then(() => this.#sendLocked())
      .catch(() => this.#later())
      .finally(this.#changed);
    return this.#sending;
  }

  /** One tab at a time, where the browser can see to that. */
  async #sendLocked() {
    if (!this.#consented) {
      return;
    }
    for (const [key, item] of this.#mine()) {
      this.#held.delete(key);
      this.#keep(item);
    }
    if (Date.now() < this.#notBefore || !this.waiting.length) {
      return;
    }
    try {
      await navigator.locks.request(this.#key(""), () => this.#drain());
    } catch (error) {
      if (navigator.locks && error.name !== "SecurityError") {
        throw error;
      }
      await this.#drain(); // no locks in this browser or frame
    }
  }

  async #drain() {
    const { signal } = this.#abort;
    while (this.#goesOn(signal) && !this.#expired) {
      const launch = this.#launch;
      const items = this.waiting.filter((item) => allows(launch, item)).slice(0, MAX_BATCH);
      if (!items.length || !(await this.#ensureLearner(signal))) {
        return;
      }
      if (launch !== this.#launch) {
        continue; // these are another learner's
      }
      const entries = items.map(({ waiting, ...item }) => [this.#key(item.grain_id), item]);
      if (!(await this.#deliver(entries, this.#learner.token, signal))) {
        return;
      }
      this.#failures = 0;
    }
  }

  /** Not once the learner has revoked, here or in another tab. */
  #goesOn(signal) {
    return !signal.aborted && this.#consented;
  }

  /** Another tab may have made a guest meanwhile. */
  async #ensureLearner(signal) {
    if (this.#learner) {
      return true;
    }
    const answer = await this.#request("v1/guests", { method: "POST" }, signal);
    const token = answer.status === 201 && this.#goesOn(signal) && answer.data?.token;
    this.#noGuests = [403, 404].includes(answer.status);
    if (token && !this.#guest) {
      this.#local.set(GUEST, token); // else another tab was quicker, without locks
    }
    if (!token) {
      this.#later(answer);
    }
    return Boolean(token);
  }

  /** Whether something came of it, so that the next ones can go. */
  async #deliver(entries, token, signal) {
    const how = {
      method: "POST",
      token,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(entries.map(([, item]) => item)),
    };
    const answer = await this.#request("v1/completions", how, signal);
    const { status, data } = answer;
    if (!this.#goesOn(signal)) {
      return false;
    }
    if (status === 401) {
      return this.#refused(token);
    }
    if (data?.results?.length === entries.length) {
      entries.forEach((entry, n) => this.#settle(...entry, data.results[n]));
      return true;
    }
    // A problem of ours, not of something in between.
    if (![400, 403, 413, 422].includes(status) || data?.status !== status) {
      this.#later(answer);
      return false;
    }
    if (entries.length === 1) {
      this.#settle(...entries[0], { rule: data.detail });
      return true;
    }
    for (const entry of entries) {
      if (!(await this.#deliver([entry], token, signal))) {
        return false;
      }
    }
    return true;
  }

  #settle(key, item, { status, field, rule, value }) {
    const put = (more) => this.#local.set(key, JSON.stringify({ ...item, ...more }));
    if (status === "accepted") {
      put({ sent: Date.now() });
    } else if (field === "completed_at" && item.completed_at) {
      put({ completed_at: null }); // this computer's clock is wrong: the service's counts
    } else {
      const refused = [field, rule, value].filter(Boolean).join(": ");
      put({ refused, sent: Date.now() });
      console.error(`progress bridge: ${item.grain_id} is refused: ${refused}`);
    }
  }

  /** The service refuses the token. Is there another now? */
  async #refused(token) {
    if (this.#launch) {
      const renewed = this.#launch.token !== token || (await this.#renew());
      this.#expired = !renewed;
      return renewed;
    }
    if (this.#guest?.token === token) {
      this.#local.remove(GUEST);
    }
    this.#later(); // and then as a new guest
    return false;
  }

  /** Try again: later each time, or when the service says. */
  #later(answer) {
    const asked = Math.min((answer?.retryAfter || 0) * 1000, MAX_RETRY_DELAY);
    const longest = Math.min(2000 * 2 ** this.#failures, MAX_RETRY_DELAY);
    this.#failures += 1;
    this.#notBefore = asked && Date.now() + asked;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(true), asked || longest * (0.5 + Math.random() / 2));
  }

  async #page(path) {
    for (let again = true; this.#learner?.token; again = false) {
      const { token } = this.#learner;
      const { signal } = this.#abort;
      const { status, data } = await this.#request(path, { token }, signal).catch(() => ({}));
      if (status === 200 && data) {
        return data;
      }
      if (status !== 401) {
        throw new BridgeError("unavailable", `the service answers ${status ?? "nothing"}`);
      }
      if (!again || !(await this.#refused(token))) {
        break;
      }
    }
    throw new BridgeError("expired", OVER);
  }

  /** The whole answer, in time. */
  async #request(path, { token, headers, ...how }, signal) {
    const abort = new AbortController();
    const end = () => abort.abort();
    const timer = setTimeout(end, REQUEST_TIMEOUT);
    signal.addEventListener("abort", end);
    try {
      const response = await fetch(new URL(path, this.#service), {
        ...how,
        headers: { ...headers, ...(token && { Authorization: `Bearer ${token}` }) },
        credentials: "omit",
        cache: "no-store",
        keepalive: how.body?.length < 15000, // outlives the tab; 64 kB at most
        signal: abort.signal,
      });
      const retryAfter = Number(response.headers.get("Retry-After"));
      const data = await response.json().catch(() => null);
      const foreign = response.status === 401 && data?.status !== 401; // of something in between
      return { status: foreign ? 502 : response.status, retryAfter, data };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }
}
