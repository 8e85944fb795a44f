// The fields of a visit record: inputs, what is missing, what must not stand there, and the bytes that are filed.
// No field is ever a reason not to file: what is asked may be marked as not known.

import { button, h } from "./dom.js";
import { fills, valueOf } from "./walk.js";

export const BODY_FORMAT = 1;
const LIMITS = { text: 200, lines: 2000 };
const MAX_NUMBER = 9999;
// Nothing offers to remember what was typed, corrects it, or sends it anywhere to be checked.
const QUIET = { autocomplete: "off", autocorrect: "off", spellcheck: "false" };

/** A local moment as an input of that kind holds it. */
function localNow() {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** A moment of an input, with this phone's offset from UTC. */
export function withOffset(local) {
  const minutes = -new Date(local).getTimezoneOffset();
  const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  return `${local.slice(0, 16)}:00${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

function isEmpty(value) {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** A text as it is looked at for what must not stand there; the desk looks at the same (screening.py). */
export function flattened(text) {
  return text
    .normalize("NFKC")
    .replace(/[\u200b-\u200d\u2060\ufeff\u00ad]/gu, "")
    .replace(/[\u0660-\u0669]/gu, (digit) => String(digit.codePointAt(0) - 0x660))
    .replace(/[\u06f0-\u06f9]/gu, (digit) => String(digit.codePointAt(0) - 0x6f0));
}

/** The code of what must not stand in a text, or null. */
export function screened(screening, field, text) {
  const flat = flattened(text);
  const found = screening.find(
    (each) => !each.skip.includes(field.identifies) && new RegExp(each.pattern, "iu").test(flat),
  );
  return found ? found.code : null;
}

/** Every fault of a record as it stands: [{field, code}]. */
export function faultsOf(content, place, walk) {
  const filled = fills(place, walk);
  const faults = [];
  for (const field of place.record.fields) {
    const value = valueOf(field, walk, filled);
    if (isEmpty(value)) {
      if (field.need === "asked" && !walk.unknown.includes(field.id)) faults.push({ field: field.id, code: "missing" });
    } else {
      const code = faultOf(content, field, value);
      if (code) faults.push({ field: field.id, code });
    }
  }
  return faults;
}

function faultOf(content, field, value) {
  if (field.kind in LIMITS) {
    if ([...value].length > LIMITS[field.kind]) return "too-long";
    return screened(content.data.screening, field, value);
  }
  if (field.kind === "number") return Number.isInteger(value) && value >= 0 && value <= MAX_NUMBER ? null : "value";
  if (field.kind === "time") return new Date(value).getTime() > Date.now() + 60_000 ? "future" : null;
  return null;
}

function plainText(field, value) {
  const kept = value.normalize("NFC").replace(/\r\n?/gu, "\n").replace(/\t/gu, " ");
  // Signs that change how the rest is read, or are none: the desk refuses them, and nobody types them on purpose.
  // eslint-disable-next-line no-control-regex
  const clean = kept.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, "");
  return (field.kind === "text" ? clean.replace(/\n/gu, " ") : clean).toWellFormed?.().trim() ?? clean.trim();
}

/** What is filed; see docs/reference/visit-json.md. */
export function bodyOf(place, walk, filed) {
  const filled = fills(place, walk);
  const values = {};
  for (const field of place.record.fields) {
    const value = valueOf(field, walk, filled);
    if (isEmpty(value)) continue;
    if (field.kind === "time") values[field.id] = withOffset(value);
    else if (field.kind in LIMITS) {
      const text = plainText(field, value);
      if (text) values[field.id] = text;
    } else values[field.id] = value;
  }
  return {
    format: BODY_FORMAT,
    id: walk.id,
    version: walk.version,
    training: walk.training,
    place: walk.place,
    language: walk.language,
    drill: walk.drill,
    trained: walk.trained,
    opened: walk.opened,
    filed,
    clock_offset: walk.clockOffset,
    walk: walk.path.slice(0, walk.cursor).map(({ step, option }) => [step, option]),
    values,
    unknown: place.record.fields.map((field) => field.id).filter((id) => walk.unknown.includes(id) && !(id in values)),
  };
}

/** What a fault says; one that only the desk knows is said in general. */
export function faultWord(content, code) {
  const name = `fault-${code}`;
  return content.word(content.wordText(name) === name ? "fault-value" : name);
}

/** A value as a person reads it back. */
export function shownValue(content, field, walk, filled) {
  const value = valueOf(field, walk, filled);
  if (isEmpty(value)) return content.word(walk.unknown.includes(field.id) ? "not-known" : "empty");
  const label = (id) => content.text(field.choices.find((choice) => choice.id === id)?.label ?? id);
  if (field.kind === "choice") return label(value);
  if (field.kind === "choices") return h("ul.plain", {}, value.map((id) => h("li", {}, label(id))));
  if (field.kind === "time") return content.time(value);
  return h("span.written", { dir: "auto" }, String(value));
}

/**
 * A field with its label, help, "I don't know" and fault.
 * @param {function} onEdit Called after each change of the walk.
 */
export function fieldNode(content, field, walk, filled, { fault, onEdit }) {
  const id = `field-${field.id}`;
  const value = valueOf(field, walk, filled);
  const notes = [];
  const note = (name, kind, nodes) => {
    notes.push(`${id}-${name}`);
    return h(`p.${kind}`, { id: `${id}-${name}` }, nodes);
  };
  const notesShown = [
    fault ? note("fault", "fault", faultWord(content, fault.code)) : null,
    field.help ? note("help", "help", [content.text(field.help), content.tag(field.help)]) : null,
    field.identifies ? note("sealed", "help", content.word("sealed-hint")) : null,
    field.handwritten && !field.help ? note("hand", "help", content.word("by-hand-hint")) : null,
  ];
  const set = (next) => {
    walk.values[field.id] = next;
    if (!isEmpty(next)) mark(false);
    onEdit();
  };
  const described = { "aria-describedby": notes.join(" ") || null, "aria-invalid": fault ? "true" : null };
  const input = inputNode(content, field, value, id, { set, described });
  const unknown = h("input", {
    type: "checkbox",
    id: `${id}-unknown`,
    checked: walk.unknown.includes(field.id),
    onchange: () => {
      mark(unknown.checked);
      if (unknown.checked) {
        walk.values[field.id] = field.kind === "choices" ? [] : "";
        input.clear();
      }
      onEdit();
    },
  });
  const mark = (is) => {
    walk.unknown = walk.unknown.filter((each) => each !== field.id);
    if (is) walk.unknown.push(field.id);
    unknown.checked = is;
  };
  const need = h("span.need", {}, content.word(`need-${field.need}`));
  const label = [content.text(field.label), " ", need];
  const dontKnow = field.need === "asked" && field.id !== "begun"
    ? h("label.tick", { for: unknown.id }, unknown, h("span", {}, content.word("dont-know")))
    : null;
  const inside = [content.tag(field.label), notesShown, input.node, dontKnow];
  return input.grouped
    ? h("fieldset.field", { id, tabindex: "-1", ...described }, h("legend", {}, label), inside)
    : h("div.field", {}, h("label.name", { for: id }, label), inside);
}

function inputNode(content, field, value, id, { set, described }) {
  if (field.kind === "choice" || field.kind === "choices") return choicesNode(content, field, value, id, set);
  const shared = { id, ...QUIET, ...described };
  if (field.kind === "lines") {
    const area = h("textarea", { ...shared, rows: "4", dir: "auto", value: value ?? "", oninput: () => set(area.value) });
    return { node: area, clear: () => { area.value = ""; } };
  }
  if (field.kind === "number") {
    const number = h("input", {
      ...shared, type: "text", inputmode: "numeric", value: value ?? "",
      oninput: () => set(number.value.trim() === "" ? "" : Number(number.value)),
    });
    return { node: number, clear: () => { number.value = ""; } };
  }
  if (field.kind === "time") {
    const time = h("input", { ...shared, type: "datetime-local", value: value ?? "", oninput: () => set(time.value) });
    const now = button("plain small", content.word("now"), () => {
      time.value = localNow();
      set(time.value);
    }, { "aria-label": `${content.wordText("now")}: ${content.plain(field.label)}` });
    return { node: h("div.row", {}, time, now), clear: () => { time.value = ""; } };
  }
  const text = h("input", { ...shared, type: "text", dir: "auto", value: value ?? "", oninput: () => set(text.value) });
  return { node: text, clear: () => { text.value = ""; } };
}

function choicesNode(content, field, value, id, set) {
  const many = field.kind === "choices";
  const inputs = field.choices.map((choice) => h("input", {
    type: many ? "checkbox" : "radio",
    name: id,
    id: `${id}-${choice.id}`,
    value: choice.id,
    checked: many ? (value ?? []).includes(choice.id) : value === choice.id,
    onchange: () => set(many ? inputs.filter((each) => each.checked).map((each) => each.value) : choice.id),
  }));
  const labels = field.choices.map((choice, index) => h("label.tick", { for: inputs[index].id },
    inputs[index], h("span", {}, content.text(choice.label)), content.tag(choice.label)));
  return {
    node: h("div.choices", {}, labels),
    grouped: true,
    clear: () => inputs.forEach((each) => { each.checked = false; }),
  };
}
