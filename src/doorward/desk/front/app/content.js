// The protocols of one version and their texts in one language. A text that no person reviewed is shown to staff with
// a tag, is printed in English, and is never shown to the public.

import { h } from "./dom.js";

export const FORMAT = 1;
const SOURCE = "en";

/** Fetch a file of this version; the service worker answers without a network. */
async function fetchJson(url) {
  const answer = await fetch(url); // as the page preloads it
  if (!answer.ok) throw new Error(`expected ${url}, got status ${answer.status}`);
  return answer.json();
}

export class Content {
  /**
   * @param {string} base Where the files of the version stand, relative to the app.
   * @param {object} data The compiled protocols without their texts.
   * @param {Map<string, object>} catalogs The English texts and those of the language in use.
   */
  constructor(base, data, catalogs, language) {
    this.base = base;
    this.data = data;
    this.catalogs = catalogs;
    this.use(language);
  }

  /** Put steps and records that several places share, written once, into each of them. */
  static expand(data) {
    for (const place of data.places) {
      place.record = data.bodies[place.record];
      for (const step of Object.keys(place.steps)) place.steps[step] = data.bodies[place.steps[step]];
    }
    return data;
  }

  static async load(base, language) {
    const data = await fetchJson(`${base}/protocol.json`);
    if (data.format !== FORMAT) throw new Error(`expected format ${FORMAT}, got ${data.format}`);
    const known = data.languages.some((each) => each.code === language) ? language : SOURCE;
    const content = new Content(base, Content.expand(data), new Map(), SOURCE);
    await content.fetch(SOURCE);
    await content.fetch(known);
    content.use(known);
    return content;
  }

  /** Fetch the texts of a language. A language that does not come leaves the one in use. */
  async fetch(language) {
    if (this.catalogs.has(language)) return;
    const catalog = await fetchJson(`${this.base}/texts.${language}.json`);
    const { textIds, wordNames } = this.data;
    const named = (names, texts) => Object.fromEntries(names.map((name, index) => [name, texts[index]]));
    const chosen = (names, which) => new Set(which === true ? names : which.map((index) => names[index]));
    this.catalogs.set(language, {
      texts: named(textIds, catalog.texts),
      words: named(wordNames, catalog.words),
      unreviewed: chosen(textIds, catalog.unreviewed),
      unreviewedWords: chosen(wordNames, catalog.unreviewedWords),
    });
  }

  use(language) {
    this.language = language;
    this.direction = this.data.languages.find((each) => each.code === language)?.direction ?? "ltr";
    this.public = new Set(this.data.public);
  }

  place(id) {
    return this.data.places.find((place) => place.id === id) ?? null;
  }

  /** Whether a text of the pack was reviewed by a person in the language in use. */
  reviewed(id) {
    return !this.catalogs.get(this.language).unreviewed.has(id);
  }

  /** The plain text of the pack in the language in use. */
  plain(id) {
    return this.catalogs.get(this.language).texts[id] ?? this.english(id);
  }

  english(id) {
    return this.catalogs.get(SOURCE).texts[id] ?? id;
  }

  /** Nodes of a text of the pack: the language in use on the screen, a reviewed one on paper. */
  text(id) {
    return this.both(this.plain(id), this.reviewed(id), this.english(id));
  }

  both(here, reviewed, english) {
    if (reviewed) return here;
    return [
      h("span.onscreen", {}, here),
      h("span.onpaper", { lang: SOURCE, dir: "ltr" }, english),
    ];
  }

  /** The tag beside texts of which some are not reviewed, or nothing. */
  tag(...ids) {
    return ids.some((id) => !this.reviewed(id)) ? h("span.tag.unreviewed", {}, this.wordText("unreviewed")) : null;
  }

  /** The language, direction and words to show to the public: English where the language in use is not reviewed. */
  forPublic(id) {
    if (!this.public.has(id)) return null;
    if (this.reviewed(id)) return { text: this.plain(id), lang: this.language, dir: this.direction };
    return { text: this.english(id), lang: SOURCE, dir: "ltr" };
  }

  /** Nodes of one of the app's own words. */
  word(name, values = {}) {
    const own = this.data.words[name];
    const reviewed = own ? this.reviewed(own) : !this.catalogs.get(this.language).unreviewedWords.has(name);
    return this.both(this.wordText(name, values), reviewed, this.wordText(name, values, SOURCE));
  }

  /** One of the app's own words as a text; "{name}" takes a value. */
  wordText(name, values = {}, language = this.language) {
    const own = this.data.words[name];
    const catalog = this.catalogs.get(language);
    const source = this.catalogs.get(SOURCE);
    const text = own ? (catalog.texts[own] ?? source.texts[own]) : (catalog.words[name] ?? source.words[name]);
    return (text ?? name).replace(/\{(\w+)\}/gu, (_, key) => values[key] ?? "");
  }

  get wordsReviewed() {
    return this.catalogs.get(this.language).unreviewedWords.size === 0;
  }

  /** A moment as a person reads it. */
  time(iso) {
    const format = { dateStyle: "medium", timeStyle: "short" };
    return new Intl.DateTimeFormat(this.language, format).format(new Date(iso));
  }
}
