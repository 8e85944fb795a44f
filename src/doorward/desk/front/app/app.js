// The front desk's app: what is open, where one is, what stands on the screen. The rules are in walk.js and form.js, what
// is kept in vault.js, what is sent in outbox.js.

import { Content } from "./content.js";
import { h } from "./dom.js";
import * as filing from "./filing.js";
import { bodyOf } from "./form.js";
import { Outbox } from "./outbox.js";
import { bar, foot, notices } from "./parts.js";
import * as screens from "./screens.js";
import { Vault } from "./vault.js";
import { forgetVersions, holdVersion, holdVisit, keepVersion, takeUpdate, watchVersions } from "./versions.js";
import { isBegun, moveTo, newWalk } from "./walk.js";

const SAVE_AFTER_MS = 250;
const AWAY_MS = 300_000; // a phone that lay dark for so long is somebody else's when it wakes
const SCRATCH_MS = 43_200_000; // a walk that opened no record, and a drill, are scratch: gone after half a day
const SCREENS = { places: screens.places, home: screens.home, step: screens.step, shown: screens.shown, ...filing,
  check: filing.summary };
const OF_A_WALK = new Set(["step", "record", "check"]);
const part = (id) => document.getElementById(id);

class App {
  async open() {
    this.base = document.documentElement.dataset.base;
    this.online = navigator.onLine;
    const [vault, own] = await Promise.all([Vault.open(), Content.load(this.base, this.firstLanguage())]);
    Object.assign(this, { vault, own, content: own, walk: null, screen: "home", ready: false, updateWaits: false });
    this.outbox = new Outbox(vault, () => this.refresh());
    await this.load();
    this.depth = history.state?.depth ?? 0;
    this.floor = this.depth;
    if (!(await this.reopen(history.state))) this.replace(this.place ? "home" : "places");
    this.listen();
    this.watch();
    this.outbox.send();
  }

  /** The phone's own language where the pack has it: English, and whatever code is the nearest. */
  firstLanguage() {
    const chinese = (tag) => (/^zh-(hant|tw|hk|mo)/iu.test(tag) ? "zh-Hant" : "zh-Hans");
    const [first] = navigator.languages ?? ["en"];
    return first.startsWith("zh") ? chinese(first) : first.split("-")[0];
  }

  listen() {
    addEventListener("popstate", (event) => { // one after the other, however fast they come
      this.arriving = (this.arriving ?? Promise.resolve()).then(() => this.arrive(event.state));
    });
    for (const name of ["online", "offline"]) {
      addEventListener(name, () => { this.online = navigator.onLine; this.refresh(); });
    }
    addEventListener("pagehide", () => this.flush());
    addEventListener("beforeunload", (event) => {
      if (!this.vault.lasting && (this.unsent.length || (this.walk && isBegun(this.place, this.walk)))) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") {
        this.hiddenAt = Date.now();
        this.flush();
      } else if (Date.now() - (this.hiddenAt ?? Date.now()) > AWAY_MS) this.putAway();
    });
  }

  async watch() {
    this.registration = await watchVersions((what) => {
      if (what === "ready") this.ready = true;
      if (what === "update") this.updateWaits = true;
      this.refresh();
    }).catch(() => null); // without a worker the app still works, with a network
  }

  /** Read what the phone keeps. */
  async load() {
    const [drafts, unsent, receipts, site, chosen, trained] = await Promise.all([
      this.vault.all("draft"), this.vault.all("unsent"), this.vault.all("receipt"),
      this.vault.get("site").catch(() => null), this.vault.get("place").catch(() => null),
      this.vault.get("trained").catch(() => null),
    ]);
    const old = (draft) => (draft.opened === null || draft.drill) && Date.now() - Date.parse(draft.created) > SCRATCH_MS;
    await Promise.all(drafts.values.filter(old).map((draft) => this.vault.remove(draft.id)));
    this.drafts = drafts.values.filter((draft) => !old(draft) && draft.id !== this.walk?.id);
    this.unsent = unsent.values;
    this.receipts = receipts.values;
    this.unreadable = drafts.unreadable + unsent.unreadable;
    this.site = site?.value ?? null;
    this.trainedFor = trained?.value.training ?? null;
    if (!this.walk) this.place = this.placeOf(this.site?.place ?? chosen?.value.id);
    navigator.setAppBadge?.(this.unsent.length).catch(() => {}); // a badge is a courtesy of the system
  }

  placeOf(id) {
    const { places } = this.own.data;
    return this.own.place(id) ?? (places.length === 1 ? places[0] : null);
  }

  /** Something changed behind the screen: bring it up to date and leave the focus where it is. */
  async refresh() {
    const sent = this.screen === "filed" && this.receipts.some((each) => each.id === this.visit);
    await this.load();
    if (OF_A_WALK.has(this.screen)) return this.renderAround();
    const now = this.screen === "filed" && this.receipts.some((each) => each.id === this.visit);
    return this.screen === "enrol" || this.screen === "shown" ? undefined : this.render({ focus: now && !sent });
  }

  // Where one is

  state(extra = {}) {
    return { depth: this.depth, screen: this.screen, walk: this.walk?.id ?? null, cursor: this.walk?.cursor ?? 0,
      visit: this.visit ?? null, showing: this.showing ?? null, ...extra };
  }

  go(screen, { visit = null } = {}) {
    Object.assign(this, { screen, visit });
    this.depth += 1;
    history.pushState(this.state(), "");
    this.render();
  }

  replace(screen, { visit = null } = {}) {
    Object.assign(this, { screen, visit });
    history.replaceState(this.state(), "");
    this.render();
  }

  /** Show texts large, for visitors: the first as the heading. */
  show(texts) {
    this.showing = texts;
    this.go("shown");
  }

  /** Go one back: by the browser's own history where it has one of ours, so that its button and this one agree. */
  back() {
    if (this.depth > this.floor) return history.back();
    if (this.screen === "step" && this.walk.cursor > 0) {
      moveTo(this.place, this.walk, this.walk.cursor - 1, new Date().toISOString());
      this.save();
      return this.replace("step");
    }
    if (this.screen === "step") return this.leave();
    return this.replace({ record: "step", check: "record", shown: this.walk ? "step" : "home" }[this.screen] ?? "home");
  }

  /** The browser went somewhere in our history. */
  async arrive(state) {
    this.depth = state?.depth ?? 0;
    const same = this.walk && state?.walk === this.walk.id;
    if (!state || (OF_A_WALK.has(state.screen) && !same)) return this.putAway();
    if (this.walk && !same) await this.letGo();
    if (same) {
      moveTo(this.place, this.walk, state.cursor, new Date().toISOString());
      this.save();
    }
    Object.assign(this, { screen: state.screen, visit: state.visit, showing: state.showing });
    if ((state.screen === "record" || state.screen === "check") && !isBegun(this.place, this.walk)) this.screen = "step";
    await this.load();
    return this.render();
  }

  /** After a reload: the same visit where it was. */
  async reopen(state) {
    if (!state?.walk || !OF_A_WALK.has(state.screen) || !this.drafts.some((draft) => draft.id === state.walk)) return false;
    return this.resume(state.walk, { quiet: true, screen: state.screen });
  }

  // One walk

  async begin(drill) {
    if (this.walk) return;
    const { base, data, language } = this.own;
    const id = crypto.randomUUID();
    this.hold = [holdVersion(), await holdVisit(id)];
    this.walk = newWalk({ id, place: this.place, base, version: data.version, training: data.training, drill,
      created: new Date().toISOString(), language });
    await this.save();
    this.go("step");
  }

  async resume(id, { quiet = false, screen = "step" } = {}) {
    const free = await holdVisit(id);
    if (!free) {
      if (!quiet) this.say("in-other-window");
      return false;
    }
    try {
      const draft = (await this.vault.get(id)).value;
      if (draft.base !== this.base) this.content = await this.older(draft.base);
      this.walk = draft;
      this.place = this.content.place(draft.place);
      this.hold = [free, holdVersion()];
    } catch {
      free();
      this.content = this.own;
      if (!quiet) this.say("unreadable");
      return false;
    }
    await this.load();
    const at = screen === "step" && draftHasFaults(this.walk) ? "record" : screen;
    if (quiet) this.replace(at);
    else this.go(at);
    return true;
  }

  /** The content of an older version, with this version's own words. */
  async older(base) {
    const content = await Content.load(base, this.own.language);
    for (const [code, catalog] of content.catalogs) {
      const { words, unreviewedWords } = this.own.catalogs.get(code) ?? this.own.catalogs.get("en");
      Object.assign(catalog, { words, unreviewedWords });
    }
    content.data.screening = this.own.data.screening;
    return content;
  }

  async onward() {
    await this.save();
    if (isBegun(this.place, this.walk)) {
      keepVersion(this.walk.base, ["en", this.content.language]).catch(() => {}); // then the update waits its turn
    }
    this.go("step");
  }

  /** Something was typed: keep it in a moment. */
  edited() {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save(), SAVE_AFTER_MS);
  }

  flush() {
    if (this.saving) return this.save();
    return undefined;
  }

  async save() {
    clearTimeout(this.saving);
    this.saving = null;
    if (!this.walk) return;
    try {
      if (!(await this.vault.putDraft(this.walk.id, this.walk))) await this.putAway();
    } catch {
      this.say("no-store");
    }
  }

  async file() {
    const { walk, place } = this;
    walk.language = this.content.language;
    await this.save();
    if (this.walk !== walk) return;
    const filed = await this.outbox.file(walk, bodyOf(place, walk, new Date().toISOString()));
    await this.letGo();
    if (filed) this.go("filed", { visit: walk.id });
    else this.go("home");
    this.outbox.send();
  }

  /** Let go of the walk in this window; what is kept of it stays kept. */
  async letGo() {
    await this.flush();
    for (const free of this.hold ?? []) free?.();
    Object.assign(this, { hold: [], walk: null, content: this.own, showing: null });
    await this.load();
    forgetVersions([...this.drafts, ...this.unsent.map((each) => each.walk)].map((each) => each.base)).catch(() => {});
  }

  /** To the first screen, with a record that was begun waiting there. */
  async putAway() {
    await this.letGo();
    this.speakAgain();
    this.replace(this.place ? "home" : "places");
  }

  /** The person is done here: a walk that opened no record is gone; an open record waits on the first screen. */
  async leave() {
    const scratch = this.walk && !isBegun(this.place, this.walk) ? this.walk.id : null;
    clearTimeout(this.saving);
    await this.letGo();
    if (scratch) await this.vault.remove(scratch);
    await this.load();
    this.speakAgain();
    this.go(this.place ? "home" : "places");
  }

  done() {
    return this.leave();
  }

  async throwAway(id) {
    const free = await holdVisit(id);
    if (!free) return this.say("in-other-window");
    const draft = this.drafts.find((each) => each.id === id);
    if (draft && (draft.opened === null || draft.drill)) await this.vault.remove(id);
    free();
    await this.load();
    return this.render();
  }

  async noted(id) {
    await this.vault.remove(`receipt ${id}`);
    await this.load();
    this.speakAgain();
    this.go("home");
  }

  async tryNow() {
    for (const record of this.unsent.filter((each) => each.state === "refused")) {
      await this.vault.put(record.id, "unsent", { ...record, state: "waiting" }, { only: "unsent" });
    }
    await this.outbox.send();
    await this.refresh();
    this.say(this.screen === "filed" && this.unsent.length ? "kept-title" : "sent-title");
  }

  // The phone

  async choosePlace(id) {
    await this.vault.put("place", "place", { id });
    await this.load();
    this.go("home");
  }

  /** Ask the desk for this phone's place: "enrolled", "wrong", "later" or "offline". */
  async enrol(code) {
    // Made here, so that an answer that was lost on its way can be asked for again with the same code.
    this.token ??= btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
      .replace(/\+/gu, "-").replace(/\//gu, "_").replace(/=/gu, "");
    let answer;
    let site;
    try {
      answer = await fetch("enrol", { method: "POST", headers: { "Content-Type": "application/json" }, credentials: "omit",
        cache: "no-store", redirect: "error", signal: AbortSignal.timeout(20_000),
        body: JSON.stringify({ format: 1, code, token: this.token }) });
      if (answer.ok) site = await answer.json();
    } catch {
      return "offline";
    }
    if (!answer.ok) return answer.status === 429 ? "later" : answer.status >= 500 ? "offline" : "wrong";
    await this.vault.put("site", "site", { ...site, token: this.token });
    this.token = null;
    navigator.storage?.persist?.().catch(() => {}); // asked for, not relied on
    await this.load();
    this.go("home");
    this.say("enrolled", { name: this.site.name });
    this.outbox.send();
    return "enrolled";
  }

  async update() {
    if (!(await takeUpdate(this.registration))) this.say("update");
  }

  async speak(language) {
    try {
      await Promise.all([this.own.fetch(language), this.content.fetch(language)]);
    } catch {
      return this.say("offline");
    }
    this.own.use(language);
    this.content.use(language);
    this.render({ focus: false });
    part("language").focus();
    return undefined;
  }

  /** The next person begins in the phone's own language. */
  speakAgain() {
    const first = this.firstLanguage();
    this.own.use(this.own.catalogs.has(first) ? first : "en");
  }

  // The screen

  /** Say a word to whoever listens and show it in a line that goes with the screen. */
  say(name, values = {}) {
    part("said").textContent = this.content.wordText(name, values);
    part("main").querySelector(".said")?.remove();
    part("main").append(h("p.notice.said", {}, this.content.word(name, values)));
  }

  renderAround() {
    const bare = this.screen === "shown";
    part("bar").replaceChildren(...(bare ? [] : [bar(this)]));
    const warnings = bare ? null : notices(this);
    part("notices").replaceChildren(...(warnings ? [warnings] : []));
    part("foot").replaceChildren(...(bare ? [] : [foot(this)]));
  }

  render({ focus = true } = {}) {
    if (OF_A_WALK.has(this.screen) && !this.walk) this.screen = this.place ? "home" : "places";
    const { content } = this;
    Object.assign(document.documentElement, { lang: content.language, dir: content.direction });
    part("skip").textContent = content.wordText("skip");
    const view = SCREENS[this.screen](this);
    const main = part("main");
    const stops = () => [...main.querySelectorAll("a, button, input, select, summary")];
    const folds = () => [...main.querySelectorAll("details")];
    const at = stops().indexOf(document.activeElement);
    const open = focus ? [] : folds().map((each) => each.open);
    const heading = h("h1", { tabindex: "-1", id: "heading" }, view.title);
    main.className = [this.screen, view.kind].filter(Boolean).join(" ");
    main.replaceChildren(...[view.before, heading, view.tag, view.nodes].flat(Infinity).filter(Boolean));
    document.title = view.plain;
    document.body.classList.toggle("drilling", Boolean(this.walk?.drill));
    this.renderAround();
    if (focus) {
      scrollTo(0, 0);
      heading.focus({ preventScroll: true });
      part("said").textContent = view.said ?? "";
      return;
    }
    folds().forEach((each, index) => { each.open = open[index] ?? each.open; });
    if (at >= 0) stops()[at]?.focus({ preventScroll: true });
  }
}

function draftHasFaults(walk) {
  return walk.faults.length > 0;
}

const app = new App();
app.open().catch((error) => {
  part("main").replaceChildren(h("h1", {}, "This can't be opened"),
    h("p", {}, "Use the paper form at the desk, and tell the desk: ", h("code", {}, error.message)));
});
