// What became of a path: each step with its points, and the better branch where it was left.
import { h, number, plain } from "../../quiz/js/dom.js";
import { bestPath, better, walk } from "./path.js";

const SIGNS = { right: "✓", part: "◐", wrong: "✗" };

/** right | part | wrong: the most there was, less, nothing */
function stateOf(step, points) {
  if (!better(step, points).missed) return "right";
  return points[step.choice.id] > 0 ? "part" : "wrong";
}

function earned(step, points) {
  const { best, missed } = better(step, points);
  const got = `得 ${number(points[step.choice.id] ?? 0)} 分`;
  return missed ? `${got}，这里最多 ${number(points[best.id])} 分` : `${got}，是这里最多的`;
}

function ground(id, { key, feedback }) {
  const cited = key.citations[id];
  return [
    feedback[id] ? h("div", { class: "ql-why", html: feedback[id] }) : "",
    cited?.length ? h("p", { class: "ql-grounds" }, h("strong", {}, "依据 "), cited.join("；")) : "",
  ];
}

/**
 * What is said of one step: its points, feedback and articles.
 * @param {any} step
 * @param {{key: any, feedback: Record<string, string>}} known
 * @param {string} [title]
 */
export function remark(step, known, title = "") {
  return h(
    "div",
    { class: "ql-remark", "data-state": stateOf(step, known.key.points) },
    h("p", { class: "ql-earned" }, title ? h("strong", {}, `${title}：`) : "", earned(step, known.key.points)),
    ...ground(step.choice.id, known),
  );
}

/** The same in words. */
export function remarkWords(step, known) {
  return `刚才这一步${earned(step, known.key.points)}。${plain(known.feedback[step.choice.id] ?? "")}`;
}

/**
 * The path of an answer as a line of steps.
 * @param {any} item
 * @param {{value: string[] | null, fraction: number, key: any, feedback: Record<string, string>}} review
 */
export function route(item, review) {
  const { steps, scene } = walk(item, review.value);
  const { points } = review.key;
  const best = walk(item, bestPath(item, review.key));
  const stops = steps.map((step, index) => stop(step, index, review));
  stops.push(
    h(
      "li",
      { class: "ql-stop ql-stop-end" },
      h("p", { class: "ql-stop-head" }, scene.ending ? "结局" : "停在这里，没有走到结局"),
      ...scene.parts.map((part) => h("div", { class: "ql-scene", html: part.prose })),
    ),
  );
  const way = h(
    "details",
    { class: "ql-best", open: !steps.length },
    h("summary", { "data-lm-suppress-shortcuts": "true" }, `最好的走法（${best.steps.length} 步）`),
    h(
      "ol",
      {},
      ...best.steps.map((step) =>
        h("li", {}, h("span", { html: step.choice.text }), h("span", { class: "ql-worth" }, `${number(points[step.choice.id])} 分`)),
      ),
    ),
  );
  if (!steps.length) return [h("p", { class: "ql-route-sum" }, "还没有走。"), way];
  return [
    h("p", { class: "ql-route-sum" }, h("strong", {}, "您走的路"), `　${sum(item, review, steps, best.steps)}`),
    h("ol", { class: "ql-stops" }, ...stops),
    review.fraction < 1 ? way : "",
  ];
}

function sum(item, { key, fraction }, steps, best) {
  if (item.rule === "逐步得分") return `每一步得的分占当时最多的分，平均 ${Math.round(fraction * 100)}%`;
  const total = (some) => [...new Set(some.map((s) => s.choice.id))].reduce((all, id) => all + key.points[id], 0);
  return `一共得 ${number(total(steps))} 分，最好的走法得 ${number(total(best))} 分`;
}

function stop(step, index, review) {
  const { points } = review.key;
  const state = stateOf(step, points);
  const { best, missed } = better(step, points);
  const own = h(
    "div",
    { class: "ql-taken" },
    h(
      "p",
      { class: "ql-stop-head" },
      h("span", { class: "ql-sign", "aria-hidden": "true" }, SIGNS[state]),
      h("span", { html: step.choice.text }),
    ),
    h("p", { class: "ql-earned" }, earned(step, points)),
    ...ground(step.choice.id, review),
  );
  const branch = missed
    ? h(
        "div",
        { class: "ql-branch" },
        h("p", { class: "ql-branch-lead" }, "这里还有更好的一步"),
        h("p", { class: "ql-stop-head" }, h("span", { html: best.text })),
        h("p", { class: "ql-earned" }, `得 ${number(points[best.id])} 分`),
        ...ground(best.id, review),
      )
    : "";
  return h(
    "li",
    { class: "ql-stop", "data-state": state },
    h(
      "details",
      { class: "ql-then" },
      h("summary", { "data-lm-suppress-shortcuts": "true" }, `第 ${index + 1} 步　当时的情形`),
      ...step.scene.parts.map((part) => h("div", { class: "ql-scene", html: part.prose })),
    ),
    h("div", { class: "ql-fork" }, own, branch),
  );
}
