// What the phone keeps, encrypted: drafts, records that wait, receipts, the phone's place. AES-GCM with a key that the
// browser made and hands to nobody (ADR 51). A row's id and kind stand in clear and are bound to its content.

const NAME = "front";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

function bound(id, kind) {
  return encoder.encode(`${id}\n${kind}`);
}

export class Vault {
  /** Open the store, or one in memory where the browser gives none; `lasting` says which. */
  static async open() {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("rows", { keyPath: "id" });
        request.result.createObjectStore("keys", { keyPath: "id" });
      };
      const vault = new Vault(await settled(request));
      await vault.makeKey();
      return vault;
    } catch {
      return new MemoryVault();
    }
  }

  constructor(database) {
    this.database = database;
    this.lasting = true;
    database.onversionchange = () => database.close();
  }

  /** Take the key, or make it. Two windows that make one at once end with the same: `add` lets the first one stand. */
  async makeKey() {
    const found = await settled(this.database.transaction("keys").objectStore("keys").get("rows"));
    if (found) {
      this.key = found.key;
      return;
    }
    const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    const transaction = this.database.transaction("keys", "readwrite");
    const store = transaction.objectStore("keys");
    const there = await settled(store.get("rows"));
    if (!there) store.add({ id: "rows", key: made });
    await finished(transaction);
    this.key = there ? there.key : made;
  }

  async seal(id, kind, value) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const secret = { name: "AES-GCM", iv, additionalData: bound(id, kind) };
    const data = await crypto.subtle.encrypt(secret, this.key, encoder.encode(JSON.stringify(value)));
    return { id, kind, iv, data };
  }

  async unseal(row) {
    const secret = { name: "AES-GCM", iv: row.iv, additionalData: bound(row.id, row.kind) };
    return JSON.parse(decoder.decode(await crypto.subtle.decrypt(secret, this.key, row.data)));
  }

  /** Keep a value under its id; `only` names the kind that must stand there now, or nothing is done. */
  async put(id, kind, value, { only = null } = {}) {
    const row = await this.seal(id, kind, value);
    const transaction = this.database.transaction("rows", "readwrite", { durability: "strict" });
    const store = transaction.objectStore("rows");
    const there = await settled(store.get(id));
    const may = only === null || (there && there.kind === only);
    if (may) store.put(row);
    await finished(transaction);
    return Boolean(may);
  }

  /** Keep a draft; false where the visit is no draft any more: it was filed, perhaps in another window. */
  async putDraft(id, value) {
    const row = await this.seal(id, "draft", value);
    const transaction = this.database.transaction("rows", "readwrite", { durability: "strict" });
    const store = transaction.objectStore("rows");
    const there = await settled(store.get(id));
    const done = await settled(store.getKey(`receipt ${id}`));
    const may = there ? there.kind === "draft" : done === undefined;
    if (may) store.put(row);
    await finished(transaction);
    return may;
  }

  async get(id) {
    const row = await settled(this.database.transaction("rows").objectStore("rows").get(id));
    return row ? { kind: row.kind, value: await this.unseal(row) } : null;
  }

  /** All values of a kind. What can't be read is left where it is and counted. */
  async all(kind) {
    const rows = await settled(this.database.transaction("rows").objectStore("rows").getAll());
    const values = [];
    let unreadable = 0;
    for (const row of rows.filter((each) => each.kind === kind)) {
      try {
        values.push(await this.unseal(row));
      } catch {
        unreadable += 1;
      }
    }
    return { values, unreadable };
  }

  async remove(id) {
    const transaction = this.database.transaction("rows", "readwrite");
    transaction.objectStore("rows").delete(id);
    await finished(transaction);
  }

  /** Delete a record and keep its receipt, both or neither. */
  async finish(id, receipt) {
    const row = await this.seal(`receipt ${id}`, "receipt", receipt);
    const transaction = this.database.transaction("rows", "readwrite", { durability: "strict" });
    transaction.objectStore("rows").put(row);
    transaction.objectStore("rows").delete(id);
    await finished(transaction);
  }
}

/** The same, and gone with the window: a phone that keeps nothing says so on its screens. */
export class MemoryVault {
  constructor() {
    this.rows = new Map();
    this.lasting = false;
  }

  async put(id, kind, value, { only = null } = {}) {
    const may = only === null || this.rows.get(id)?.kind === only;
    if (may) this.rows.set(id, { kind, value: structuredClone(value) });
    return may;
  }

  async putDraft(id, value) {
    const there = this.rows.get(id);
    const may = there ? there.kind === "draft" : !this.rows.has(`receipt ${id}`);
    return may && this.put(id, "draft", value);
  }

  async get(id) {
    return structuredClone(this.rows.get(id) ?? null);
  }

  async all(kind) {
    const values = [...this.rows.values()].filter((row) => row.kind === kind).map((row) => structuredClone(row.value));
    return { values, unreadable: 0 };
  }

  async remove(id) {
    this.rows.delete(id);
  }

  async finish(id, receipt) {
    this.rows.set(`receipt ${id}`, { kind: "receipt", value: receipt });
    this.rows.delete(id);
  }
}

/** SHA-256 of a text, hexadecimal. */
export async function digestOf(text) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
