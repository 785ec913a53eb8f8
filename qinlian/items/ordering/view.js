import { button, h, letter, plain } from "../../quiz/js/dom.js";

/** @type {import("../../quiz/js/contract.js").View} */
export default {
  kind: "ordering",
  hint: "排出先后次序",

  render(ctx) {
    const list = h("ol", { class: "ql-steps" });
    const rows = new Map(ctx.item.options.map((option, index) => [option.id, row(option, index)]));
    let order = [];
    let locked = false;
    let answered = false;

    const keep = button("就按这个次序", {
      class: "ql-button",
      onclick: () => {
        commit();
        ctx.announce("已按现在的次序作答");
        first().focus();
      },
    });
    const tip = h("p", { class: "ql-small ql-untouched" }, "还没有排过。如果现在的次序就是您的答案，请按 ", keep);
    set(ctx.value);

    function first() {
      return rows.get(order[0]).up;
    }

    function row(option, index) {
      const words = plain(option.text);
      const up = button("上移", { class: "ql-move", onclick: () => move(option.id, -1, "up") });
      const down = button("下移", { class: "ql-move", onclick: () => move(option.id, 1, "down") });
      const place = h("span", { class: "ql-place" });
      const mark = h("span", { class: "ql-mark" });
      const note = h("div", { class: "ql-feedback", hidden: true });
      const element = h(
        "li",
        { class: "ql-step" },
        place,
        h("span", { class: "ql-letter" }, `${letter(index)}.`),
        h("span", { class: "ql-option-text", html: option.text }),
        mark,
        h("span", { class: "ql-moves" }, up, down),
        note,
      );
      element.addEventListener("keydown", (event) => {
        const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!by || event.target.tagName !== "BUTTON") return;
        event.preventDefault();
        move(option.id, by, by < 0 ? "up" : "down");
      });
      return { words, up, down, place, mark, note, element };
    }

    function move(id, by, side) {
      if (locked) return;
      const from = order.indexOf(id);
      const to = from + by;
      const { words } = rows.get(id);
      if (to < 0 || to >= order.length) {
        ctx.announce(`“${words}”已经在${by < 0 ? "最前" : "最后"}`);
        return;
      }
      order.splice(to, 0, ...order.splice(from, 1));
      commit();
      rows.get(id)[side].focus();
      ctx.announce(`“${words}”移到第 ${to + 1} 位，共 ${order.length} 位`);
    }

    function commit() {
      answered = true;
      draw();
      ctx.change([...order]);
    }

    function draw() {
      tip.hidden = answered || locked;
      // Moving a node drops its focus, so nodes that stand right are left alone.
      order.forEach((id, index) => {
        const { element, place, up, down, words } = rows.get(id);
        if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
        place.textContent = String(index + 1);
        up.setAttribute("aria-label", `上移“${words}”，现在第 ${index + 1} 位`);
        down.setAttribute("aria-label", `下移“${words}”，现在第 ${index + 1} 位`);
        // Not `disabled`: the focus must stay on the button at the end of the way.
        up.setAttribute("aria-disabled", String(locked || index === 0));
        down.setAttribute("aria-disabled", String(locked || index === order.length - 1));
      });
    }

    function set(value) {
      order = value ? [...value] : ctx.item.options.map((o) => o.id);
      answered = Boolean(value);
      draw();
    }

    return {
      element: h("div", { class: "ql-ordering" }, list, tip),
      set,
      lock(now) {
        locked = now;
        list.dataset.locked = String(now);
        for (const { up } of rows.values()) up.parentElement.hidden = now;
        draw();
      },
      review(review) {
        for (const [id, r] of rows) judged(r, id, review);
      },
      focus: () => first().focus(),
    };
  },

  filled: (_, value) => (value?.length ? "full" : "none"),

  judge(item, value) {
    const { key } = item.practice;
    const right = key.filter((id, i) => value[i] === id).length;
    if (item.rule === "全对得分") return right === key.length ? 1 : 0;
    return right / key.length;
  },
};

/** Marks one step: right, wrong, or (when nothing was answered) only where it belongs. */
function judged({ element, mark, note }, id, review) {
  const should = review?.key?.indexOf(id) ?? -1;
  const right = review?.value?.[should] === id;
  const state = review?.value ? (right ? "right" : "wrong") : "missed";
  const feedback = review?.feedback?.[id];
  element.dataset.state = should < 0 ? "" : state;
  mark.textContent = should < 0 ? "" : right ? "✓" : `应在第 ${should + 1} 位`;
  note.hidden = !feedback || state !== "wrong";
  note.innerHTML = note.hidden ? "" : feedback;
}
