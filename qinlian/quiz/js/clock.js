// Times as the clock on the learner's wall shows them: in the browser's own time zone, said where it is not Beijing's.

const BEIJING = 480;
const PARTS = /** @type {const} */ ({
  hourCycle: "h23",
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** @returns {Record<string, string>} */
function parts(date) {
  // Made anew each time: whoever travels takes the open page along.
  return Object.fromEntries(new Intl.DateTimeFormat("en-US", PARTS).formatToParts(date).map((p) => [p.type, p.value]));
}

/** （UTC+5:45） for a moment at which the browser's zone is not eight hours ahead, else empty. */
function zone(date) {
  const ahead = -date.getTimezoneOffset();
  if (ahead === BEIJING) return "";
  const minutes = Math.abs(ahead) % 60;
  const hours = Math.floor(Math.abs(ahead) / 60);
  const offset = ahead ? `${ahead < 0 ? "-" : "+"}${hours}${minutes ? `:${String(minutes).padStart(2, "0")}` : ""}` : "";
  return `（UTC${offset}）`;
}

/** 20:31, for what has just happened here. */
export function clock(date = new Date()) {
  const { hour, minute } = parts(date);
  return `${hour}:${minute}`;
}

/** 6月30日 23:59, with the year when it is another one; empty for something that is no time. */
export function day(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return "";
  const here = parts(date);
  const year = here.year === parts(new Date()).year ? "" : `${here.year}年`;
  return `${year}${here.month}月${here.day}日 ${clock(date)}${zone(date)}`;
}

/** A <time> that says it; null for something that is no time. */
export function moment(text) {
  const said = day(text);
  if (!said) return null;
  const element = document.createElement("time");
  element.dateTime = text;
  element.textContent = said;
  return element;
}

/** Says in the browser's zone what a page was written with in Beijing's. */
export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const said = day(element.dateTime);
    if (said && element.textContent !== said) element.textContent = said;
  }
}
