// One risk point: picked or not, its two numbers, the safeguard in place and the one to add.
import { button, field, h } from "../../quiz/js/dom.js";

/**
 * @param {object} options
 * @param {import("../../quiz/js/contract.js").ViewContext} options.ctx
 * @param {{id: string, risk?: string, measures?: string[]}} options.risk   without text: one the learner adds
 * @param {boolean} options.added
 * @param {(number | null)[]} options.rating   likelihood, consequence, safeguard
 * @param {boolean} options.on   picked
 * @param {(name: string) => string} options.text   a private text: now, add or text
 * @param {(rating: (number | null)[] | null) => void} options.rate
 * @param {(name: string, text: string) => void} options.write
 * @param {(() => void) | null} options.remove
 */
export function riskRow({ ctx, risk, added, rating, on, text, rate, write, remove }) {
  const { item } = ctx;
  const own = `${ctx.name}-${risk.id}`;
  let now = [...rating];
  let locked = false;
  /** Built when the risk is picked: most never are. @type {ReturnType<typeof panel> | null} */
  let inside = null;
  const box = added ? null : field("input", { type: "checkbox", id: `${own}-on`, onchange: () => toggle() });
  const badge = h("span", { class: "ql-level" });
  const element = h(
    "div",
    { class: "ql-risk", role: "group", "aria-label": risk.risk ?? "自己补充的风险点" },
    box ? h("label", { class: "ql-option" }, box, h("span", { class: "ql-option-text" }, risk.risk), badge) : "",
  );
  if (box) box.checked = on;
  if (on || added) open();
  show();

  function open() {
    inside ??= panel();
    element.append(inside.element);
    inside.refresh();
  }

  function toggle() {
    if (box.checked) {
      open();
      inside.lock(locked);
      rate(now);
    } else {
      inside?.element.remove();
      rate(null);
    }
    show();
  }

  function picked() {
    return added || box.checked;
  }

  function choose(place, number) {
    const before = now.every((n) => n !== null);
    now = now.with(place, number);
    rate(now);
    show();
    const whole = now.every((n) => n !== null);
    if (whole && !before) ctx.announce(`这一项评完了，等级${level(item, now)}`);
  }

  function show() {
    const rated = picked() && now[0] !== null && now[1] !== null;
    badge.textContent = rated ? `${level(item, now)} ${now[0]}×${now[1]}=${now[0] * now[1]}` : "";
    badge.dataset.level = rated ? level(item, now) : "";
    badge.setAttribute("aria-label", rated ? `等级${level(item, now)}` : "");
    badge.hidden = !rated;
    element.dataset.on = String(picked());
  }

  function panel() {
    const scales = [
      scale("可能性", item.likelihood.map((word, i) => [i + 1, word]), 0),
      scale("后果", item.consequence.map((word, i) => [i + 1, word]), 1),
      scale("现在有没有措施", [[1, "有"], [0, "没有"]], 2),
    ];
    const texts = [
      ...(added ? [note("text", "风险点（只存在您这里）", [])] : []),
      note("now", "现有措施（只存在您这里）", risk.measures ?? []),
      note("add", "我要添的措施（只存在您这里）", risk.measures ?? []),
    ];
    const [first, ...rest] = texts;
    const head = added ? h("div", { class: "ql-risk-head" }, badge, button("删掉这一项", { class: "ql-link", onclick: remove })) : "";
    return {
      element: h(
        "div",
        { class: "ql-risk-panel" },
        head,
        ...(added ? [first.element] : []),
        ...scales.map((s) => s.element),
        ...(added ? rest : texts).map((t) => t.element),
      ),
      refresh: () => [...scales, ...texts].forEach((part) => part.refresh()),
      lock(next) {
        for (const s of scales) s.lock(next);
        const drop = head && head.querySelector("button");
        if (drop) drop.disabled = next;
      },
      focus: () => first.focus(),
    };
  }

  /** A radio group; its options are (number, word). */
  function scale(title, options, place) {
    const inputs = options.map(([number]) =>
      field("input", { type: "radio", name: `${own}-${place}`, value: number, onchange: () => choose(place, number) }),
    );
    const labels = options.map(([number, word], i) =>
      h("label", { class: "ql-grade" }, inputs[i], place < 2 ? h("b", {}, String(number)) : "", h("span", {}, word)),
    );
    return {
      element: h("fieldset", { class: "ql-scale", "data-few": String(options.length < 3) }, h("legend", {}, title), h("div", { class: "ql-grades" }, ...labels)),
      refresh() {
        for (const input of inputs) input.checked = now[place] !== null && Number(input.value) === now[place];
      },
      lock(next) {
        for (const input of inputs) input.disabled = next;
      },
    };
  }

  /** A private text, with measures to tick into it. */
  function note(name, title, measures) {
    const area = field("textarea", {
      class: "ql-note",
      id: `${own}-${name}`,
      rows: 2,
      maxlength: 2000,
      // A Chinese input method reports every keystroke; only what it settles on is text.
      oninput: (event) => event.isComposing || report(),
      oncompositionend: () => report(),
      onblur: () => ctx.settle(),
    });
    const boxes = measures.map((measure) => {
      const tick = field("input", { type: "checkbox", onchange: () => put(measure, tick.checked) });
      return { measure, tick, element: h("label", { class: "ql-suggestion" }, tick, h("span", {}, measure)) };
    });
    const fold = measures.length
      ? h("details", { class: "ql-suggestions" }, h("summary", { "data-lm-suppress-shortcuts": "true" }, "从参考措施里勾"), ...boxes.map((b) => b.element))
      : "";

    const lines = () => area.value.split("\n");

    function put(measure, wanted) {
      const others = lines().filter((line) => line.trim() && line.trim() !== measure);
      area.value = (wanted ? [...others, measure] : others).join("\n");
      report();
      ctx.settle();
    }

    function report() {
      write(name, area.value.trim() ? area.value : "");
      sync();
    }

    function sync() {
      const there = lines().map((line) => line.trim());
      for (const b of boxes) b.tick.checked = there.includes(b.measure);
      area.style.height = "auto";
      if (area.scrollHeight) area.style.height = `${area.scrollHeight + 2}px`;
    }

    return {
      element: h("div", { class: "ql-noted" }, h("label", { for: `${own}-${name}` }, title), area, fold),
      refresh() {
        if (area.value.trim() !== text(name).trim()) area.value = text(name);
        sync();
      },
      focus: () => area.focus(),
    };
  }

  return {
    element,
    refresh(next) {
      now = [...next];
      inside?.refresh();
      show();
    },
    lock(next) {
      locked = next;
      if (box) box.disabled = next;
      inside?.lock(next);
    },
    focus: () => inside?.focus(),
  };
}

/** 高, 中 or 低 */
function level(item, [likelihood, consequence]) {
  return item.levels.find(([least]) => likelihood * consequence >= least)[1];
}
