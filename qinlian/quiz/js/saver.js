// Brings changes to the host and knows at every moment whether they arrived.
//
// One request is under way at a time: hosts merge messages, so a second would replace the first. What
// changes meanwhile goes with the next one. Everything unacknowledged stays in the stash.
import { uniqueName } from "./dom.js";
import { stash } from "./stash.js";

const SOON = 300;
const TYPING = 800;
const PATIENCE = 6000;
/** Before an item's id: private notes on it, which travel with the answers up to the host and no further. */
export const NOTE = "note:";

/** @typedef {"idle" | "dirty" | "saving" | "saved" | "failed" | "refused"} SaveState */

export class Saver {
  /**
   * @param {import("./contract.js").Model} model
   * @param {(state: SaveState, text: string) => void} show
   */
  constructor(model, show) {
    this.model = model;
    this.show = show;
    this.stash = stash(model.get("context"), model.get("block").id);
    /** @type {Map<string, {value: any, at: number}>} */
    this.pending = new Map();
    this.flight = null;
    this.timer = 0;
    this.hear = () => this.#heard(model.get("status") ?? {});
    model.on("change:status", this.hear);
    this.flush = () => this.#send();
    this.hidden = () => document.visibilityState === "hidden" && this.#send();
    window.addEventListener("pagehide", this.flush);
    document.addEventListener("visibilitychange", this.hidden);
  }

  /** The unacknowledged value of an item, or undefined. */
  unsaved(item) {
    return this.pending.get(item)?.value;
  }

  has(item) {
    return this.pending.has(item);
  }

  /** Takes up what an earlier page of this tab could not save; returns how many answers. */
  restore() {
    const found = this.stash.read();
    const open = this.model.get("phase") === "open" || this.model.get("block").kind === "reflection";
    const items = this.model.get("items");
    for (const [key, change] of Object.entries(found?.changes ?? {})) {
      const noted = key.startsWith(NOTE);
      // Notes are nobody's business but the learner's, so no attempt and no deadline closes them.
      const usable = noted || (open && found.attempt === this.model.get("attempt"));
      if (usable && (noted ? key.slice(NOTE.length) : key) in items) this.pending.set(key, change);
    }
    if (this.pending.size) this.#send();
    else this.stash.write(0, this.pending);
    return this.pending.size;
  }

  change(item, value, typing = false) {
    this.pending.set(item, { value, at: Date.now() });
    this.stash.write(this.model.get("attempt"), this.pending);
    this.show("dirty", "");
    clearTimeout(this.timer);
    this.timer = setTimeout(this.flush, typing ? TYPING : SOON);
  }

  /** Saves what is left, then asks for `action` (with `more`); resolves to the status, whose `ok` tells. */
  async ask(action, more = {}) {
    const saved = await this.#settled();
    return saved.ok ? this.#request({ action, ...more }) : saved;
  }

  stop() {
    this.#send();
    clearTimeout(this.timer);
    clearTimeout(this.flight?.timer);
    this.model.off("change:status", this.hear);
    window.removeEventListener("pagehide", this.flush);
    document.removeEventListener("visibilitychange", this.hidden);
  }

  async #settled() {
    while (this.pending.size || this.flight) {
      const status = await (this.flight?.done ?? this.#send());
      if (!status.ok) return status;
    }
    return { ok: true };
  }

  #send() {
    clearTimeout(this.timer);
    if (this.flight) return this.flight.done;
    if (!this.pending.size) return Promise.resolve({ ok: true });
    const changes = Object.fromEntries([...this.pending].map(([item, change]) => [item, change.value]));
    const sent = new Map(this.pending);
    const now = Date.now();
    const ages = Object.fromEntries([...sent].map(([item, c]) => [item, (now - c.at) / 1000]).filter(([, age]) => age > 2));
    this.show("saving", "");
    return this.#request({ action: "save", changes, ages }, sent);
  }

  #request(body, sent = new Map()) {
    const id = uniqueName();
    const flight = { id, sent, timer: 0, finish: /** @type {(s: any) => void} */ (() => {}), done: Promise.resolve({}) };
    flight.done = new Promise((resolve) => (flight.finish = resolve));
    flight.timer = setTimeout(() => {
      const text = "服务器没有回应";
      this.#heard({ request: id, ok: false, kind: "failed", text });
    }, PATIENCE);
    this.flight = flight;
    this.model.set("request", { id, ...body });
    this.model.save_changes();
    return flight.done;
  }

  #heard(status) {
    const flight = this.flight;
    if (!flight || status.request !== flight.id) return;
    clearTimeout(flight.timer);
    this.flight = null;
    if (status.ok || status.kind === "refused") {
      for (const [item, change] of flight.sent) {
        if (this.pending.get(item) === change) this.pending.delete(item);
      }
      this.stash.write(this.model.get("attempt"), this.pending);
    }
    if (status.ok) {
      if (this.pending.size) this.#send();
      else if (flight.sent.size) this.show("saved", "");
    } else if (flight.sent.size) {
      this.show(status.kind === "refused" ? "refused" : "failed", status.text);
      // Whatever the reason was, it may pass by itself.
      if (status.kind !== "refused") this.timer = setTimeout(this.flush, PATIENCE);
    }
    flight.finish(status);
  }
}
