// The rows of a ledger: out of the published lines, put in words, in order, and chosen among.

/** The columns by which rows are sorted, with the field of a row that holds each. */
export const FIELDS = ["number", "date", "category", "subject", "party", "handler", "cents"];

const WEEKDAYS = "日一二三四五六";

/**
 * The published lines as records.
 * @param {any} item
 * @returns {{id: string, number: number, date: string, category: string, kind: any, subject: string, party: string,
 *   handler: string, cents: number, details: string[], day: string, amount: string, words: string}[]}
 */
export function readRows(item) {
  const rows = item.rows.map((line) => {
    const [id, number, date, category, subject, party, handler, cents, ...details] = line.split("\t");
    const kind = item.categories[Number(category)];
    const words = [number, date, kind.name, subject, party, handler, ...details].join(" ").toLowerCase();
    return {
      id,
      number: Number(number),
      date,
      category: kind.name,
      kind,
      subject,
      party,
      handler,
      cents: Number(cents),
      details,
      day: weekday(date),
      amount: money(Number(cents)),
      words,
    };
  });
  return rows.sort((a, b) => a.number - b.number);
}

/** 2026-03-18 → 3-18 周三 */
function weekday(date) {
  const [year, month, day] = date.split("-").map(Number);
  // In UTC, or the learner's time zone could move the day.
  return `${month}-${day} 周${WEEKDAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()]}`;
}

/** 1234567 cents → 12,345.67 */
function money(cents) {
  return (cents / 100).toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ",");
}

/** Rows by one field, equal ones by number. */
export function sorted(rows, field, down) {
  const order = (a, b) =>
    typeof a[field] === "number" ? a[field] - b[field] : a[field].localeCompare(b[field], "zh-CN");
  return [...rows].sort((a, b) => (down ? order(b, a) : order(a, b)) || a.number - b.number);
}

/** Whether a row is among those asked for: every word must occur. */
export function matches(row, text, category) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (!category || row.category === category) && words.every((word) => row.words.includes(word));
}
