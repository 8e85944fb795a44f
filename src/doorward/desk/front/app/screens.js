// The screens of a protocol. Each returns {title, nodes}: the heading gets the focus, the rest is read in its order.

import { button, h } from "./dom.js";
import { callButton, section, showButton } from "./parts.js";
import { answer, currentStep, isBegun, longestFrom } from "./walk.js";

/** Which kind of place the phone stands at. */
export function places(app) {
  const { content } = app;
  return {
    title: content.word("choose-place"),
    plain: content.wordText("choose-place"),
    nodes: h("ul.options", { role: "list" }, content.data.places.map((place) => h("li", {},
      button("option", content.text(place.name), () => app.choosePlace(place.id)), content.tag(place.name)))),
  };
}

/** The first screen: one sentence, where to wait, one call, begin. */
export function home(app) {
  const { content, place } = app;
  const { first } = place;
  return {
    title: content.text(first.sentence),
    plain: content.plain(first.sentence),
    tag: content.tag(first.sentence),
    nodes: [
      h("p.wait", {}, h("strong", {}, content.word("where-to-wait")), " ", content.text(first.wait),
        content.tag(first.wait), showButton(app, first.wait)),
      callButton(app, first.call),
      h("p.noprint", {}, button("primary", content.word("begin"), () => app.begin(false))),
      unfinished(app),
      receipts(app),
      app.updateWaits ? h("section.notice", {}, h("p", {}, content.word("update-here")), h("p", {},
        button("plain", content.word("update-take"), () => app.update()))) : null,
      more(app),
    ],
  };
}

function unfinished(app) {
  const { content } = app;
  return app.drafts.map((draft) => {
    const place = content.place(draft.place);
    const begun = draft.opened !== null;
    return h("section.notice.warning", {},
      h("p", {}, content.word(begun ? "unfinished" : "unfinished-walk", { time: content.time(draft.opened ?? draft.created) }),
        " ", place ? content.text(place.name) : null,
        draft.drill ? [" ", h("strong.chip.drill", {}, content.word("drill-tag"))] : null),
      h("p.row", {},
        button("plain", content.word("go-on"), () => app.resume(draft.id)),
        // A record of something that happened is filed, however little stands in it; only drills are thrown away.
        begun && !draft.drill ? null : button("plain", content.word("throw-away"), () => app.throwAway(draft.id))));
  });
}

function receipts(app) {
  const { content } = app;
  return app.receipts.map((receipt) => h("section.notice.good", {},
    h("p", {}, content.word("sent-title"), " ", content.word("receipt"), ": ",
      h("bdi.entry", { dir: "ltr" }, receipt.entry), " (", content.time(receipt.received), ")"),
    h("p", {}, button("plain", content.word("receipt-noted"), () => app.noted(receipt.id)))));
}

function more(app) {
  const { content, place } = app;
  const untrained = content.data.drill.offered && app.trainedFor !== content.data.training;
  return h("details.more.noprint", {},
    h("summary", {}, content.word("more")),
    content.data.drill.offered ? h("p", {}, button("plain", content.word("drill-begin"), () => app.begin(true))) : null,
    untrained ? h("p.help", {}, content.word("trained-hint")) : null,
    content.data.cards.map((card) => h("p", {},
      button("plain", [content.word("show"), ": ", content.text(card.title)], () => app.show([card.title, ...card.lines])))),
    h("p", {}, button("plain", content.word("paper-form"), () => app.go("paper"))),
    h("p", {}, button("plain", content.word("enrol-title"), () => app.go("enrol"))),
    app.site || content.data.places.length < 2 ? null
      : h("p", {}, button("plain", content.word("choose-place"), () => app.go("places"))),
    place.adopted ? h("p.help", {}, [place.adopted.by, place.adopted.on, place.adopted.act].join(" · ")) : null);
}

/** One step: what to do, to say, never to do; one call; one decision. */
export function step(app) {
  const { content, place, walk } = app;
  const id = currentStep(place, walk);
  const body = place.steps[id];
  const number = walk.cursor + 1;
  const most = walk.cursor + longestFrom(place, id);
  const begun = isBegun(place, walk);
  return {
    title: content.text(body.title),
    plain: content.plain(body.title),
    tag: content.tag(body.title),
    before: [
      h("p.progress", {}, content.word("progress", { n: number, m: most }), " · ", content.word(`by-${body.by}`)),
      h("progress", { max: most, value: number, "aria-hidden": "true" }),
    ],
    said: content.wordText("progress", { n: number, m: most }),
    nodes: [
      section(app, "do", "do", body.do),
      section(app, "say", "say", body.say),
      section(app, "never-here", "never", body.never),
      callButton(app, body.call),
      ways(app, body),
      body.kind === "end" ? ending(app, body) : null,
      h("p.row.noprint", {},
        button("plain", content.word("back"), () => app.back()),
        begun && body.kind !== "end" ? button("plain", content.word("write"), () => app.go("record")) : null),
      never(app),
      sources(app, body),
    ],
  };
}

function ways(app, body) {
  const { content, place, walk } = app;
  const shownStep = currentStep(place, walk);
  const choose = (option) => {
    if (currentStep(place, walk) !== shownStep) return undefined; // another answer came first
    answer(place, walk, option, new Date().toISOString());
    return app.onward();
  };
  if (body.kind === "do") return h("p.noprint", {}, button("primary", content.word("next"), () => choose(null)));
  if (body.kind !== "decide") return null;
  const labels = body.options.map((option) => option.label);
  const all = labels.every((id) => !content.reviewed(id));
  return [
    all ? content.tag(...labels) : null,
    h("ul.options", { role: "list" }, body.options.map((option, index) => h("li", {},
      button("option", content.text(option.label), () => choose(index)),
      all ? null : content.tag(option.label)))),
  ];
}

function ending(app, body) {
  const { content, place, walk } = app;
  if (body.record) {
    return h("div.noprint", {}, h("p", {}, content.word("record-open")),
      h("p", {}, button("primary", content.word("write"), () => app.go("record"))));
  }
  const trained = walk.drill ? h("p.help", {}, content.word("drill-over")) : null;
  return h("div.noprint", {}, h("p", {}, content.word("no-record")), trained,
    h("p", {}, button("primary", content.word("done"), () => app.done(place))));
}

function never(app) {
  const { content, place } = app;
  return h("details.never", {},
    h("summary", {}, content.word("never")),
    content.tag(...place.never),
    h("ul", {}, place.never.map((id) => h("li", {}, content.text(id)))));
}

function sources(app, body) {
  const { data } = app.content;
  return h("details.sources", {},
    h("summary", {}, app.content.word("why")),
    h("ul", { lang: "en", dir: "ltr" },
      body.cite.map((id) => h("li", {}, `${data.clauses[id]} (${id})`)),
      body.guidance.map((id) => h("li", {}, data.guidance[id].title))));
}

/** Texts large, for a visitor: each in a reviewed language, or in English. */
export function shown(app) {
  const [title, ...lines] = app.showing.map((id) => app.content.forPublic(id));
  const as = ({ text, lang, dir }, tag) => h(tag, { lang, dir }, text);
  return {
    title: as(title, "span"),
    plain: title.text,
    nodes: [
      lines.map((line) => as(line, "p")),
      h("p.noprint", {}, button("plain", app.content.word("close"), () => app.back())),
    ],
  };
}
