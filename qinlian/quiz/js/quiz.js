// A graded quiz: open → submitted → graded, and open again while attempts remain.
import { moment } from "./clock.js";
import { ask } from "./dialog.js";
import { button, h, land, number } from "./dom.js";
import { facts, refusal, remarks, scoreCard, topics } from "./score.js";
import { Sheet } from "./sheet.js";

const ROUGH = { none: "还没有作答", part: "还没有答完" };

/**
 * @param {import("./contract.js").Model} model
 * @param {import("./shell.js").Shell} frame
 * @param {Record<string, import("./contract.js").View>} views
 */
export function quiz(model, frame, views) {
  const head = h("header", { class: "ql-head" });
  const state = h("div", { class: "ql-state", role: "group", "aria-label": "提交和成绩", tabindex: "-1" });
  const main = h("div", { class: "ql-questions" });
  const progress = h("span", { class: "ql-progress" });
  const meter = h("progress", { class: "ql-meter", "aria-hidden": "true" });
  const submit = button("提交测验", { class: "ql-button ql-main", onclick: () => handIn() });
  const foot = h("footer", { class: "ql-foot ql-sticky" }, h("div", { class: "ql-tally" }, progress, meter, frame.line), submit);
  frame.body.append(head, state, main, foot);

  /** @type {Sheet} */
  let sheet;
  let drawn = "";
  let phase = "";
  let sending = false;

  function tally() {
    const total = sheet.questions.length;
    progress.textContent = `已答 ${sheet.full}/${total}`;
    meter.max = total;
    meter.value = sheet.full;
  }

  function update() {
    const now = JSON.stringify([model.get("attempt"), model.get("block").items]);
    if (now !== drawn) {
      drawn = now;
      sheet = new Sheet(model, frame, views, { label: (i) => `第 ${i + 1} 题`, changed: tally });
      main.replaceChildren(...sheet.elements);
    }
    const before = phase;
    phase = model.get("phase");
    // A graded paper shows what was graded.
    if (phase !== "graded") sheet.follow();
    else sheet.followNotes();
    sheet.lock(sending || phase !== "open");
    // Where there are private notes, the line about saving stays.
    foot.hidden = phase !== "open" && !sheet.private;
    for (const part of [submit, progress, meter]) part.hidden = phase !== "open";
    submit.disabled = !model.get("context").classroom;
    submit.title = submit.disabled ? "这里没有接入课堂，不能提交；请从“我的学习”打开课程" : "";
    head.replaceChildren(
      h("h3", { class: "ql-title" }, model.get("block").title || "测验"),
      phase === "open" ? facts(model.get("block"), model.get("context"), model.get("attempt")) : "",
    );
    // Rebuilding what is already there would take the focus from a button in it.
    const { can_retake, waiting, refused, gone, submitted_at, due } = model.get("context");
    const told = [can_retake, waiting, refused, gone, submitted_at, due];
    const shown = JSON.stringify([phase, model.get("result"), ...told, model.get("attempt")]);
    if (state.dataset.shown !== shown) {
      state.dataset.shown = shown;
      state.replaceChildren(...standing());
      review();
    }
    tally();
    if (before && before !== phase) moved();
  }

  /** What stands above the questions in this phase. */
  function standing() {
    const result = model.get("result");
    if (phase === "submitted") return [pending()];
    const refused = refusal(model.get("context"));
    if (phase === "graded") return [refused, ...graded(result)];
    if (!result.attempt) return [refused];
    const text = `上一次（第 ${result.attempt} 次）得 ${number(result.score)} 分${verdict(result)}。`;
    return [refused, h("div", { class: "ql-last" }, h("p", {}, text), topics(result), remarks(result))];
  }

  function verdict(result) {
    if (!model.get("block").marked) return "";
    return result.passed ? "，已及格" : "，未及格";
  }

  function pending() {
    const at = moment(model.get("context").submitted_at);
    return h(
      "div",
      { class: "ql-waiting" },
      h("p", {}, h("strong", {}, "已提交"), at ? "，" : "", at),
      h("p", {}, "正在评分。成绩出来后会自动显示在这里，不用刷新，也可以先做别的。"),
    );
  }

  function graded(result) {
    const block = model.get("block");
    const left = block.attempts - result.attempt;
    const { can_retake, gone, submitted_at } = model.get("context");
    const withdrawn = gone ? h("p", { class: "ql-small" }, `有 ${gone} 题已从课程中撤下，不再显示，成绩不变。`) : "";
    const at = moment(submitted_at);
    const sent = at ? h("p", { class: "ql-small" }, "最近一次提交：", at) : "";
    const parts = [scoreCard(block, result), sent, withdrawn, remarks(result), topics(result)];
    if (can_retake) {
      const later = result.revealed ? "" : "答案和解析在及格或作答次数用完后公布。";
      parts.push(
        h(
          "div",
          { class: "ql-bar" },
          button("再做一次", { class: "ql-button ql-main", onclick: () => retake(left) }),
          h("span", { class: "ql-small" }, `还可以做 ${left} 次。${later}`),
        ),
      );
    } else if (!result.revealed) parts.push(h("p", { class: "ql-small" }, hidden(block)));
    return parts;
  }

  /** Why a graded paper that cannot be taken again shows no answers yet. */
  function hidden(block) {
    const { due, waiting } = model.get("context");
    if (block.reveal === "不公布") return "本测验不公布答案。";
    if (waiting) return "新的提交正在评分，评完后这里会自动更新。";
    return due ? h("span", {}, "答案和解析在 ", moment(due), " 截止后公布。") : "";
  }

  /** Marks every question as far as the result allows. */
  function review() {
    const result = model.get("result");
    const shown = phase === "graded" ? new Map((result.items ?? []).map((r) => [r.item, r])) : new Map();
    for (const question of sheet.questions) {
      const found = shown.get(question.id);
      if (found) question.set(found.value);
      question.review(found ?? null);
    }
    const summary = "看我这次的作答";
    if (phase === "graded" && !shown.size) {
      if (!main.querySelector("details")) {
        main.replaceChildren(h("details", { class: "ql-mine" }, h("summary", {}, summary), ...sheet.elements));
      }
    } else if (main.querySelector("details")) main.replaceChildren(...sheet.elements);
  }

  /** The phase changed under the learner's eyes. */
  function moved() {
    const result = model.get("result");
    if (phase === "submitted") frame.say("已提交，正在评分");
    else if (phase === "graded") frame.say(`成绩出来了：${number(result.score)} 分${verdict(result)}`);
    else if (model.get("context").refused.length) frame.say("提交没有收下，可以重新提交");
    else frame.say("新的一次作答开始了");
    if (phase === "open") head.scrollIntoView({ block: "start" });
    else if (main.contains(document.activeElement) || document.activeElement === document.body) state.scrollIntoView({ block: "center" });
  }

  async function handIn() {
    const choice = await ask(frame.root, { title: "提交测验？", content: warnings(), confirm: "确认提交" });
    const target = sheet.questions.find((q) => q.id === choice);
    if (target) target.focus();
    if (choice === "confirm") await send();
    else if (!target) submit.focus();
  }

  async function send() {
    // What is changed from here on would not be in the submission.
    sending = true;
    sheet.lock(true);
    const sent = await carryOut("submit", "正在提交…", "提交测验", submit);
    sending = false;
    update();
    if (sent) land(state);
    else submit.focus();
  }

  function warnings() {
    const context = model.get("context");
    const unfinished = sheet.unfinished;
    const content = [];
    if (unfinished.length) {
      content.push(h("p", {}, `还有 ${unfinished.length} 题没有答完，没答的题不得分：`), h("ul", { class: "ql-jump" }, ...unfinished.map(jump)));
    } else content.push(h("p", {}, "题目都答完了。"));
    for (const other of context.others) {
      const begun = other.kind === "quiz" && other.blank && other.blank < other.total;
      if (begun) {
        const rest = `本课的另一个测验还有 ${other.blank} 题没有作答。`;
        content.push(caution(`${rest}提交是整课一起交的，那个测验也会用掉一次机会。`));
      } else if (other.kind === "reflection" && other.blank) {
        content.push(caution("心得还没有写。可以先提交测验，写好后再单独提交心得。"));
      }
    }
    if (context.overdue) {
      content.push(caution("已经过了截止时间，这次会记为逾期提交；截止前交过的，成绩仍以截止前的为准。"));
    }
    const { attempts } = model.get("block");
    content.push(h("p", {}, attempts > 1 ? `提交后这一次不能再改。这是第 ${model.get("attempt")} 次，共 ${attempts} 次。` : "提交后不能再改。"));
    return content;
  }

  function caution(text) {
    return h("p", { class: "ql-caution" }, text);
  }

  function jump(question) {
    const go = (event) => event.target.closest("dialog").close(question.id);
    return h("li", {}, button(`${question.label} ${ROUGH[question.filled]}`, { class: "ql-link", onclick: go }));
  }

  async function retake(left) {
    const { keep } = model.get("block");
    const choice = await ask(frame.root, {
      title: "再做一次？",
      content: [
        h("p", {}, "会重新抽题，这一次的作答不再显示；已有的成绩保留。"),
        h("p", {}, `成绩按${keep}一次计，还可以做 ${left} 次。`),
      ],
      confirm: "开始",
      cancel: "先不做",
    });
    if (choice === "confirm") await carryOut("retake", "正在准备题目…", "再做一次", state.querySelector("button"));
  }

  async function carryOut(action, doing, label, control) {
    frame.calm();
    control.disabled = true;
    control.textContent = doing;
    const status = await frame.saver.ask(action);
    control.disabled = false;
    control.textContent = label;
    if (!status.ok) frame.warn(action === "submit" ? `没有提交：${status.text}` : status.text);
    return status.ok;
  }

  update();
  return { update };
}
