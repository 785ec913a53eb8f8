// Times as the learner's own device tells them.

const two = (n) => String(n).padStart(2, "0");

/** 20:31 */
export function clock(date = new Date()) {
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** 6月30日 23:59, with the year when it is another one; empty for something that is no time. */
export function day(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return "";
  const year = date.getFullYear() === new Date().getFullYear() ? "" : `${date.getFullYear()}年`;
  return `${year}${date.getMonth() + 1}月${date.getDate()}日 ${clock(date)}`;
}
