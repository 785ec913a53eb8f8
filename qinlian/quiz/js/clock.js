// Times in Beijing, wherever the learner's device believes it is: due dates are set there.

const BEIJING = new Intl.DateTimeFormat("en-US", {
  timeZone: "Asia/Shanghai",
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** @returns {Record<string, string>} */
const parts = (date) => Object.fromEntries(BEIJING.formatToParts(date).map((p) => [p.type, p.value]));

/** 20:31 */
export function clock(date = new Date()) {
  const { hour, minute } = parts(date);
  return `${hour}:${minute}`;
}

/** 6月30日 23:59, with the year when it is another one; empty for something that is no time. */
export function day(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return "";
  const there = parts(date);
  const year = there.year === parts(new Date()).year ? "" : `${there.year}年`;
  return `${year}${there.month}月${there.day}日 ${clock(date)}`;
}
