import { button, field, h } from "../../quiz/js/dom.js";
import { DONE, credit, flagged, fraction } from "./judge.js";
import { report } from "./report.js";
import { FIELDS, matches, readRows, sorted } from "./rows.js";

const PAUSE = 500;
const NARROW = 560;

/** @type {import("../../quiz/js/contract.js").View} */
export default {
  kind: "ledger",
  hint: "标出可疑的行，选上原因",
  titled: true,

  render: (ctx) => new Ledger(ctx).control,

  // Graded, nobody but the learner knows whether everything was looked at: they say so.
  filled(item, value) {
    if (!Object.keys(flagged(value)).length) return "none";
    return item.practice || value[DONE] ? "full" : "part";
  },

  judge: (item, value) => fraction(item.practice.key, value, item.rule),
};

class Ledger {
  constructor(ctx) {
    this.ctx = ctx;
    this.item = ctx.item;
    this.rows = readRows(ctx.item);
    this.byId = new Map(this.rows.map((row) => [row.id, row]));
    this.reasons = new Map(ctx.item.reasons.map((reason) => [reason.id, reason.name]));
    this.flags = {};
    this.pending = new Set();
    this.done = false;
    this.locked = false;
    this.result = null;
    this.order = { column: 1, down: false };
    this.parts = new Map(this.rows.map((row) => [row.id, this.#row(row)]));
    this.element = this.#frame();
    // What counts is the width of the column, not of the window: a notebook may have panels beside it.
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width) this.element.toggleAttribute("data-narrow", contentRect.width <= NARROW);
    }).observe(this.element);
    this.#arrange();
    this.#take(ctx.value);
    this.control = {
      element: this.element,
      set: (value) => this.#take(value),
      lock: (locked) => this.#lock(locked),
      review: (review) => this.#review(review),
      focus: () => this.search.focus(),
    };
  }

  // ---- building ----

  #frame() {
    const { name } = this.ctx;
    const { item } = this;
    const rules = h(
      "details",
      { class: "ql-ledger-rules", open: true },
      field("summary", {}, `本单位的规矩（${item.reasons.length} 条）`),
      h(
        "dl",
        {},
        ...item.reasons.map((r) => h("div", {}, h("dt", {}, r.name), h("dd", { html: r.text }))),
      ),
    );
    this.search = field("input", {
      type: "search",
      class: "ql-ledger-input",
      id: `${name}-search`,
      autocomplete: "off",
      oninput: () => this.#filter(),
    });
    this.category = field(
      "select",
      { class: "ql-ledger-input", id: `${name}-category`, onchange: () => this.#filter() },
      h("option", { value: "" }, "全部"),
      ...item.categories.map((c) => h("option", { value: c.name }, c.name)),
    );
    this.only = button("只看标出的", { class: "ql-button ql-quiet", "aria-pressed": "false", onclick: () => this.#toggleOnly() });
    const tools = h(
      "div",
      { class: "ql-ledger-tools" },
      h("label", { for: `${name}-search` }, "查找", this.search),
      h("label", { for: `${name}-category` }, "类别", this.category),
      this.only,
    );
    this.heads = item.columns.map((title, index) => {
      const sort = button(title, { class: "ql-ledger-sort", onclick: () => this.#sort(index) });
      return h("th", { role: "columnheader", scope: "col", "data-column": FIELDS[index] }, sort);
    });
    this.body = h("tbody", { role: "rowgroup" });
    const table = h(
      "table",
      { class: "ql-ledger-table", role: "table", "aria-label": "台账" },
      h(
        "thead",
        { role: "rowgroup" },
        h("tr", { role: "row" }, ...this.heads, h("th", { role: "columnheader", scope: "col", "data-column": "open" }, "凭证")),
      ),
      this.body,
    );
    this.count = h("p", { class: "ql-ledger-count" });
    this.finish = button("核查完毕", { class: "ql-button", "aria-pressed": "false", onclick: () => this.#finish() });
    this.finish.hidden = Boolean(item.practice);
    this.report = h("section", { class: "ql-ledger-report", hidden: true, "aria-label": "核查结果" });
    return h(
      "div",
      { class: "ql-ledger" },
      rules,
      tools,
      // Its own scrolling, so that the heads stay in sight; the keyboard scrolls it through the rows.
      h("div", { class: "ql-ledger-scroll" }, table),
      h("div", { class: "ql-ledger-foot" }, this.count, this.finish),
      this.report,
    );
  }

  #row(row) {
    const detail = `${this.ctx.name}-${row.number}`;
    const tag = h("span", { class: "ql-ledger-tag" });
    const open = button("凭证", {
      class: "ql-ledger-open",
      "aria-expanded": "false",
      "aria-label": `第 ${row.number} 行的凭证`,
      onclick: () => this.#open(row, open.getAttribute("aria-expanded") !== "true"),
    });
    const cell = (column, text) => h("td", { role: "cell", "data-column": column }, text);
    const line = h(
      "tr",
      { role: "row", class: "ql-ledger-row" },
      cell("number", String(row.number)),
      cell("date", row.day),
      cell("category", row.category),
      cell("subject", row.subject),
      cell("party", row.party),
      cell("handler", row.handler),
      cell("cents", row.amount),
      h("td", { role: "cell", "data-column": "open" }, open, tag),
    );
    return { line, open, tag, detail, below: null, toggle: null, select: null, note: null };
  }

  /** The row below, made when it is first looked at: sixty of them would be heavy. */
  #below(row) {
    const part = this.parts.get(row.id);
    if (part.below) return part;
    const reason = `${part.detail}-reason`;
    part.toggle = button("标为可疑", { class: "ql-button ql-ledger-toggle", onclick: () => this.#toggle(row) });
    part.select = field(
      "select",
      { class: "ql-ledger-input", id: reason, onchange: () => this.#reason(row) },
      h("option", { value: "" }, "请选原因"),
      ...this.item.reasons.map((r) => h("option", { value: r.id }, r.name)),
    );
    part.label = h("label", { for: reason }, "原因", part.select);
    part.note = h("div", { class: "ql-feedback", hidden: true });
    const facts = [[row.kind.party, row.party], ...row.kind.fields.map((name, i) => [name, row.details[i]])];
    const list = facts.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text)));
    const inside = h(
      "td",
      { role: "cell", colspan: "8" },
      h("dl", { class: "ql-ledger-facts" }, ...list),
      h("div", { class: "ql-ledger-flag" }, part.toggle, part.label),
      part.note,
    );
    part.below = h("tr", { role: "row", class: "ql-ledger-below", id: part.detail, hidden: true }, inside);
    part.open.setAttribute("aria-controls", part.detail);
    part.line.after(part.below);
    this.#draw(row);
    return part;
  }

  // ---- looking ----

  #open(row, show) {
    const part = this.#below(row);
    part.below.hidden = !show;
    part.open.setAttribute("aria-expanded", String(show));
  }

  #sort(column) {
    const down = this.order.column === column && !this.order.down;
    this.order = { column, down };
    this.#arrange();
    const way = typeof this.rows[0][FIELDS[column]] === "number" || column === 1 ? ["从小到大", "从大到小"] : ["顺序", "倒序"];
    this.ctx.announce(`按${this.item.columns[column]}${way[Number(down)]}排列`);
  }

  #arrange() {
    const { column, down } = this.order;
    this.heads.forEach((head, index) => {
      if (index === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const lines = sorted(this.rows, FIELDS[column], down).flatMap(({ id }) => {
      const { line, below } = this.parts.get(id);
      return below ? [line, below] : [line];
    });
    this.body.append(...lines);
  }

  #toggleOnly() {
    const on = this.only.getAttribute("aria-pressed") !== "true";
    this.only.setAttribute("aria-pressed", String(on));
    this.#filter();
  }

  #filter() {
    const shown = this.#show();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ctx.announce(shown ? `显示 ${shown} 行` : "没有符合的行"), PAUSE);
  }

  /** Hides what was not asked for; how many rows are left. */
  #show() {
    const marked = this.only.getAttribute("aria-pressed") === "true";
    let shown = 0;
    for (const row of this.rows) {
      const { line, below, open } = this.parts.get(row.id);
      const flag = row.id in this.flags || this.pending.has(row.id) || Boolean(this.result?.key && row.id in this.result.key);
      line.hidden = !matches(row, this.search.value, this.category.value) || (marked && !flag);
      if (below) below.hidden = line.hidden || open.getAttribute("aria-expanded") !== "true";
      shown += Number(!line.hidden);
    }
    this.#tell(shown);
    return shown;
  }

  #tell(shown) {
    const count = Object.keys(this.flags).length;
    const parts = [shown === this.rows.length ? `共 ${shown} 行` : `显示 ${shown} 行，共 ${this.rows.length} 行`];
    parts.push(count ? `已标 ${count} 行` : "还没有标");
    if (this.pending.size) parts.push(`${this.pending.size} 行还没有选原因，不计入`);
    this.count.textContent = parts.join("，");
  }

  // ---- flagging ----

  #toggle(row) {
    if (row.id in this.flags || this.pending.has(row.id)) {
      const had = row.id in this.flags;
      delete this.flags[row.id];
      this.pending.delete(row.id);
      this.#draw(row);
      this.ctx.announce(`第 ${row.number} 行不再标为可疑`);
      if (had) this.#changed();
    } else {
      this.pending.add(row.id);
      const part = this.#draw(row);
      part.select.focus();
      this.ctx.announce(`第 ${row.number} 行标为可疑，请选原因`);
    }
    this.#show();
  }

  #reason(row) {
    const { select } = this.parts.get(row.id);
    if (select.value) {
      this.flags[row.id] = select.value;
      this.pending.delete(row.id);
      this.ctx.announce(`第 ${row.number} 行：${this.reasons.get(select.value)}。已标 ${Object.keys(this.flags).length} 行`);
    } else {
      delete this.flags[row.id];
      this.pending.add(row.id);
    }
    this.#draw(row);
    this.#changed();
    this.#show();
  }

  #finish() {
    if (!Object.keys(this.flags).length) {
      this.ctx.announce("还没有标出可疑的行");
      this.search.focus();
      return;
    }
    this.done = !this.done;
    this.#drawFinish();
    this.ctx.announce(this.done ? "核查完毕，仍可以改" : "继续核查");
    this.#changed();
  }

  #changed() {
    if (!Object.keys(this.flags).length) this.done = false;
    this.#drawFinish();
    const value = { ...this.flags, ...(this.done ? { [DONE]: "yes" } : {}) };
    this.ctx.change(Object.keys(this.flags).length ? value : null);
  }

  #drawFinish() {
    this.finish.setAttribute("aria-pressed", String(this.done));
  }

  /** Shows how a row stands. */
  #draw(row) {
    const part = this.parts.get(row.id);
    const reason = this.flags[row.id];
    const on = Boolean(reason) || this.pending.has(row.id);
    const [state, words] = this.#standing(row.id, on ? (this.reasons.get(reason) ?? "可疑，请选原因") : "");
    part.line.dataset.state = state;
    part.tag.textContent = words;
    if (part.below) {
      part.below.dataset.state = state;
      part.toggle.setAttribute("aria-pressed", String(on));
      part.toggle.disabled = this.locked;
      part.select.disabled = this.locked;
      part.select.value = reason ?? "";
      part.label.hidden = !on;
      const told = this.result?.feedback?.[row.id];
      part.note.hidden = !told;
      part.note.innerHTML = told ?? "";
    }
    return part;
  }

  /** [state, words] of a row: flagged or not, and once it is known, rightly or wrongly. */
  #standing(id, flag) {
    const key = this.result?.key;
    if (!key) return [flag ? "flagged" : "", flag];
    if (!(id in key)) return flag ? ["wrong", `✗ 错标：${flag}`] : ["", ""];
    const name = this.reasons.get(key[id].reason);
    const worth = credit(key, this.flags, id);
    if (worth === 1) return ["right", `✓ ${name}`];
    return worth ? ["part", `◐ 应为${name}`] : ["missed", `漏标：${name}`];
  }

  // ---- what the frame asks for ----

  #take(value) {
    const known = Object.entries(flagged(value)).filter(([id, reason]) => this.byId.has(id) && this.reasons.has(reason));
    this.flags = Object.fromEntries(known);
    for (const id of Object.keys(this.flags)) this.pending.delete(id);
    this.done = Boolean(value?.[DONE]) && known.length > 0;
    for (const row of this.rows) this.#draw(row);
    this.#drawFinish();
    this.#show();
  }

  #lock(locked) {
    this.locked = locked;
    this.finish.disabled = locked;
    if (locked) this.pending.clear();
    for (const row of this.rows) this.#draw(row);
    this.#show();
  }

  #review(review) {
    this.result = review?.key ? review : null;
    this.only.textContent = this.result ? "只看标出的和漏掉的" : "只看标出的";
    for (const row of this.rows) this.#draw(row);
    this.report.hidden = !this.result;
    const seen = { rows: this.rows, flags: this.flags, reasons: this.reasons, goTo: (row) => this.#goTo(row) };
    this.report.replaceChildren(...(this.result ? report(this.result, seen) : []));
    this.#show();
  }

  #goTo(row) {
    const part = this.parts.get(row.id);
    if (part.line.hidden) {
      this.search.value = "";
      this.category.value = "";
      this.only.setAttribute("aria-pressed", "false");
      this.#show();
    }
    this.#open(row, true);
    part.open.focus({ preventScroll: true });
    part.line.scrollIntoView({ block: "center" });
  }
}
