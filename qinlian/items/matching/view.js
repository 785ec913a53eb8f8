import { field, h, letter, plain } from "../../quiz/js/dom.js";

const LONG = 16;

/** @type {import("../../quiz/js/contract.js").View} */
export default {
  kind: "matching",
  hint: "给每一项选配",

  render(ctx) {
    const texts = ctx.item.right.map((r) => plain(r.text));
    const rights = ctx.item.right.map((r, i) => ({ id: r.id, html: r.text, text: texts[i] }));
    // A phone's picker cuts long texts: then they stand below in full, each with a letter.
    const lettered = texts.some((t) => t.length > LONG);
    const rows = ctx.item.left.map((left, index) => row(ctx, left, index, rights, lettered, report));
    set(ctx.value);

    function report() {
      const now = Object.fromEntries(rows.filter((r) => r.select.value).map((r) => [r.id, r.select.value]));
      ctx.change(Object.keys(now).length ? now : null);
    }

    function set(value) {
      for (const r of rows) r.select.value = value?.[r.id] ?? "";
    }

    const list = h(
      "ul",
      { class: "ql-rights", "aria-label": "可选的配项" },
      ...rights.map((r, i) => h("li", {}, h("span", { class: "ql-letter" }, `${letter(i)}.`), h("span", { html: r.html }))),
    );
    return {
      element: h("div", { class: "ql-matching" }, lettered ? list : "", ...rows.map((r) => r.element)),
      set,
      lock(locked) {
        for (const r of rows) r.select.disabled = locked;
      },
      review(review) {
        for (const r of rows) mark(r, review, rights, lettered);
      },
      focus: () => rows[0]?.select.focus(),
    };
  },

  filled(item, value) {
    const count = item.left.filter((l) => value?.[l.id]).length;
    if (!count) return "none";
    return count === item.left.length ? "full" : "part";
  },

  judge(item, value) {
    const { key } = item.practice;
    const right = item.left.filter((l) => value[l.id] === key[l.id]).length;
    if (item.rule === "全对得分") return right === item.left.length ? 1 : 0;
    return right / item.left.length;
  },
};

const named = (rights, index, lettered) => (lettered ? `${letter(index)}. ${rights[index].text}` : rights[index].text);

function row(ctx, left, index, rights, lettered, report) {
  const id = `${ctx.name}-left-${index}`;
  const select = field(
    "select",
    { class: "ql-select", "aria-labelledby": id, onchange: report },
    h("option", { value: "" }, "请选择"),
    ...rights.map((r, i) => h("option", { value: r.id }, named(rights, i, lettered))),
  );
  const note = h("div", { class: "ql-feedback", hidden: true });
  const verdict = h("span", { class: "ql-mark" });
  const element = h(
    "div",
    { class: "ql-pair" },
    h("span", { class: "ql-left", id, html: left.text }),
    h("span", { class: "ql-arrow", "aria-hidden": "true" }, "→"),
    h("span", { class: "ql-select-box" }, select, verdict),
    note,
  );
  return { id: left.id, select, note, verdict, element };
}

function mark(row, review, rights, lettered) {
  const place = review ? rights.findIndex((r) => r.id === review.key?.[row.id]) : -1;
  const given = review?.value?.[row.id];
  const right = given === review?.key?.[row.id];
  const state = given ? (right ? "right" : "wrong") : "missed";
  row.element.dataset.state = place < 0 ? "" : state;
  const should = place < 0 ? "" : `应配：${named(rights, place, lettered)}`;
  row.verdict.textContent = { right: "✓ 配对了", wrong: `✗ ${should}`, missed: should }[state];
  if (place < 0) row.verdict.textContent = "";
  const feedback = review?.feedback?.[row.id];
  row.note.hidden = place < 0 || !feedback || state !== "wrong";
  row.note.innerHTML = row.note.hidden ? "" : feedback;
}
