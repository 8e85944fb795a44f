// Checks a C2SP tlog-proof or an exhibit of doorward (docs/reference/record-format.md). Whatever is dropped is hostile.
const LARGEST = 96 * 1024 * 1024;
const MOST_NOTE = 128 * 1024;
const MOST_SHOWN = 20_000;
const ML_DSA = { key: 1312, line: 8 + 2420 }; // ML-DSA-44, which this page does not check
const EXHIBIT = "doorward-exhibit@v1\nsum ";
const PROOF = "c2sp.org/tlog-proof@v1";
const utf8 = new TextEncoder();

class Fault extends Error {} // the file is false
class Question extends Error {} // something is missing or mistyped, and the file is not to blame

const need = (holds, why) => {
  if (!holds) throw new Fault(why);
};
const ask = (holds, why) => {
  if (!holds) throw new Question(why);
};
const hash = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
const join = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
};
const same = (one, two) => one.length === two.length && one.every((byte, at) => byte === two[at]);
const below = (one, two) => {
  const at = one.findIndex((byte, index) => byte !== two[index]);
  return at >= 0 && one[at] < two[at];
};

function base64(text, size) {
  let raw = "";
  try {
    raw = atob(text);
  } catch {
    throw new Fault("A part of the file is no base64.");
  }
  const step = 0x8000;
  const bytes = Uint8Array.from(raw, (sign) => sign.charCodeAt(0));
  let again = "";
  for (let at = 0; at < bytes.length; at += step) again += String.fromCharCode(...bytes.subarray(at, at + step));
  need(btoa(again) === text, "A part of the file is base64 in another spelling.");
  need(size === undefined || bytes.length === size, "A part of the file has another length than it must have.");
  return bytes;
}

function text(bytes, what) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Fault(`${what} is no text.`);
  }
}

// Signs that look like others, turn the line around or cannot be seen are shown by their number.
function shown(value, isName) {
  const hidden = isName
    ? /[^\x21-\x7e]/gu
    : /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;
  const safe = value.slice(0, MOST_SHOWN).replace(hidden, (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`);
  return value.length > MOST_SHOWN ? `${safe}… (${value.length} signs in all)` : safe;
}

async function readKey(line) {
  const match = /^([^+\s\u0000-\u001f\u007f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44}|[A-Za-z0-9+/=]{1752})$/u.exec(line.trim());
  ask(match, "A key is a name, an id and a key in one line, joined by plus signs.");
  const raw = base64(match[3]);
  ask(raw.length === ({ 1: 33, 4: 33, 6: 1 + ML_DSA.key })[raw[0]], "The key is of a kind that this page does not know.");
  const id = (await hash(utf8.encode(`${match[1]}\n`), raw)).subarray(0, 4);
  const hex = Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
  ask(hex === match[2], "The key has an id that is not its own: a sign of it was lost or changed.");
  return { name: match[1], id, kind: raw[0], bytes: raw.subarray(1) };
}

async function signs(key, message, signature) {
  if (signature.length !== 64) return false;
  try {
    const imported = await crypto.subtle.importKey("raw", key.bytes, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", imported, signature, message);
  } catch (error) {
    if (error.name === "DataError") return false;
    return verifyAsync(signature, message, key.bytes, { zip215: false }).catch(() => false); // no Ed25519 in this browser
  }
}

function readNote(bytes) {
  need(bytes.length <= MOST_NOTE, "The checkpoint is larger than one may be.");
  const whole = text(bytes, "The checkpoint");
  need(!/[\u0000-\u0009\u000b-\u001f\u007f]/u.test(whole), "The checkpoint has control characters.");
  const cut = whole.lastIndexOf("\n\n");
  need(cut >= 0 && whole.endsWith("\n"), "The checkpoint has no signatures below it.");
  const lines = whole.slice(cut + 2, -1).split("\n");
  need(lines.length <= 64, "The checkpoint has more than 64 signatures.");
  const signatures = lines.map((line) => {
    const match = /^\u2014 ([^+\s]+) ([A-Za-z0-9+/=]+)$/u.exec(line);
    need(match, "A line below the checkpoint is no signature.");
    const raw = base64(match[2]);
    need(raw.length > 4, "A line below the checkpoint is no signature.");
    return { name: match[1], id: raw.subarray(0, 4), signature: raw.subarray(4) };
  });
  const body = whole.slice(0, cut + 1);
  const claims = body.split("\n");
  need(claims.length === 4 && claims[0], "The checkpoint has a name, a size and a root, and nothing else.");
  return { body: utf8.encode(body), origin: claims[0], size: number(claims[1]), root: base64(claims[2], 32), signatures };
}

function number(digits) {
  need(/^(0|[1-9][0-9]{0,18})$/.test(digits) && BigInt(digits) < 2n ** 63n, "A number is none.");
  return BigInt(digits);
}

const isOf = (line, key) => line.name === key.name && same(line.id, key.id);

// Returns when a key signed, or null where its line is there and nothing here can check it.
async function signedAt(note, key) {
  let latest;
  if (key.kind === 6 && note.signatures.some((line) => isOf(line, key))) return null;
  for (const line of note.signatures) {
    if (!isOf(line, key)) continue;
    let [moment, message, signature] = [0n, note.body, line.signature];
    if (key.kind === 4) {
      need(signature.length === 72, `The cosignature of ${shown(key.name, true)} does not hold.`);
      moment = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
      message = join(utf8.encode(`cosignature/v1\ntime ${moment}\n`), note.body);
      signature = signature.subarray(8);
    }
    need(await signs(key, message, signature), `The signature of ${shown(key.name, true)} does not hold.`);
    if (latest === undefined || moment > latest) latest = moment;
  }
  need(latest !== undefined, `${shown(key.name, true)} did not sign the checkpoint with this key.`);
  return latest;
}

// RFC 9162 section 2.1.3.2
async function isIncluded(leaf, index, size, path, root) {
  if (index >= size) return false;
  let [node, at, last] = [leaf, index, size - 1n];
  const one = Uint8Array.of(1);
  for (const sibling of path) {
    if (last === 0n) return false;
    if (at % 2n || at === last) {
      node = await hash(one, sibling, node);
      while (at && at % 2n === 0n) [at, last] = [at >> 1n, last >> 1n];
    } else {
      node = await hash(one, node, sibling);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  return last === 0n && same(node, root);
}

function split(bytes, from = 0) {
  for (let at = bytes.indexOf(10, from); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return [bytes.subarray(from, at), bytes.subarray(at + 2)];
  }
  throw new Fault("The file ends before its checkpoint.");
}

async function checkProof(bytes, entry, key, witnesses, say) {
  const [head, checkpoint] = split(bytes);
  need(head.length <= MOST_NOTE, "The proof is larger than one may be.");
  const lines = text(head, "The proof").split("\n");
  need(lines.shift() === PROOF, "The file is no proof that this page knows.");
  if (lines[0]?.startsWith("extra ")) base64(lines.shift().slice(6));
  const place = lines.shift() ?? "";
  need(place.startsWith("index "), "The proof names no place in the log.");
  const index = number(place.slice(6));
  need(lines.length <= 63, "The proof has more hashes than a proof may have.");
  const path = lines.map((line) => base64(line, 32));
  const note = readNote(checkpoint);
  need(note.origin === key.name, `The proof is of the log ${shown(note.origin, true)}, and the key of ${shown(key.name, true)}.`);
  await signedAt(note, key);
  say(`The log ${shown(note.origin, true)} signed that it has ${note.size} leaves.`);
  const leaf = await hash(Uint8Array.of(0), entry);
  need(await isIncluded(leaf, index, note.size, path, note.root), "The entry is not in the log at the place that is named.");
  say(`The entry is leaf ${index} of them, counted from 0. It was there when this was signed, and has not been changed since.`);
  const doubts = [];
  for (const witness of witnesses) {
    const moment = await signedAt(note, witness);
    if (moment === null) {
      doubts.push(`Whether ${shown(witness.name, true)} signed the same: its line is there, of ML-DSA-44, which this page does not check; “doorward log verify” does.`);
      continue;
    }
    const when = moment && moment < 2n ** 37n ? new Date(Number(moment) * 1000).toISOString().slice(0, 19).replace("T", " ") : "";
    say(`${shown(witness.name, true)} signed the same${when ? `, at ${when} UTC` : ""}.`);
  }
  const known = [key, ...witnesses];
  const others = note.signatures.filter((line) => !known.some((one) => isOf(line, one)));
  const long = others.filter((line) => line.signature.length === ML_DSA.line).length;
  const which = long ? ` ${long} of them are as long as a cosignature of ML-DSA-44, which this page does not check.` : "";
  if (others.length) say(`${others.length} more signatures are of keys that were not given here; they were not checked.${which}`);
  return doubts;
}

async function openExhibit(bytes) {
  const end = bytes.indexOf(10, EXHIBIT.length);
  need(end > 0, "The exhibit ends in its second line.");
  const sum = base64(text(bytes.subarray(EXHIBIT.length, end), "The sum"), 32);
  need(same(sum, await hash(bytes.subarray(end + 1))), "The exhibit was changed after it was made: its sum is another.");
  const [head, proof] = split(bytes, end + 1);
  const steps = { field: 0, digest: 1, left: 2, right: 2, salt: 3, schema: 4 };
  const [fields, digests, others] = [[], [], []];
  let [node, salt, state] = [undefined, undefined, 0];
  for (const line of text(head, "The exhibit").split("\n")) {
    const [word, ...parts] = line.split(" ");
    const step = Object.hasOwn(steps, word) ? steps[word] : -1;
    need(step >= state && !(state > 2 && step === state), "The exhibit has lines that no exhibit has, or in another order.");
    need(parts.length === (step ? 1 : 3), "A line of the exhibit has other parts than it must have.");
    if (step >= 2 && state < 2) node = await commit(digests, others);
    state = step;
    if (step === 0) {
      const [name, own, value] = [parts[0], base64(parts[1], 32), parts[2] === "-" ? new Uint8Array() : base64(parts[2])];
      need(/^[a-z_]{1,64}$/.test(name) && !(fields.length && name <= fields.at(-1)[0]), "A field of the exhibit stands at another place than it must.");
      need(value.length || parts[2] === "-", "A field of the exhibit has an empty value in another spelling.");
      fields.push([name, value]);
      digests.push(await hash(own, Uint8Array.of(name.length), utf8.encode(name), value));
    } else if (step === 1) {
      const digest = base64(parts[0], 32);
      need(!others.length || below(others.at(-1), digest), "A digest of the exhibit stands at another place than it must.");
      others.push(digest);
    } else if (step === 2) {
      const sibling = base64(parts[0], 32);
      node = await hash(Uint8Array.of(1), ...(word === "left" ? [sibling, node] : [node, sibling]));
    } else if (step === 3) {
      salt = base64(parts[0], 16);
    } else {
      need(parts[0] === "1", "The exhibit is of a kind that this page does not know.");
    }
  }
  need(state === 4 && salt && fields.length, "The exhibit is not whole.");
  return { entry: join(Uint8Array.of(1), await hash(salt, node)), proof, fields, hidden: others.length };
}

async function commit(digests, others) {
  const every = [...digests, ...others].sort((one, two) => (below(one, two) ? -1 : 1));
  need([16, 32, 48, 64].includes(every.length), "The exhibit has not all of its digests.");
  need(every.every((one, at) => !at || below(every[at - 1], one)), "A digest of the exhibit stands there twice.");
  return hash(Uint8Array.of(0), await hash(...every));
}

function unhex(digits) {
  const bare = digits.replace(/\s/g, "");
  ask(bare && /^([0-9a-f]{2})*$/i.test(bare), "A plain proof is about an entry: put it in, in hex.");
  return Uint8Array.from(bare.match(/../g), (pair) => parseInt(pair, 16));
}

async function check(bytes, keyLine, witnessLines, leaf, say, show) {
  ask(keyLine.trim(), "Put in the log’s key first.");
  const key = await readKey(keyLine);
  ask(key.kind === 1, "This is the key of a witness, not of a log.");
  const witnesses = await Promise.all(witnessLines.split("\n").filter((line) => line.trim()).map(readKey));
  if (text(bytes.subarray(0, EXHIBIT.length).map((byte) => byte & 127), "") !== EXHIBIT) {
    return checkProof(bytes, unhex(leaf), key, witnesses, say);
  }
  const exhibit = await openExhibit(bytes);
  const doubts = await checkProof(exhibit.proof, exhibit.entry, key, witnesses, say);
  say("The fields below are the ones that were recorded: their digests lead to that leaf.");
  say(`${exhibit.hidden} digests stand for what is not shown; some may stand for nothing, so that nobody can count.`);
  show(exhibit.fields);
  return doubts;
}

// the page

const at = (id) => document.getElementById(id);
let dropped;

function row(name, value) {
  const line = document.createElement("tr");
  const [head, cell] = [document.createElement("th"), document.createElement("td")];
  head.scope = "row";
  head.textContent = name;
  cell.textContent = value;
  line.append(head, cell);
  return line;
}

function readable(name, bytes) {
  if (name === "session") return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const value = new TextDecoder().decode(bytes);
  if (name !== "time" || !/^[0-9]{1,17}$/.test(value)) return shown(value, false);
  const moment = new Date(Number(BigInt(value) / 1000n));
  return Number.isNaN(moment.getTime()) ? value : `${moment.toISOString().slice(0, 23).replace("T", " ")} UTC (${value})`;
}

async function answer() {
  const reasons = [];
  let [fields, verdict, kind] = [[], "It holds.", "holds"];
  try {
    const file = dropped ?? at("file").files[0];
    ask(file, "Choose or drop a file first.");
    need(file.size <= LARGEST, "The file is larger than a proof may be.");
    const bytes = new Uint8Array(await file.arrayBuffer());
    const doubts = await check(bytes, at("key").value, at("witnesses").value, at("leaf").value, (line) => reasons.push(line), (found) => (fields = found));
    if (doubts.length) {
      [verdict, kind, fields] = ["Nobody can tell.", "", []];
      reasons.push(...doubts);
    }
  } catch (error) {
    const [isFalse, isQuestion] = [error instanceof Fault, error instanceof Question];
    verdict = isFalse ? "It does not hold." : isQuestion ? "Nothing was checked." : "Nobody can tell.";
    kind = isFalse ? "false" : "";
    fields = [];
    const why = isFalse || isQuestion ? error.message : `This browser could not check it: ${shown(String(error), false)}`;
    reasons.splice(0, reasons.length, why);
  }
  at("verdict").textContent = verdict;
  at("result").className = kind;
  at("reasons").replaceChildren(...reasons.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  at("rows").replaceChildren(...fields.map(([name, value]) => row(name, readable(name, value))));
  at("fields").hidden = !fields.length;
  at("limits").hidden = kind !== "holds";
  at("result").hidden = false;
  at("result").focus();
}

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  answer();
});
at("file").addEventListener("change", () => {
  dropped = undefined;
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", () => document.body.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  dropped = event.dataTransfer.files[0];
  at("file").value = "";
  at("file-hint").textContent = dropped ? `Dropped: ${shown(dropped.name, false)}` : "";
  answer();
});
