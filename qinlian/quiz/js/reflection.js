// A reflection: a text that a person reads. It can be changed at any time and handed in again.
import { ask } from "./dialog.js";
import { moment } from "./clock.js";
import { button, h, land, number } from "./dom.js";
import { refusal, remarks } from "./score.js";
import { Sheet } from "./sheet.js";

/**
 * @param {import("./contract.js").Model} model
 * @param {import("./shell.js").Shell} frame
 * @param {Record<string, import("./contract.js").View>} views
 */
export function reflection(model, frame, views) {
  const state = h("div", { class: "ql-state", role: "group", "aria-label": "提交和评阅", tabindex: "-1" });
  const submit = button("提交心得", { class: "ql-button ql-main", onclick: () => handIn() });
  const hint = h("span", { class: "ql-small" });
  const sheet = new Sheet(model, frame, views, { label: () => model.get("block").title || "写心得" });
  let phase = "";
  frame.body.append(
    state,
    ...sheet.elements,
    h("footer", { class: "ql-foot" }, h("div", { class: "ql-tally" }, frame.line, hint), submit),
  );

  function update() {
    const before = phase;
    phase = model.get("phase");
    const context = model.get("context");
    // Submitting hands in the whole lesson: a quiz that was begun would go with it.
    const quizOpen = context.others.some((o) => o.kind === "quiz" && o.blank < o.total);
    sheet.follow();
    submit.hidden = quizOpen || phase !== "open" || !context.classroom;
    hint.textContent = advice(quizOpen, context);
    const shown = JSON.stringify([phase, model.get("result"), context.refused, context.submitted_at]);
    if (state.dataset.shown !== shown) {
      state.dataset.shown = shown;
      state.replaceChildren(refusal(context), ...standing(model.get("result")));
    }
    if (before === "submitted" && phase === "open" && context.refused.length) {
      frame.say("提交没有收下，可以重新提交");
    } else if (before && before !== phase && phase !== "open") {
      frame.say(phase === "submitted" ? "心得已提交，等待老师评阅" : "老师评阅了您的心得");
    }
  }

  function advice(quizOpen, context) {
    if (!context.classroom) return "这里没有接入课堂，不能提交；请从“我的学习”打开课程。";
    if (quizOpen) return "提交测验时，心得会一起交上去。";
    if (phase !== "open") return "还可以修改；改了要重新提交，老师会重新评阅。";
    return context.changed ? "改动还没有提交。" : "写好后提交，由老师评阅。";
  }

  function standing(result) {
    if (phase === "submitted") {
      const at = moment(model.get("context").submitted_at);
      return [h("div", { class: "ql-waiting" }, h("p", {}, h("strong", {}, "待评阅"), ...(at ? ["，", at, " 提交"] : [])), h("p", {}, "老师评阅后，分数和评语会显示在这里。"))];
    }
    if (result.state !== "已评阅") return [];
    return [
      h(
        "div",
        { class: "ql-score" },
        h("p", { class: "ql-points" }, h("strong", {}, number(result.score ?? 0)), h("span", {}, ` / ${number(result.points)} 分`)),
        h(
          "div",
          {},
          h("p", { class: "ql-passed" }, phase === "open" ? "上次提交的评阅结果" : "已评阅"),
          // What an instructor typed is text, whatever it looks like.
          result.comment ? h("blockquote", { class: "ql-comment" }, result.comment) : h("p", { class: "ql-small" }, "老师没有留评语"),
        ),
      ),
      remarks(result),
    ];
  }

  async function handIn() {
    const [question] = sheet.questions;
    if (question.filled === "none") {
      frame.warn("心得还没有写，写好后再提交。");
      question.focus();
      return;
    }
    if (question.element.querySelector(":invalid")) {
      frame.warn("心得太长，删减后再提交。");
      question.focus();
      return;
    }
    const content = [h("p", {}, "提交后由老师评阅；之后仍可以修改并重新提交。")];
    if ((await ask(frame.root, { title: "提交心得？", content, confirm: "确认提交" })) !== "confirm") {
      submit.focus();
      return;
    }
    frame.calm();
    submit.disabled = true;
    submit.textContent = "正在提交…";
    const status = await frame.saver.ask("submit");
    submit.disabled = false;
    submit.textContent = "提交心得";
    update();
    if (status.ok) land(state);
    else frame.warn(`没有提交：${status.text}`);
  }

  update();
  return { update };
}
