// One way through a protocol: answers, back without loss, what they put into the record. Values only: no screen, no
// store, no clock.

/** Begin at a place's first step. `id` is the visit's and its idempotency key. */
export function newWalk({ id, place, base, version, training, drill, created, language }) {
  return {
    id, place: place.id, base, version, training, drill, created, language,
    path: [], cursor: 0, values: {}, unknown: [], opened: null, clockOffset: 0, trained: false, faults: [],
  };
}

export function stepAt(place, walk, cursor) {
  if (cursor === 0) return place.first.next;
  const { step, option } = walk.path[cursor - 1];
  const body = place.steps[step];
  return body.kind === "decide" ? body.options[option].next : body.next;
}

export function currentStep(place, walk) {
  return stepAt(place, walk, walk.cursor);
}

/**
 * Answer the present step; the same answer as before keeps what came after it.
 * @param {number|null} option Index of the option; null where the step only goes on.
 */
export function answer(place, walk, option, now) {
  const step = currentStep(place, walk);
  const before = walk.path[walk.cursor];
  if (!before || before.step !== step || before.option !== option) {
    walk.path = [...walk.path.slice(0, walk.cursor), { step, option }];
    const filled = option === null ? {} : place.steps[step].options[option].fills;
    for (const field of Object.keys(filled)) {
      delete walk.values[field];
      walk.unknown = walk.unknown.filter((id) => id !== field);
    }
  }
  moveTo(place, walk, walk.cursor + 1, now);
}

/** Stand after `cursor` answers; answers beyond it wait, and fill nothing until they are given again. */
export function moveTo(place, walk, cursor, now) {
  walk.cursor = Math.max(0, Math.min(cursor, walk.path.length));
  if (!isBegun(place, walk)) walk.opened = null;
  else walk.opened ??= now;
}

/** What the answers up to the cursor put into the record. */
export function fills(place, walk) {
  const filled = {};
  for (const { step, option } of walk.path.slice(0, walk.cursor)) {
    if (option !== null) Object.assign(filled, place.steps[step].options[option].fills);
  }
  return filled;
}

/** A record is open: an answer said that something was asked of staff, or done past the public part. */
export function isBegun(place, walk) {
  return "begun" in fills(place, walk);
}

/** The value of a field: what a person wrote, else what an answer filled, else undefined. */
export function valueOf(field, walk, filled) {
  if (field.id in walk.values) return walk.values[field.id];
  if (!(field.id in filled)) return undefined;
  if (field.kind === "choices") return [filled[field.id]];
  if (field.kind === "number") return Number(filled[field.id]);
  return filled[field.id];
}

/** The number of steps on the longest way from a step to an end, that step included. */
export function longestFrom(place, step, known = new Map()) {
  if (known.has(step)) return known.get(step);
  known.set(step, 1); // no way comes back to a step; if one did, this would still end
  const body = place.steps[step];
  const targets = body.kind === "decide" ? body.options.map((option) => option.next) : body.next ? [body.next] : [];
  const length = 1 + Math.max(0, ...targets.map((target) => longestFrom(place, target, known)));
  known.set(step, length);
  return length;
}
