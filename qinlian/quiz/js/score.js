// How a graded quiz stands: the score, whether it passed, what to look at again.
import { moment } from "./clock.js";
import { h, number } from "./dom.js";

const passLine = (block) => number((block.points * block.pass_mark) / 100);

/** What a learner should know before answering. */
export function facts(block, context, attempt) {
  const list = [
    ["题数", `${block.items.length} 题`],
    ["满分", `${number(block.points)} 分`],
    ...(block.marked ? [["及格线", `${passLine(block)} 分`]] : [["成绩", "只作对照，不计分"]]),
  ];
  if (block.attempts > 1) {
    list.push(["作答机会", `共 ${block.attempts} 次，这是第 ${attempt} 次，成绩按${block.keep}一次计`]);
  } else list.push(["作答机会", "只有 1 次"]);
  if (context.due) list.push(["截止时间", deadline(context)]);
  return h(
    "dl",
    { class: "ql-facts" },
    ...list.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** When the learner's own time is over, and whether it is. */
function deadline(context) {
  const said = h("span", { "data-overdue": String(context.overdue) }, context.extended ? "已延期至 " : "", moment(context.due));
  if (context.overdue) said.append(context.extended ? "，已过期" : "（已过期）");
  return said;
}

/** Sentences of the grader about the submission. */
export function remarks(result) {
  const notes = result.notes ?? [];
  return notes.length ? h("ul", { class: "ql-notes" }, ...notes.map((n) => h("li", {}, n))) : "";
}

/** Why the newest submission was not taken: it counts as never sent. */
export function refusal(context) {
  if (!context.refused.length) return "";
  return h(
    "div",
    { class: "ql-refused" },
    h("p", {}, h("strong", {}, "最近一次提交没有收下"), "，可以重新提交。"),
    h("ul", { class: "ql-notes" }, ...context.refused.map((n) => h("li", {}, n))),
  );
}

/** Topics to look at again. */
export function topics(result, lead = "建议回看这些知识点") {
  if (!result.topics?.length) return "";
  return h(
    "div",
    { class: "ql-topics" },
    h("p", {}, lead),
    h("ul", {}, ...result.topics.map((t) => h("li", {}, t))),
  );
}

/** A test of what is known already: a figure to compare with later, neither good nor bad. */
function baseline(result) {
  return h(
    "div",
    { class: "ql-score" },
    h("p", { class: "ql-points" }, h("strong", {}, number(result.score)), h("span", {}, ` / ${number(result.points)} 分`)),
    h("div", {}, h("p", { class: "ql-passed" }, "摸底成绩"), h("p", { class: "ql-small" }, "不计分，学完全课再来对照。")),
  );
}

/** The card of a graded attempt. */
export function scoreCard(block, result) {
  if (!block.marked) return baseline(result);
  const counted =
    block.attempts > 1 && result.counted !== result.score
      ? `计入成绩的是${result.keep === "末次" ? "末次" : "最高一次"}：${number(result.counted)} 分`
      : "";
  return h(
    "div",
    { class: "ql-score", "data-passed": String(result.passed) },
    h(
      "p",
      { class: "ql-points" },
      h("strong", {}, number(result.score)),
      h("span", {}, ` / ${number(result.points)} 分`),
    ),
    h(
      "div",
      {},
      h("p", { class: "ql-passed" }, result.passed ? "已及格" : `未及格（及格线 ${passLine(block)} 分）`),
      h("p", { class: "ql-small" }, `第 ${result.attempt} 次作答`, counted ? `；${counted}` : ""),
    ),
  );
}
