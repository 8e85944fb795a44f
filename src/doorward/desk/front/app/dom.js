// Elements made from values. No HTML is ever parsed from text: what a pack or a person wrote stays text.

/**
 * Make an element.
 * @param {string} tag Its name, with classes after dots: "p.note".
 * @param {object} props Attributes; "onclick" and the like are listeners; false and null leave one out.
 * @param {...*} children Nodes, texts, lists of them; null and false are skipped.
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "disabled") element[key] = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/**
 * Return a button; `kind` is "primary", "option" or "plain". While what it does is under way, and for the
 * second press of a double one, it does nothing: that press would be taken for an answer to the next question.
 */
export function button(kind, label, onclick, props = {}) {
  let busy = false;
  const press = async (event) => {
    if (busy || event.detail > 1) return;
    busy = true;
    try {
      await onclick(event);
    } finally {
      busy = false;
    }
  };
  return h("button", { type: "button", class: `button ${kind}`, onclick: press, ...props }, label);
}
