// Prompts under the field: one at a time while little is written, each giving way as the text grows.
import { button, h } from "../../quiz/js/dom.js";

// Characters written per prompt where the author says nothing of the length, and the least that make sense.
const STEP = 60;
const LEAST = 15;
const FADING = 400;

/**
 * @param {{text: string}[] | undefined} list   HTML of our own build
 * @param {number[] | null} range   how long the text should be
 * @param {string} name   prefix for ids
 * @returns {{element: HTMLElement | null, id: string, follow: (length: number) => void, hide: (hidden: boolean) => void}}
 */
export function prompts(list, range, name) {
  const id = `${name}-prompt`;
  if (!list?.length) return { element: null, id: "", follow() {}, hide() {} };

  const place = h("span", { class: "ql-prompt-no" });
  const words = h("span", {});
  const current = h("p", { class: "ql-prompt", id }, place, words);
  const all = h("ol", { class: "ql-prompt-list", id: `${name}-prompts`, hidden: true }, ...list.map((p) => h("li", { html: p.text })));
  const more = button("看全部提示", {
    class: "ql-link",
    "aria-expanded": "false",
    "aria-controls": `${name}-prompts`,
    onclick: () => {
      all.hidden = !all.hidden;
      more.setAttribute("aria-expanded", String(!all.hidden));
      more.textContent = all.hidden ? "看全部提示" : "收起提示";
      show();
    },
  });
  const element = h("div", { class: "ql-prompts" }, h("div", { class: "ql-prompt-line" }, current, more), all);
  // All of them are behind the writer once the text has the length it should have at least.
  const step = Math.max(LEAST, range ? range[0] / list.length : STEP);
  let index = -1;
  let timer = 0;

  function show() {
    const shown = all.hidden && index < list.length;
    current.classList.toggle("ql-prompt-gone", !shown);
    current.hidden = !shown;
    place.textContent = shown ? `提示 ${index + 1} / ${list.length}` : "";
    if (shown) words.innerHTML = list[index].text;
    else words.replaceChildren();
  }

  function follow(length) {
    const next = Math.min(Math.floor(length / step), list.length);
    // It grows paler before it goes, in colours that can still be read.
    current.classList.toggle("ql-prompt-fading", length > 0 && (length / step) % 1 >= 0.5);
    if (next === index) return;
    const first = index < 0 || current.hidden;
    index = next;
    clearTimeout(timer);
    if (first) {
      show();
      return;
    }
    current.classList.add("ql-prompt-gone");
    timer = setTimeout(show, FADING);
  }

  return {
    element,
    id,
    follow,
    hide(hidden) {
      element.hidden = hidden;
    },
  };
}
