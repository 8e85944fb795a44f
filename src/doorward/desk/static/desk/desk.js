// What somebody types into a form of the desk is kept in this tab until it is filed: a session that ends, a connection
// that is lost or a page that is left by mistake costs nobody their answers. Signing out forgets it, and so does somebody
// else who signs in after a session has ended: a tab is shared more easily than an account.
"use strict";
(() => {
  const who = document.body.dataset.who;
  const PREFIX = `draft ${who} `;
  if (who) {
    for (const name of Object.keys(sessionStorage)) {
      if (name.startsWith("draft ") && !name.startsWith(PREFIX)) sessionStorage.removeItem(name);
    }
  }
  const OWN = new Set(["csrfmiddlewaretoken", "change", "file"]);
  const form = document.getElementById("questions");
  const key = PREFIX + location.pathname;

  const answers = () =>
    JSON.stringify([...new FormData(form)].filter(([name, value]) => !OWN.has(name) && value));

  // What arrives between signing out and the next page keeps nothing any more.
  let left = false;
  const save = () => { if (!left) sessionStorage.setItem(key, answers()); };

  const restore = (kept) => {
    const again = document.createElement("form");
    again.method = "post";
    const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
    for (const [name, value] of [...kept, ["csrfmiddlewaretoken", token], ["change", "1"], ["restored", "1"]]) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = value;
      again.append(input);
    }
    document.body.append(again);
    again.submit();
  };

  if (form) {
    const kept = JSON.parse(sessionStorage.getItem(key) || "[]").filter(([name]) => name !== "token");
    if (form.dataset.fresh && kept.length) restore(JSON.parse(sessionStorage.getItem(key)));
    else if (!form.dataset.fresh) save();
    form.addEventListener("input", save);
    form.addEventListener("change", save);
    // The questions that follow from an answer come from the desk. What was answered while they were on their way is
    // never overwritten: they are asked for again.
    let sent = "";
    form.addEventListener("htmx:beforeRequest", () => { sent = answers(); });
    form.addEventListener("htmx:beforeSwap", (event) => {
      if (answers() === sent) return;
      event.detail.shouldSwap = false;
      setTimeout(() => htmx.trigger(form, "change"), 0);
    });
  }
  const filed = document.querySelector("[data-filed]");
  if (filed) sessionStorage.removeItem(PREFIX + filed.dataset.filed);
  const out = document.getElementById("sign-out");
  if (out) out.addEventListener("submit", () => { left = true; sessionStorage.clear(); });
  const forget = document.getElementById("forget");
  if (forget) forget.addEventListener("click", () => sessionStorage.removeItem(key));
})();
