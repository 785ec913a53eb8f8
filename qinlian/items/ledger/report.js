// What was found, missed and falsely accused, finding by finding, with the explanation of each.
import { button, h } from "../../quiz/js/dom.js";
import { credit, findings } from "./judge.js";

/**
 * The parts of the report on a reviewed ledger.
 * @param {{key: any, feedback: any}} result
 * @param {{rows: any[], flags: any, reasons: Map<string, string>, goTo: (row: any) => void}} seen
 */
export function report({ key, feedback }, { rows, flags, reasons, goTo }) {
  const groups = [...findings(key).values()].map((ids) => rows.filter((row) => ids.includes(row.id)));
  // Rows come by their numbers, and so do the findings.
  const listed = groups.filter((group) => group.length).sort((a, b) => a[0].number - b[0].number);
  const accused = rows.filter((row) => row.id in flags && !(row.id in key));
  const worth = listed.map((group) => group.reduce((sum, row) => sum + credit(key, flags, row.id), 0) / group.length);
  const whole = worth.filter((share) => share === 1).length;
  const missed = worth.filter((share) => share === 0).length;
  const sum = [`找全 ${whole} 处`, `部分找到 ${listed.length - whole - missed} 处`, `漏掉 ${missed} 处`].join("，");
  const parts = [
    h("p", {}, `共 ${listed.length} 处违规：${sum}；错标 ${accused.length} 行。`),
    h("ol", {}, ...listed.map((group, index) => finding(group, worth[index]))),
  ];
  if (accused.length) {
    const words = h("p", { class: "ql-ledger-found" }, h("strong", {}, "错标"), jumps(accused));
    parts.push(h("div", { "data-state": "wrong" }, words, h("p", {}, "这些行没有违反任何一条规矩。")));
  }
  return parts;

  function finding(group, share) {
    const state = share === 1 ? "right" : share ? "part" : "missed";
    const all = group.every((row) => row.id in flags);
    const verdict = { right: "✓ 找全了", part: all ? "◐ 原因没有选对" : "◐ 找到一部分", missed: "漏掉了" }[state];
    const told = group.map((row) => feedback?.[row.id]).find(Boolean);
    return h(
      "li",
      { "data-state": state },
      h(
        "p",
        { class: "ql-ledger-found" },
        h("strong", {}, reasons.get(key[group[0].id].reason)),
        h("span", { class: "ql-mark" }, verdict),
        jumps(group),
      ),
      told ? h("div", { html: told }) : "",
    );
  }

  function jumps(group) {
    const jump = (row) => button(`第 ${row.number} 行`, { class: "ql-link", onclick: () => goTo(row) });
    return h("span", { class: "ql-ledger-jumps" }, ...group.map(jump));
  }
}
