// What every block has around it: the root, the voice for screen readers, the saving line, the alarm.
import { clock } from "./clock.js";
import { button, h, uniqueName } from "./dom.js";
import { Saver } from "./saver.js";

const LINE = { idle: "答案会自动保存", dirty: "未保存…", saving: "正在保存…", failed: "保存失败", refused: "没有保存" };
const ELSEWHERE = "已按另一页面的修改更新";
/** A public id: what was chosen. Anything else was written. */
const CHOSEN = /^[0-9a-f]{16}$/;

/** @typedef {ReturnType<typeof shell>} Shell */

/** @param {import("./contract.js").Model} model */
export function shell(model) {
  const voice = h("div", { class: "ql-voice", role: "status", "aria-live": "polite" });
  const alarm = h("div", { class: "ql-alarm", role: "alert" });
  const body = h("div", { class: "ql-block" });
  const kept = h("div", { class: "ql-kept", role: "status" });
  const root = h("div", { class: "ql-root", lang: "zh-CN" }, alarm, kept, body, voice);
  const line = h("span", { class: "ql-save", "data-state": "idle" }, LINE.idle);

  const saver = new Saver(model, {
    show(state, text) {
      line.dataset.state = state;
      line.textContent = state === "saved" ? `已保存 ${clock()}` : LINE[state];
      if (state === "failed") fail(text);
      else if (state === "refused") warn(text);
      else if (state === "saved") alarm.replaceChildren();
    },
    late: giveWay,
    // Whoever keeps the line to the host may be able to mend it.
    lost: () => root.dispatchEvent(new CustomEvent("qinlian:lost", { bubbles: true })),
  });

  function fail(text) {
    // Repeating it at every retry would drown out everything else.
    if (alarm.dataset.text === text && alarm.childElementCount) return;
    alarm.dataset.text = text;
    alarm.replaceChildren(
      h("strong", {}, "保存失败"),
      h("p", {}, `${text}。您的答案暂存在这个页面里，请先不要关闭；正在自动重试。`),
      h("p", {}, "如果一直不行，请刷新页面，答案会自动补存上去。"),
      button("重新保存", { class: "ql-button", onclick: saver.flush }),
    );
  }

  /** Something was changed here and later elsewhere: what stands there now is shown, and a text is not thrown away. */
  function giveWay(values) {
    const texts = values.flatMap((value) => (typeof value === "object" && value ? Object.values(value) : [value]));
    const written = texts.filter((text) => typeof text === "string" && text.trim() && !CHOSEN.test(text));
    kept.replaceChildren(
      h("p", {}, "这里先改、别处后改的内容，以后改的为准。"),
      ...written.map((text) => h("details", {}, h("summary", {}, "看这里没有采用的文字"), h("blockquote", {}, text))),
      button("知道了", { class: "ql-button ql-quiet", onclick: () => kept.replaceChildren() }),
    );
  }

  function warn(text) {
    alarm.dataset.text = "";
    alarm.replaceChildren(h("p", {}, text));
  }

  function say(text) {
    // The same words twice in a row are news only if the region was empty between.
    voice.textContent = "";
    setTimeout(() => (voice.textContent = text), 50);
  }

  return {
    name: uniqueName(),
    root,
    body,
    line,
    saver,
    say,
    warn,
    calm: () => alarm.replaceChildren(),
    /** Answers came from another page. */
    elsewhere() {
      line.dataset.state = "saved";
      line.textContent = `${ELSEWHERE} ${clock()}`;
      say(ELSEWHERE);
    },
    /** Called once the block is on the page. */
    begin() {
      const notice = model.get("status") ?? {};
      if (notice.kind === "notice") warn(notice.text);
      saver.restore();
    },
    /** The page goes away: a host may forget this view. */
    leave() {
      saver.leave();
      model.set("request", { id: uniqueName(), action: "bye" });
      model.save_changes();
    },
    stop: () => saver.stop(),
  };
}
