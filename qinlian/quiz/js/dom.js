// Building elements without HTML strings.

/**
 * An element. Properties starting with "on" are listeners; `html` is trusted HTML of our own build;
 * everything else is an attribute (false and null leave it out). Strings among the children are text.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | null | false | undefined)} children
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "html") element.innerHTML = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((c) => c != null && c !== false && c !== ""));
  return element;
}

// Lumino would take the arrow keys and more from anything that does not carry this attribute itself.
const CONTROL = { "data-lm-suppress-shortcuts": "true" };

/** input, select or textarea. */
export function field(tag, props = {}, ...children) {
  return h(tag, { ...CONTROL, ...props }, ...children);
}

/** A button that never submits a form. */
export function button(label, props = {}) {
  return h("button", { type: "button", ...CONTROL, ...props }, label);
}

/** Takes the learner to a region: in sight, and where the keyboard goes on from. */
export function land(region) {
  region.focus({ preventScroll: true });
  region.scrollIntoView({ block: "center" });
}

/** The words of trusted HTML, for places that hold text only. */
export function plain(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return (holder.content.textContent ?? "").trim();
}

/** A name nobody else on the page has. */
export function uniqueName() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return "ql" + Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** A, B, C … by place from 0. */
export function letter(index) {
  return String.fromCharCode(65 + index);
}

/** Deep equality of JSON values; the order of keys does not count. */
export function same(a, b) {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return (a ?? null) === (b ?? null);
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Array.isArray(a) === Array.isArray(b) && [...keys].every((k) => same(a[k], b[k]));
}

/** 12.5 → "12.5", 80.0 → "80". */
export function number(value) {
  return String(Math.round(value * 100) / 100);
}
