import { field, h, number } from "../../quiz/js/dom.js";
import { prompts } from "./prompts.js";

// Characters, as the server counts them.
const LONGEST = 20_000;
const TOO_LONG = "超过 2 万字，超出的部分没有保存；请删减";

/** @type {import("../../quiz/js/contract.js").View} */
export default {
  kind: "reflection",

  render(ctx) {
    const count = h("span", { class: "ql-words", id: `${ctx.name}-words` });
    const hints = prompts(ctx.item.prompts, ctx.item.words, ctx.name);
    const text = field("textarea", {
      class: "ql-text",
      rows: 8,
      placeholder: "在这里写",
      // Not by reference: inside a notebook checkers take what is scrolled away for hidden.
      "aria-label": `写心得：${ctx.stem.textContent.trim()}`,
      "aria-describedby": `${hints.id} ${ctx.name}-words`.trim(),
      // A Chinese input method reports every keystroke; only what it settles on is text.
      oninput: (event) => (event.isComposing ? grow() : report()),
      oncompositionend: () => report(),
      onblur: () => ctx.settle(),
    });
    set(ctx.value);

    function report() {
      const before = text.validity.valid;
      grow();
      if (before && !text.validity.valid) ctx.announce(TOO_LONG);
      // What is over the limit stays on the page for the learner to shorten.
      const kept = text.validity.valid ? text.value : Array.from(text.value).slice(0, LONGEST).join("");
      ctx.change(kept.trim() ? kept : null, true);
    }

    function grow() {
      const length = Array.from(text.value).length;
      const over = length > LONGEST;
      text.setCustomValidity(over ? TOO_LONG : "");
      text.setAttribute("aria-invalid", String(over));
      count.classList.toggle("ql-over", over);
      count.textContent = over ? `连同空白 ${length} 字，${TOO_LONG}` : words(ctx.item.words, text.value);
      hints.follow(bare(text.value));
      text.style.height = "auto";
      // Before it is on the page it has no height to take.
      if (text.scrollHeight) text.style.height = `${text.scrollHeight + 2}px`;
    }

    function set(value) {
      if (text.value !== (value ?? "")) text.value = value ?? "";
      grow();
    }

    const criteria = h(
      "div",
      { class: "ql-criteria" },
      h("p", {}, `评分细则（共 ${number(ctx.item.points)} 分，由老师评阅）`),
      h("ul", {}, ...ctx.item.criteria.map((c) => h("li", {}, h("span", { html: c.text }), h("span", { class: "ql-worth" }, `${number(c.points)} 分`)))),
    );
    return {
      element: h("div", { class: "ql-reflection" }, criteria, text, hints.element, count),
      set,
      lock(locked) {
        text.readOnly = locked;
        hints.hide(locked);
      },
      review() {},
      focus: () => text.focus(),
    };
  },

  filled: (_, value) => (value?.trim() ? "full" : "none"),
};

/** Characters without white space. */
function bare(text) {
  return Array.from(text.replace(/\s+/gu, "")).length;
}

/** How long the text is, and how long it should be; never a refusal. */
function words(range, text) {
  const length = bare(text);
  if (!range) return `${length} 字`;
  const [least, most] = range;
  if (length && length < least) return `${length} 字，建议 ${least}—${most} 字，还差一些`;
  if (length > most) return `${length} 字，建议 ${least}—${most} 字，可以再精炼`;
  return `${length} 字，建议 ${least}—${most} 字`;
}
