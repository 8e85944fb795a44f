// The screens of a record: write it, look it over, what became of it; the phone's place; the same form on paper.

import { button, h } from "./dom.js";
import { faultWord, fieldNode, faultsOf, shownValue } from "./form.js";
import { fills } from "./walk.js";

const MORE_LINES = 4;

/** The fields of the record. */
export function record(app) {
  const { content, place, walk } = app;
  const form = place.record;
  const filled = fills(place, walk);
  const faults = new Map(walk.faults.map((fault) => [fault.field, fault]));
  return {
    title: content.text(form.title),
    plain: content.plain(form.title),
    tag: content.tag(form.title),
    before: [h("p.progress", {}, content.word("opened-at", { time: content.time(walk.opened) }))],
    nodes: [
      faultList(app, faults),
      h("form", { novalidate: true, autocomplete: "off", onsubmit: (event) => { event.preventDefault(); check(app); } },
        form.fields.map((field) => fieldNode(content, field, walk, filled, {
          fault: faults.get(field.id), onEdit: () => app.edited(),
        })),
        walk.drill ? trainedNode(app) : null,
        h("p.noprint", {}, h("button.button.primary", { type: "submit" }, content.word("check")))),
      h("p.row.noprint", {}, button("plain", content.word("back"), () => app.back())),
    ],
  };
}

function trainedNode(app) {
  const { content, walk } = app;
  const box = h("input", { type: "checkbox", id: "trained", checked: walk.trained, onchange: () => {
    walk.trained = box.checked;
    app.edited();
  } });
  return h("div.field", {}, h("label.tick", { for: "trained" }, box, h("span", {}, content.word("trained"))));
}

function faultList(app, faults) {
  if (faults.size === 0) return null;
  const { content, place, walk } = app;
  const missing = walk.faults.filter((fault) => fault.code === "missing");
  const general = walk.faults.filter((fault) => !place.record.fields.some((field) => field.id === fault.field));
  const line = (field) => h("li", {}, h("a", { href: `#field-${field.id}`, onclick: (event) => {
    event.preventDefault();
    document.getElementById(`field-${field.id}`).focus();
  } }, content.text(field.label)), " – ", faultWord(content, faults.get(field.id).code));
  return h("section.notice.warning.faults", { tabindex: "-1", id: "faults", role: "group", "aria-labelledby": "faults-title" },
    h("h2", { id: "faults-title" }, content.word("look-again")),
    general.map((fault) => h("p", {}, faultWord(content, fault.code))),
    h("ul", {}, place.record.fields.filter((field) => faults.has(field.id)).map(line)),
    missing.length ? h("p", {}, button("plain", content.word("all-unknown"), () => {
      walk.unknown.push(...missing.map((fault) => fault.field));
      walk.faults = walk.faults.filter((fault) => fault.code !== "missing");
      app.edited();
      check(app);
    })) : null);
}

/** Look over what is missing or must not stand there; only then the summary. */
export async function check(app) {
  const { content, place, walk } = app;
  walk.faults = faultsOf(content, place, walk);
  await app.save();
  if (walk.faults.length === 0) return app.go("check");
  app.render();
  document.getElementById("faults").focus();
  return undefined;
}

/** The record as it will be filed. */
export function summary(app) {
  const { content, place, walk } = app;
  const filled = fills(place, walk);
  let pressed = false;
  const file = button("primary", content.word("file"), async () => {
    if (pressed) return;
    pressed = true;
    file.disabled = true;
    await app.file();
  });
  return {
    title: content.word("check"),
    plain: content.wordText("check"),
    nodes: [
      h("dl.summary", {}, place.record.fields.map((field) => h("div", {},
        h("dt", {}, content.text(field.label)), h("dd", {}, shownValue(content, field, walk, filled))))),
      h("p.help", {}, content.word("file-hint")),
      h("p.noprint", {}, file),
      h("p.row.noprint", {}, button("plain", content.word("change"), () => app.back())),
    ],
  };
}

/** What became of a filed record. */
export function filed(app) {
  const { content } = app;
  const receipt = app.receipts.find((each) => each.id === app.visit);
  if (receipt) {
    return {
      title: content.word("sent-title"),
      plain: content.wordText("sent-title"),
      kind: "sent",
      nodes: [
        receipt.drill ? h("p", {}, h("strong.chip.drill", {}, content.word("drill-tag"))) : null,
        h("p", {}, content.word("receipt"), ": ", h("bdi.entry", { dir: "ltr" }, receipt.entry)),
        h("p", {}, content.time(receipt.received)),
        h("p", {}, content.word("sent-deleted")),
        h("p.noprint", {}, button("primary", content.word("receipt-noted"), () => app.noted(receipt.id))),
      ],
    };
  }
  const waits = app.unsent.find((each) => each.id === app.visit);
  if (!waits) return given(app);
  const known = { enrol: "kept-enrol", refused: "kept-refused" }[waits.state];
  const why = !app.online ? "kept-offline" : known ?? (waits.attempts > 0 ? "kept-again" : "sending");
  return {
    title: content.word("kept-title"),
    plain: content.wordText("kept-title"),
    kind: `kept ${waits.state}`,
    nodes: [
      h("p", {}, content.word(why)),
      waits.state === "enrol" ? h("p", {}, button("primary", content.word("enrol-title"), () => app.go("enrol"))) : null,
      h("p", {}, button("plain", content.word("try-now"), () => app.tryNow())),
      h("p", {}, button("plain", content.word("done"), () => app.done())),
    ],
  };
}

/** It is a draft again, because the desk found something; or it is gone. */
function given(app) {
  const { content } = app;
  const draft = app.drafts.find((each) => each.id === app.visit);
  return {
    title: content.word(draft ? "look-again" : "sent-title"),
    plain: content.wordText(draft ? "look-again" : "sent-title"),
    nodes: h("p", {}, draft
      ? button("primary", content.word("go-on"), () => app.resume(draft.id))
      : button("primary", content.word("done"), () => app.done())),
  };
}

/** Give the phone its place with a code that the desk shows. */
export function enrol(app) {
  const { content } = app;
  const input = h("input", {
    type: "text", id: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", dir: "ltr",
    maxlength: "20", "aria-describedby": "code-said",
  });
  const said = h("p.fault", { id: "code-said", role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    said.replaceChildren();
    const outcome = await app.enrol(input.value);
    if (outcome !== "enrolled") said.replaceChildren(...[content.word(`enrol-${outcome}`)].flat());
  };
  return {
    title: content.word("enrol-title"),
    plain: content.wordText("enrol-title"),
    nodes: [
      app.site ? h("p", {}, content.word("enrolled", { name: app.site.name })) : null,
      h("form", { novalidate: true, onsubmit: submit },
        h("p", {}, content.word("enrol-text")),
        h("div.field", {}, h("label.name", { for: "code" }, content.word("enrol-code")), input, said),
        h("p", {}, h("button.button.primary", { type: "submit" }, content.word("enrol-do")))),
      h("p.row", {}, button("plain", content.word("back"), () => app.back())),
    ],
  };
}

/** The same fields, empty, to print. */
export function paper(app) {
  const { content, place } = app;
  const form = place.record;
  const lines = (count) => Array.from({ length: count }, () => h("div.line", { "aria-hidden": "true" }));
  const blank = (field) => (field.choices.length
    ? h("ul.boxes", { role: "list" }, field.choices.map((choice) => h("li", {}, content.text(choice.label))))
    : lines(field.kind === "lines" ? MORE_LINES : 1));
  return {
    title: content.text(form.title),
    plain: content.plain(form.title),
    kind: "paper-form",
    nodes: [
      h("p", {}, content.text(place.name), " · ", h("bdi", { dir: "ltr" }, content.data.version.slice(0, 8))),
      form.fields.map((field) => h("section.blank", {},
        h("h2", {}, content.text(field.label), " ", h("span.need", {}, content.word(`need-${field.need}`))),
        field.help ? h("p.help", {}, content.text(field.help)) : null,
        blank(field))),
      h("p.row.noprint", {},
        button("primary", content.word("print"), () => print()),
        button("plain", content.word("back"), () => app.back())),
    ],
  };
}
