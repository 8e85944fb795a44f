// What several screens show: call buttons, the bar, the notices, the foot.

import { button, h } from "./dom.js";
import { isBegun } from "./walk.js";

/** The contacts of a call that have a number, the first one first; the building's own come from the desk. */
export function callable(app, ids) {
  return ids
    .map((id) => {
      const contact = app.content.data.contacts[id];
      const own = app.site?.contacts?.[id] ?? null;
      return { id, label: contact.label, detail: contact.detail, phone: own ?? contact.phone };
    })
    .filter((contact) => contact.phone);
}

/** One call button; in a drill a sentence in its place, since nobody is called. */
export function callButton(app, ids) {
  const { content } = app;
  const [first, ...others] = callable(app, ids);
  if (!first) return null;
  const number = h("bdi", { dir: "ltr" }, first.phone);
  const label = [h("span", {}, content.text(first.label)), " ", number];
  const one = app.walk?.drill
    ? h("p.button.nocall", {}, h("span", {}, content.word("drill-no-call")), " ", label)
    : h("a.button.call", { href: `tel:${first.phone.replace(/[^+0-9]/gu, "")}` }, label);
  const rest = others.length && !app.walk?.drill
    ? h("details.others", {}, h("summary", {}, content.word("other-contact")), others.map((other) => h("p", {},
      h("a.button.plain", { href: `tel:${other.phone.replace(/[^+0-9]/gu, "")}` },
        content.text(other.label), " ", h("bdi", { dir: "ltr" }, other.phone)))))
    : null;
  return h("div.calls", {}, one, content.tag(first.label), rest);
}

/** A list of texts under a heading. What a visitor may see can be shown large. */
export function section(app, name, kind, ids) {
  if (ids.length === 0) return null;
  const { content } = app;
  const all = ids.every((id) => !content.reviewed(id));
  const list = kind === "do" ? "ol" : "ul";
  return h(`section.${kind}`, {},
    h("h2", {}, content.word(name)),
    all ? content.tag(...ids) : null,
    h(list, { role: "list" }, ids.map((id) => h("li", {},
      content.text(id), all ? null : content.tag(id), showButton(app, id)))));
}

export function showButton(app, id) {
  if (!app.content.forPublic(id)) return null;
  return button("plain small noprint", app.content.word("show"), () => app.show([id]), {
    "aria-label": `${app.content.wordText("show")}: ${app.content.plain(id)}`,
  });
}

/** What stands above every screen: the place, a drill, the network, the order being a sample. */
export function bar(app) {
  const { content } = app;
  const place = app.place ? h("span.where", {}, app.site?.name ?? content.text(app.place.name)) : null;
  return h("header.bar", {},
    place,
    app.walk?.drill ? h("strong.chip.drill", {}, content.word("drill-tag")) : null,
    app.online ? null : h("span.chip.offline", {}, content.word("offline")),
    content.wordsReviewed ? null : h("span.chip.unreviewed", {}, content.wordText("unreviewed")));
}

/** Warnings: a record that waits, a phone that keeps nothing, rows that can't be read, a drill, a sample. */
export function notices(app) {
  const { content } = app;
  const lines = [];
  if (content.data.order.sample) lines.push(h("p.notice.sample", {}, content.word("sample")));
  if (app.walk?.drill) {
    const notice = content.data.drill.notice;
    lines.push(h("p.notice.drill", {}, content.text(notice), content.tag(notice)));
  }
  if (!app.vault.lasting) lines.push(h("p.notice.warning", {}, content.word("no-store")));
  if (app.unreadable > 0) lines.push(h("p.notice.warning", {}, content.word("unreadable")));
  if (app.unsent.length > 0 && app.screen !== "filed") {
    lines.push(h("p.notice.warning.unsent", {}, content.word("unsent"), " ",
      button("plain small", content.word("look"), () => app.go("filed", { visit: app.unsent[0].id }))));
  }
  return lines.length ? h("aside.notices", { "aria-label": content.wordText("notices") }, lines) : null;
}

/** Below every screen: the first screen, the language, print. */
export function foot(app) {
  const { content } = app;
  const options = content.data.languages.map((each) => h("option", {
    value: each.code, lang: each.code, selected: each.code === content.language,
  }, each.name));
  const select = h("select", { id: "language", onchange: () => app.speak(select.value) }, options);
  const begun = app.walk && app.place && isBegun(app.place, app.walk);
  return h("footer.foot", {},
    h("div.row", {},
      h("label", { for: "language" }, content.word("language")),
      select),
    h("div.row", {},
      app.screen === "home" || app.screen === "places" ? null : button("plain small", content.word(begun ? "put-away" : "start-again"), () => app.leave()),
      button("plain small", content.word("print"), () => print())),
    h("p.version", {}, content.word("version"), " ", h("bdi", { dir: "ltr" }, content.data.version.slice(0, 8)), " · ",
      content.word(app.ready ? "ready" : "not-ready")));
}
