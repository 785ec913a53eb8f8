// Practice: answer, look at the explanation, try again. Nothing here counts.
import { button, h } from "./dom.js";
import { verdictText } from "./outcome.js";
import { Sheet } from "./sheet.js";

/**
 * @param {import("./contract.js").Model} model
 * @param {import("./shell.js").Shell} frame
 * @param {Record<string, import("./contract.js").View>} views
 */
export function practice(model, frame, views) {
  const many = model.get("block").items.length > 1;
  const done = new Set();
  /** Item id → takes the explanation away again. @type {Map<string, () => void>} */
  const reopen = new Map();
  const count = h("span", { class: "ql-count" });
  const sheet = new Sheet(model, frame, views, {
    label: (i) => (many ? `第 ${i + 1} 题` : "想一想"),
    outside: (question) => reopen.get(question.id)?.(),
  });

  function tally() {
    count.textContent = many ? `已看解析 ${done.size}/${sheet.questions.length}` : "";
  }

  for (const question of sheet.questions) question.element.append(bar(question));

  function bar(question) {
    const look = button("查看解析", { class: "ql-button", onclick: () => (open ? again() : reveal()) });
    const hint = h("span", { class: "ql-bar-hint", hidden: true }, question.view.whole ? "先做完，再看解析" : "先作答，再看解析");
    let open = false;

    function reveal() {
      if (question.filled === "none" || (question.view.whole && question.filled !== "full")) {
        hint.hidden = false;
        frame.say(hint.textContent);
        question.control.focus();
        return;
      }
      hint.hidden = true;
      open = true;
      const { item, value } = question;
      const fraction = question.view.judge(item, value);
      question.control.lock(true);
      question.review({ fraction, answered: true, value, ...item.practice });
      look.textContent = "再做一次";
      frame.say(`${verdictText(fraction, true)}。${question.outcome.querySelector(".ql-explain")?.textContent ?? ""}`);
      done.add(question.id);
      frame.saver.flush();
      tally();
    }

    function close() {
      open = false;
      question.review(null);
      question.control.lock(false);
      look.textContent = "查看解析";
    }

    function again() {
      close();
      frame.say("可以重新作答");
      question.control.focus();
    }

    reopen.set(question.id, close);
    return h("div", { class: "ql-bar" }, look, hint);
  }

  tally();
  frame.body.append(
    many ? h("header", { class: "ql-head" }, h("p", { class: "ql-title" }, model.get("block").title || "练一练"), count) : "",
    ...sheet.elements,
    h("footer", { class: "ql-foot" }, frame.line),
  );
  return {
    update() {
      sheet.follow();
    },
  };
}
