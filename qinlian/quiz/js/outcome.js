// What became of one answer: the verdict, the explanation and what it rests on.
import { h } from "./dom.js";

const WORDS = { right: "答对了", part: "部分答对", wrong: "答错了", none: "没有作答" };
const SIGNS = { right: "✓", part: "◐", wrong: "✗", none: "—" };

/** right | part | wrong | none */
export function verdictOf(fraction, answered) {
  if (!answered) return "none";
  if (fraction >= 1) return "right";
  return fraction > 0 ? "part" : "wrong";
}

/** The verdict in words, as announced and shown. */
export function verdictText(fraction, answered) {
  const verdict = verdictOf(fraction, answered);
  return verdict === "part" ? `${WORDS.part}，得 ${Math.round(fraction * 100)}%` : WORDS[verdict];
}

/** The parts shown under an item; `words` says the verdict where right and wrong do not. */
export function outcome({ fraction, answered, explanation, citations }, words = verdictText) {
  const verdict = verdictOf(fraction, answered);
  const parts = [
    h(
      "p",
      { class: "ql-verdict", "data-verdict": verdict },
      h("span", { class: "ql-sign", "aria-hidden": "true" }, SIGNS[verdict]),
      words(fraction, answered),
    ),
  ];
  if (explanation) parts.push(h("div", { class: "ql-explain" }, h("strong", {}, "解析"), h("div", { html: explanation })));
  if (citations?.length) {
    parts.push(h("div", { class: "ql-cite" }, h("strong", {}, "依据"), h("ul", {}, ...citations.map((c) => h("li", {}, c)))));
  }
  return parts;
}
