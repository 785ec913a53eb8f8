import { button, field, h } from "../../quiz/js/dom.js";
import { riskRow } from "./row.js";
import { done, wanted } from "./tally.js";

/** @type {import("../../quiz/js/contract.js").View} */
export default {
  kind: "selfcheck",
  titled: true,
  hint: "只看完成，不看评了几分",

  render(ctx) {
    const { item } = ctx;
    let value = ctx.value;
    let notes = { ...ctx.notes };
    let locked = false;
    /** @type {Map<string, ReturnType<typeof riskRow>>} */
    const rows = new Map();

    const pick = field(
      "select",
      { class: "ql-select", id: `${ctx.name}-post`, onchange: () => choose(pick.value) },
      h("option", { value: "" }, "请选择"),
      ...item.posts.map((p) => h("option", { value: p.id }, p.name)),
    );
    const about = h("p", { class: "ql-small" });
    const duties = h("div", { class: "ql-duties" });
    const own = h("div", { class: "ql-own" });
    const more = button("补充一个风险点", { class: "ql-button ql-quiet", onclick: () => add() });
    const count = h("span", { class: "ql-sc-count" });
    const sheet = button("下载我的自查表", { class: "ql-button", onclick: () => download() });
    const said = h("p", { class: "ql-small ql-sc-said" });
    const body = h("div", { class: "ql-sc-body" }, duties, own, h("div", { class: "ql-bar" }, more));
    const element = h(
      "div",
      { class: "ql-selfcheck" },
      promise(item.promise),
      h("div", { class: "ql-sc-post" }, h("label", { for: `${ctx.name}-post` }, "您的岗位"), pick, about),
      body,
      h("div", { class: "ql-bar" }, sheet, count),
      said,
    );
    draw();

    function post() {
      return item.posts.find((p) => p.id === value?.post);
    }

    function choose(id) {
      // The arrow keys pass through every post: what was rated waits among the notes and comes back.
      const next = { ...notes };
      for (const [risk, rating] of Object.entries(value?.rows ?? {})) next[`${risk}.on`] = rating.join(",");
      const rows = {};
      for (const risk of id ? [...risksOf(item.posts.find((p) => p.id === id)), ...ownIds()] : []) {
        const waiting = draft(next[`${risk}.on`]);
        if (!waiting.every((n) => n !== null)) continue;
        rows[risk] = waiting;
        delete next[`${risk}.on`];
      }
      value = id ? { post: id, rows } : null;
      ctx.change(value);
      if (JSON.stringify(next) !== JSON.stringify(notes)) {
        notes = next;
        ctx.note(notes);
      }
      draw();
      ctx.announce(id ? `${post().name}，共 ${post().duties.length} 项职责` : "没有选岗位");
    }

    /** Everything anew: another post, or an answer from outside. */
    function draw() {
      rows.clear();
      const chosen = post();
      pick.value = chosen?.id ?? "";
      body.hidden = !chosen;
      about.textContent = chosen?.about ?? "";
      duties.replaceChildren(...(chosen?.duties ?? []).map(duty));
      own.replaceChildren(h("h4", {}, "自己补充"), h("p", { class: "ql-small" }, "清单里没有、您却放心不下的，写在这里。"));
      for (const id of ownIds()) if (open(id)) own.append(row({ id }, true).element);
      tally();
      for (const r of rows.values()) r.lock(locked);
    }

    function duty(entry) {
      const parts = entry.risks.map((risk) => row(risk, false).element);
      return h("section", { class: "ql-duty" }, h("h4", {}, entry.title), ...parts);
    }

    function row(risk, added) {
      const made = riskRow({
        ctx,
        risk,
        added,
        rating: value.rows[risk.id] ?? draft(notes[`${risk.id}.on`]),
        on: open(risk.id),
        text: (name) => notes[`${risk.id}.${name}`] ?? "",
        rate: (rating) => rate(risk.id, rating),
        write: (name, text) => write(`${risk.id}.${name}`, text, true),
        remove: added ? () => remove(risk.id) : null,
      });
      rows.set(risk.id, made);
      return made;
    }

    function ownIds() {
      return Array.from({ length: item.own }, (_, i) => `own${i + 1}`);
    }

    function open(id) {
      return Boolean(value?.rows[id] || notes[`${id}.on`] !== undefined);
    }

    /** `rating` is null (not picked), or the three numbers, of which some may be missing. */
    function rate(id, rating) {
      const whole = rating?.every((n) => n !== null);
      const next = { ...value.rows };
      if (whole) next[id] = rating;
      else delete next[id];
      const had = Boolean(value.rows[id]);
      value = { post: value.post, rows: next };
      // What is begun and not finished is no answer yet, and waits among the notes.
      write(`${id}.on`, rating && !whole ? rating.map((n) => n ?? "-").join(",") : "");
      if (whole || had) ctx.change(value);
      tally();
    }

    function write(name, text, typing = false) {
      const next = { ...notes };
      if (text) next[name] = text;
      else delete next[name];
      if ((notes[name] ?? "") === text) return;
      notes = next;
      ctx.note(notes, typing);
    }

    function add() {
      const id = ownIds().find((i) => !open(i));
      if (!id) return;
      write(`${id}.on`, "-,-,-");
      const made = row({ id }, true);
      own.append(made.element);
      tally();
      made.focus();
    }

    function remove(id) {
      rate(id, null);
      const next = Object.fromEntries(Object.entries(notes).filter(([name]) => !name.startsWith(`${id}.`)));
      notes = next;
      ctx.note(notes);
      rows.get(id)?.element.remove();
      rows.delete(id);
      tally();
      ctx.announce("已删掉这一项");
      more.focus();
    }

    function tally() {
      const chosen = post();
      more.disabled = locked || ownIds().every(open);
      sheet.hidden = count.hidden = !chosen;
      if (chosen) count.textContent = `已完成 ${done(chosen, value.rows)} 项，应完成 ${wanted(item, chosen)} 项`;
    }

    /** Takes over what came from outside; the rows stay, and the focus in them, where the same ones are open. */
    function follow(take) {
      const rowsNow = () => JSON.stringify([value?.post, post() ? [...risksOf(post()), ...ownIds()].filter(open) : []]);
      const before = rowsNow();
      take();
      if (rowsNow() !== before) draw();
      else for (const [id, r] of rows) r.refresh(value.rows[id] ?? draft(notes[`${id}.on`]));
      tally();
    }

    async function download() {
      sheet.disabled = true;
      const status = await ctx.sheet();
      sheet.disabled = false;
      said.textContent = status.ok ? `已下载：${status.file.name}` : status.text;
      ctx.announce(said.textContent);
      if (status.ok) save(status.file);
    }

    return {
      element,
      set(next) {
        follow(() => (value = next));
      },
      setNotes(next) {
        follow(() => (notes = { ...next }));
      },
      lock(next) {
        locked = next;
        pick.disabled = locked;
        for (const r of rows.values()) r.lock(locked);
        tally();
      },
      review() {},
      focus: () => pick.focus(),
    };
  },

  filled(item, value) {
    const post = item.posts.find((p) => p.id === value?.post);
    const count = post ? done(post, value.rows) : 0;
    if (!count) return "none";
    return count >= wanted(item, post) ? "full" : "part";
  },

  verdict: (fraction, answered) => (fraction >= 1 ? "已完成" : answered ? "完成了一部分" : "没有完成"),
};

/** What stays and what travels: before the first field, and in full. */
function promise(lines) {
  return h(
    "div",
    { class: "ql-sc-promise" },
    h("p", {}, h("strong", {}, "动笔以前，先说清楚哪些留下、哪些交出去")),
    h("ul", {}, ...lines.map((line) => h("li", {}, line))),
  );
}

/** The ids of all risks of a post. */
function risksOf(post) {
  return post.duties.flatMap((duty) => duty.risks.map((risk) => risk.id));
}

/** "3,-,1" → [3, null, 1] */
function draft(text) {
  return (text ?? "-,-,-").split(",").map((n) => (n === "-" ? null : Number(n)));
}

function save({ name, data }) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
  const address = URL.createObjectURL(new Blob([bytes], { type }));
  const link = h("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
