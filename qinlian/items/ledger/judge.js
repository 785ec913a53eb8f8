// What was flagged against what was planted: scoring.py in JavaScript.

/** The entry of a value that says the learner has looked at everything. */
export const DONE = "done";

const PRICE = { 按处计分: 2, 错标轻扣: 4 };

/** The flags alone: row id → reason id. */
export function flagged(value) {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([row]) => row !== DONE));
}

/** Group → its row ids. */
export function findings(key) {
  const groups = new Map();
  for (const row of Object.keys(key).sort()) {
    const { group } = key[row];
    groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  return groups;
}

/** 1 for the right reason, half for another, 0 for a row that was passed over. */
export function credit(key, flags, row) {
  if (!(row in flags)) return 0;
  return flags[row] === key[row].reason ? 1 : 0.5;
}

/** The fraction in [0, 1] of an answer under a rule. */
export function fraction(key, value, rule) {
  const flags = flagged(value);
  const groups = findings(key);
  let seen = 0;
  for (const [, rows] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    seen += rows.reduce((sum, row) => sum + credit(key, flags, row), 0) / rows.length;
  }
  const wrong = Object.keys(flags).filter((row) => !(row in key)).length;
  return Math.min(1, Math.max(0, (seen - wrong / (PRICE[rule] ?? PRICE["按处计分"])) / groups.size));
}
