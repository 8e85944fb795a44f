// Records on their way to the desk. Each goes exactly once: its id is made on the phone and is the idempotency key, its
// bytes are fixed when it is filed, and it is deleted only when the desk's receipt names those very bytes.
//
// A record that waits has a state: "waiting" goes by itself, "enrol" needs the phone's place, "refused" needs a person.

import { digestOf } from "./vault.js";

const TIMEOUT_MS = 20_000;
const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 300_000;
const RECEIPT_FORMAT = 1;

/** Hold a lock that all windows share, or skip; a browser without locks relies on the desk's put-once alone. */
export async function withLock(name, task) {
  if (!navigator.locks) return task();
  return navigator.locks.request(name, { ifAvailable: true }, (lock) => (lock ? task() : undefined));
}

/** The time to wait before try number `attempts`, spread so that phones don't come back all at once. */
export function delayFor(attempts, random = Math.random()) {
  const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempts, 10));
  return longest / 2 + (longest / 2) * random;
}

export class Outbox {
  /** @param {function} onChange Called after each change, here or in another window. */
  constructor(vault, onChange) {
    this.vault = vault;
    this.onChange = onChange;
    this.timer = null;
    this.channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("front") : null;
    if (this.channel) this.channel.onmessage = () => this.onChange();
    addEventListener("online", () => this.send());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.send());
  }

  changed() {
    this.channel?.postMessage("changed");
    return this.onChange();
  }

  /** Fix a draft's bytes; false where it is no draft any more, so that a second press files nothing. */
  async file(walk, body) {
    const record = { id: walk.id, body: JSON.stringify(body), walk, attempts: 0, state: "waiting" };
    const filed = await this.vault.put(walk.id, "unsent", record, { only: "draft" });
    if (filed) await this.changed();
    return filed;
  }

  /** Try every record that waits; at once, whatever was planned. */
  async send() {
    clearTimeout(this.timer);
    this.timer = null;
    await withLock("front-outbox", () => this.sendAll());
    await this.plan();
  }

  async sendAll() {
    const { values } = await this.vault.all("unsent");
    const site = (await this.vault.get("site"))?.value ?? null;
    for (const record of values) {
      if (record.state === "refused") continue;
      const after = site ? await this.post(record, site) : { ...record, state: "enrol" };
      if (after === null) await this.changed();
      else if (await this.vault.put(record.id, "unsent", after, { only: "unsent" })) await this.changed();
    }
  }

  /** Send one; null where it is at the desk or back among the drafts, else the record as it waits on. */
  async post(record, site) {
    const again = { ...record, state: "waiting", attempts: record.attempts + 1, after: 0 };
    let answer;
    try {
      answer = await fetch("visits", {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "Idempotency-Key": record.id,
          Authorization: `Bearer ${site.token}`,
        },
        body: record.body,
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (answer.status === 200 || answer.status === 201) {
        return (await this.receive(record, await answer.json())) ? null : { ...again, state: "refused" };
      }
      if (answer.status === 422) return this.giveBack(record, await answer.json());
    } catch {
      return again; // no network, a cut connection, a timeout: nobody knows whether it arrived, so the same goes again
    }
    if (answer.status === 401 || answer.status === 403) return { ...again, state: "enrol" };
    if (answer.status === 429 || answer.status >= 500) {
      return { ...again, after: Math.min(3600, Number(answer.headers.get("Retry-After")) || 0) * 1000 };
    }
    return { ...again, state: "refused" };
  }

  /** Delete a record for the desk's receipt; false where the receipt is not for these bytes. */
  async receive(record, receipt) {
    const whole = receipt.format === RECEIPT_FORMAT && receipt.id === record.id && typeof receipt.entry === "string";
    if (!whole || receipt.digest !== (await digestOf(record.body))) return false;
    const { drill, training, trained } = record.walk;
    await this.vault.finish(record.id, { id: record.id, entry: receipt.entry, received: receipt.received, drill });
    if (drill && trained) await this.vault.put("trained", "trained", { training });
    return true;
  }

  /** Make a draft of it again, with what the desk found. */
  async giveBack(record, answer) {
    const walk = { ...record.walk, faults: answer.faults ?? [] };
    if (walk.faults.some((fault) => fault.code === "clock") && answer.now) {
      const ahead = Math.round((Date.now() - Date.parse(answer.now)) / 1000);
      walk.opened = new Date(Date.parse(walk.opened) - (ahead - walk.clockOffset) * 1000).toISOString();
      walk.clockOffset = ahead;
    }
    await this.vault.put(record.id, "draft", walk, { only: "unsent" });
    return null;
  }

  /** Plan the next try of the record that is due first. */
  async plan() {
    const { values } = await this.vault.all("unsent");
    const due = values.filter((record) => record.state === "waiting");
    if (due.length === 0 || this.timer !== null) return;
    const delays = due.map((record) => Math.max(delayFor(record.attempts), record.after ?? 0));
    this.timer = setTimeout(() => this.send(), Math.min(...delays));
  }
}
