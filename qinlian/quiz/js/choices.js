// A list of options to choose from: radios for one, checkboxes for several. Used by item types.
import { field, h, letter } from "./dom.js";

/**
 * @param {import("./contract.js").ViewContext} ctx
 * @param {{several: boolean, lettered: boolean}} how
 * @returns {import("./contract.js").Control}
 */
export function choices(ctx, { several, lettered }) {
  const rows = ctx.item.options.map((option, index) => row(option, index));
  const element = h("div", { class: "ql-options" }, ...rows.map((r) => r.element));
  set(ctx.value);

  function row(option, index) {
    const input = field("input", {
      type: several ? "checkbox" : "radio",
      name: ctx.name,
      value: option.id,
      onchange: () => ctx.change(chosen()),
    });
    const mark = h("span", { class: "ql-mark" });
    const text = h("span", { class: "ql-option-text", html: option.text });
    const label = h("label", { class: "ql-option" }, input, lettered ? h("span", { class: "ql-letter" }, `${letter(index)}.`) : "", text, mark);
    const note = h("div", { class: "ql-feedback", hidden: true });
    return { id: option.id, input, mark, note, element: h("div", { class: "ql-choice" }, label, note) };
  }

  function chosen() {
    const ids = rows.filter((r) => r.input.checked).map((r) => r.id);
    if (!several) return ids[0] ?? null;
    return ids.length ? ids.sort() : null;
  }

  function set(value) {
    const ids = several ? (value ?? []) : [value];
    for (const r of rows) r.input.checked = ids.includes(r.id);
  }

  return {
    element,
    set,
    lock(locked) {
      for (const r of rows) r.input.disabled = locked;
    },
    review(review) {
      const keys = review ? [review.key].flat() : [];
      const own = review ? [review.value].flat() : [];
      for (const r of rows) {
        const right = keys.includes(r.id);
        const taken = own.includes(r.id);
        const feedback = review?.feedback?.[r.id];
        mark(r, review, right, taken);
        // What was chosen and what should have been: the rest would be noise.
        r.note.hidden = !(feedback && (right || taken));
        r.note.innerHTML = r.note.hidden ? "" : feedback;
      }
    },
    focus: () => (rows.find((r) => r.input.checked) ?? rows[0])?.input.focus(),
  };
}

function mark(row, review, right, taken) {
  const words = right ? (taken ? "选对了" : "应选") : taken ? "不该选" : "";
  row.mark.textContent = review ? words : "";
  row.element.dataset.state = review && words ? (right ? (taken ? "right" : "missed") : "wrong") : "";
}
