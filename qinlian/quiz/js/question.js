// The frame of one item: number, type, stem, the view's controls, and what became of the answer.
import { h } from "./dom.js";
import { outcome } from "./outcome.js";

export class Question {
  /**
   * @param {{id: string, item: any, view: import("./contract.js").View, value: any, notes: any, name: string,
   *   label: string, change: (value: any, typing?: boolean) => void, note: (notes: any, typing?: boolean) => void,
   *   sheet: () => Promise<any>, settle: () => void, announce: (text: string) => void}} options
   */
  constructor({ id, item, view, value, notes, name, label, change, note, sheet, settle, announce }) {
    this.id = id;
    this.item = item;
    this.view = view;
    this.value = value ?? null;
    this.notes = notes ?? {};
    this.label = label;
    const own = `${name}-${id}`;
    this.stem = h("div", { class: "ql-stem", id: `${own}-stem`, html: item.stem });
    this.control = view.render({
      item,
      value: this.value,
      notes: this.notes,
      name: own,
      stem: this.stem,
      change: (next, typing) => {
        this.value = next;
        change(next, typing);
      },
      note: (next, typing) => {
        this.notes = next;
        note(next, typing);
      },
      sheet,
      settle,
      announce,
    });
    this.outcome = h("div", { class: "ql-outcome", hidden: true });
    const head = h(
      "legend",
      { class: "ql-item-head", id: `${own}-head` },
      h("span", { class: "ql-no" }, label),
      h("span", { class: "ql-kind" }, view.titled ? item.label : `${item.label}题`),
      view.hint ? h("span", { class: "ql-hint" }, view.hint) : "",
    );
    // A stem with fields in it would be read as a jumble of their contents.
    const labelled = this.stem.querySelector("input") ? `${own}-head` : `${own}-head ${own}-stem`;
    this.element = h(
      "fieldset",
      { class: "ql-item", "data-kind": item.kind, "aria-labelledby": labelled },
      head,
      this.stem,
      this.control.element,
      this.outcome,
    );
  }

  /** "none" | "part" | "full" */
  get filled() {
    return this.view.filled(this.item, this.value);
  }

  /** Shows a value that came from outside. */
  set(value) {
    this.value = value ?? null;
    this.control.set(this.value);
  }

  /** Shows notes that came from outside. */
  setNotes(notes) {
    this.notes = notes ?? {};
    this.control.setNotes?.(this.notes);
  }

  /**
   * Shows (or with null takes away) what became of the answer.
   * @param {{fraction: number, answered: boolean, value: any, key: any, feedback: any, explanation: string,
   *   citations: string[]} | null} result
   */
  review(result) {
    this.control.review(result);
    this.outcome.hidden = !result;
    this.outcome.replaceChildren(...(result ? outcome(result, this.view.verdict) : []));
    if (result) this.element.dataset.verdict = this.outcome.firstElementChild?.dataset.verdict ?? "";
    else delete this.element.dataset.verdict;
  }

  focus() {
    this.element.scrollIntoView({ block: "center" });
    this.control.focus();
  }
}
