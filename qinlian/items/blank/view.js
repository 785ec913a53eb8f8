import { field, h } from "../../quiz/js/dom.js";

const BLANK = /[_＿]{4,}/;
const LONGEST = 200;

/** As the grader compares: width, case, white space and a closing full stop do not count. */
export function folded(text) {
  return text.normalize("NFKC").replace(/\s+/gu, "").toLowerCase().replace(/[。.]+$/u, "");
}

/** Puts one field into the stem for each run of underscores; returns the fields. */
function fields(ctx) {
  const asked = ctx.stem.textContent.trim().replace(new RegExp(BLANK, "g"), "（空）");
  const found = [];
  const walker = document.createTreeWalker(ctx.stem, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const start of texts) {
    let text = start;
    for (let hit = BLANK.exec(text.data); hit; hit = BLANK.exec(text.data)) {
      const id = ctx.item.blanks[found.length];
      if (!id) break;
      const rest = text.splitText(hit.index);
      text = rest.splitText(hit[0].length);
      found.push(makeField(ctx, id, found.length + 1, asked));
      rest.replaceWith(found.at(-1).element);
    }
  }
  return found;
}

function makeField(ctx, id, place, asked) {
  const input = field("input", {
    type: "text",
    class: "ql-blank",
    maxlength: LONGEST,
    autocomplete: "off",
    spellcheck: "false",
    // The whole sentence, for who hears the field without seeing what is around it.
    "aria-label": `第 ${place} 空：${asked}`,
    placeholder: `第${place}空`,
  });
  const mark = h("span", { class: "ql-mark" });
  return { id, place, input, mark, element: h("span", { class: "ql-blank-box" }, input, mark) };
}

/** @type {import("../../quiz/js/contract.js").View} */
export default {
  kind: "blank",
  hint: "在空里填写",

  render(ctx) {
    const blanks = fields(ctx);
    const notes = h("ul", { class: "ql-blank-notes", hidden: true });
    const value = () => Object.fromEntries(blanks.filter((b) => b.input.value.trim()).map((b) => [b.id, b.input.value]));
    const report = () => {
      const now = value();
      ctx.change(Object.keys(now).length ? now : null, true);
    };
    for (const blank of blanks) {
      fit(blank.input);
      // A Chinese input method reports every keystroke; only what it settles on is an answer.
      blank.input.addEventListener("input", (event) => {
        fit(blank.input);
        if (!event.isComposing) report();
      });
      blank.input.addEventListener("compositionend", report);
      blank.input.addEventListener("blur", () => ctx.settle());
    }
    set(ctx.value);

    function set(next) {
      for (const { id, input } of blanks) {
        const text = next?.[id] ?? "";
        if (input.value !== text) input.value = text;
        fit(input);
      }
    }

    return {
      element: notes,
      set,
      lock(locked) {
        for (const { input } of blanks) input.readOnly = locked;
      },
      review(review) {
        const rows = review ? blanks.map((b) => judged(b, review, ctx.item.practice?.accepted)) : [];
        if (!review) for (const b of blanks) unmark(b);
        notes.hidden = !rows.length;
        notes.replaceChildren(...rows);
      },
      focus: () => blanks[0]?.input.focus(),
    };
  },

  filled(item, value) {
    const count = item.blanks.filter((id) => value?.[id]?.trim()).length;
    if (!count) return "none";
    return count === item.blanks.length ? "full" : "part";
  },

  judge(item, value) {
    const { accepted } = item.practice;
    const right = item.blanks.filter((id) => accepted[id].includes(folded(value[id] ?? ""))).length;
    if (item.rule === "全对得分") return right === item.blanks.length ? 1 : 0;
    return right / item.blanks.length;
  },
};

/** A field as wide as what is in it, so that a sentence stays a sentence. */
function fit(input) {
  const wide = Array.from(input.value).reduce((sum, c) => sum + (c.charCodeAt(0) > 255 ? 2 : 1), 0);
  input.style.setProperty("--ql-chars", String(Math.min(40, Math.max(10, wide + 2))));
}

function unmark({ element, mark }) {
  delete element.dataset.state;
  mark.textContent = "";
}

function judged(blank, review, accepted) {
  const given = review.value?.[blank.id] ?? "";
  const key = review.key?.[blank.id] ?? "";
  // A graded item carries one wording of the answer only; the grader's feedback tells what was wrong.
  const right =
    review.fraction >= 1 || (accepted ? accepted[blank.id].includes(folded(given)) : folded(given) === folded(key));
  const sure = right || Boolean(accepted);
  blank.element.dataset.state = right ? "right" : sure ? "wrong" : "";
  blank.mark.textContent = right ? "✓" : sure ? "✗" : "";
  const note = review.feedback?.[blank.id];
  return h(
    "li",
    {},
    h("strong", {}, `第 ${blank.place} 空`),
    right ? "填对了" : `参考答案：${key}`,
    !right && note ? h("div", { class: "ql-feedback", html: note }) : "",
  );
}
