// The questions of one block, kept in step with the answers the host holds.
import { same } from "./dom.js";
import { Question } from "./question.js";
import { NOTE } from "./saver.js";

export class Sheet {
  /**
   * @param {import("./contract.js").Model} model
   * @param {import("./shell.js").Shell} frame
   * @param {Record<string, import("./contract.js").View>} views
   * @param {{label: (index: number) => string, changed?: (question: Question) => void,
   *   outside?: (question: Question) => void}} options   `outside` runs before a value from outside is shown
   */
  constructor(model, frame, views, { label, changed, outside }) {
    this.model = model;
    this.frame = frame;
    this.outside = outside;
    const items = model.get("items");
    const answers = model.get("answers");
    const notes = model.get("notes") ?? {};
    this.questions = model
      .get("block")
      .items.filter((id) => views[items[id]?.kind])
      .map((id, index) => {
        const question = new Question({
          id,
          item: items[id],
          view: views[items[id].kind],
          value: frame.saver.has(id) ? frame.saver.unsaved(id) : answers[id],
          notes: frame.saver.has(NOTE + id) ? frame.saver.unsaved(NOTE + id) : notes[id],
          name: frame.name,
          label: label(index),
          change: (value, typing) => {
            frame.saver.change(id, value, typing);
            changed?.(question);
          },
          note: (next, typing) => frame.saver.change(NOTE + id, next, typing),
          sheet: () => frame.saver.ask("sheet", { item: id }),
          settle: frame.saver.flush,
          announce: frame.say,
        });
        return question;
      });
  }

  get elements() {
    return this.questions.map((q) => q.element);
  }

  /** Takes over what the host holds now, but never over what is still to be saved. */
  follow() {
    const answers = this.model.get("answers");
    let moved = 0;
    for (const question of this.questions) {
      if (this.frame.saver.has(question.id)) {
        // Restored from the stash after the page was drawn.
        const own = this.frame.saver.unsaved(question.id);
        if (!same(own, question.value)) this.#show(question, own);
      } else if (!same(answers[question.id] ?? null, question.value)) {
        this.#show(question, answers[question.id] ?? null);
        moved += 1;
      }
    }
    moved += this.#notes();
    if (moved) this.frame.elsewhere();
    return moved;
  }

  /** The same for private notes alone, which no grading closes. */
  followNotes() {
    if (this.#notes()) this.frame.elsewhere();
  }

  #notes() {
    const notes = this.model.get("notes") ?? {};
    let moved = 0;
    for (const question of this.questions) {
      const key = NOTE + question.id;
      const held = this.frame.saver.has(key) ? this.frame.saver.unsaved(key) : (notes[question.id] ?? {});
      if (same(held, question.notes)) continue;
      question.setNotes(held);
      moved += this.frame.saver.has(key) ? 0 : 1;
    }
    return moved;
  }

  /** Whether anything here is for the learner alone, and so can be written at any time. */
  get private() {
    return this.questions.some((q) => q.control.setNotes);
  }

  #show(question, value) {
    this.outside?.(question);
    question.set(value);
  }

  lock(locked) {
    for (const question of this.questions) question.control.lock(locked);
  }

  get full() {
    return this.questions.filter((q) => q.filled === "full").length;
  }

  /** Questions that are not (wholly) answered. */
  get unfinished() {
    return this.questions.filter((q) => q.filled !== "full");
  }
}
