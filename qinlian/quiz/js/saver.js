// Brings changes to the host and knows at every moment whether they arrived.
//
// One request is under way at a time: hosts merge messages, so a second would replace the first. What
// changes meanwhile goes with the next one. Everything unacknowledged stays in the stash. A request may lie
// for hours in a device that is out of reach, so each says when it was made and of which attempt it speaks.
import { uniqueName } from "./dom.js";
import { stash } from "./stash.js";

const SOON = 300;
const TYPING = 800;
const PATIENCE = 6000;
/** Requests without an answer before the page takes the line itself to be broken. */
const SILENCE = 3;
/** Before an item's id: private notes on it, which travel with the answers up to the host and no further. */
export const NOTE = "note:";

/**
 * How far the host's clock is ahead of this device's, in ms; null before it was heard of. Every message takes a
 * while, and one that was held up takes long: the quickest is nearest the truth.
 * @type {number | null}
 */
let ahead = null;
/** Whether the host has answered this page: only then is its clock known well enough to date a change by it. */
let met = false;
let greeted = false;

function hearClock(status) {
  if (!status?.clock) return;
  const now = status.clock * 1000 - Date.now();
  ahead = ahead === null ? now : Math.max(ahead, now);
}

/** A moment of this device, in seconds by the host's clock; undefined while nobody knows. */
const hostTime = (at) => (ahead === null ? undefined : (at + ahead) / 1000);

/** @typedef {"idle" | "dirty" | "saving" | "saved" | "failed" | "refused"} SaveState */

export class Saver {
  /**
   * @param {import("./contract.js").Model} model
   * @param {{show: (state: SaveState, text: string) => void, late: (values: any[]) => void, lost: () => void}} tell
   *   `late`: changes that gave way to later ones; `lost`: the host has not answered for long
   */
  constructor(model, { show, late, lost }) {
    this.model = model;
    this.show = show;
    this.late = late;
    this.lost = lost;
    this.stash = stash(model.get("context"), model.get("block").id);
    /** @type {Map<string, import("./contract.js").Change>} */
    this.pending = new Map();
    this.flight = null;
    this.timer = 0;
    /** Requests in a row that nobody answered. */
    this.silent = 0;
    /** Whether something may have happened that this page was not told. */
    this.unsure = false;
    hearClock(model.get("status"));
    this.hear = () => this.#heard(model.get("status") ?? {});
    model.on("change:status", this.hear);
    this.flush = () => this.#send();
    this.leave = () => this.#send(true);
    this.hidden = () => document.visibilityState === "hidden" && this.leave();
    this.back = () => {
      this.unsure = true;
      this.silent = 0;
      this.#send();
    };
    window.addEventListener("pagehide", this.leave);
    window.addEventListener("qinlian:back", this.back);
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
      const usable = noted || (open && change.attempt === this.model.get("attempt"));
      if (usable && (noted ? key.slice(NOTE.length) : key) in items) this.pending.set(key, change);
    }
    if (!this.pending.size) this.stash.write(this.pending);
    // One block greets the host for all of a page.
    if (!greeted) this.unsure = true;
    greeted = true;
    this.#send();
    return this.pending.size;
  }

  change(item, value, typing = false) {
    this.pending.set(item, { value, at: Date.now(), attempt: this.model.get("attempt") });
    this.stash.write(this.pending);
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
    window.removeEventListener("pagehide", this.leave);
    window.removeEventListener("qinlian:back", this.back);
    document.removeEventListener("visibilitychange", this.hidden);
  }

  async #settled() {
    while (this.pending.size || this.flight) {
      const status = await (this.flight?.done ?? this.#send());
      if (!status.ok) return status;
    }
    return { ok: true };
  }

  /** `now`: there may be no later. */
  #send(now = false) {
    clearTimeout(this.timer);
    if (this.flight) return this.flight.done;
    const wait = this.pending.size ? !met && !now : this.unsure;
    if (wait) return this.#request({ action: "look" });
    if (!this.pending.size) return Promise.resolve({ ok: true });
    // What was answered before another attempt began elsewhere goes by itself, for the host to refuse.
    const [{ attempt }] = this.pending.values();
    const sent = new Map([...this.pending].filter(([, change]) => change.attempt === attempt));
    const changes = Object.fromEntries([...sent].map(([item, change]) => [item, change.value]));
    const made = met ? Object.fromEntries([...sent].map(([item, change]) => [item, hostTime(change.at)])) : {};
    this.show("saving", "");
    return this.#request({ action: "save", changes, made, attempt }, sent);
  }

  #request(body, sent = new Map()) {
    const id = uniqueName();
    const flight = { id, sent, timer: 0, finish: /** @type {(s: any) => void} */ (() => {}), done: Promise.resolve({}) };
    flight.done = new Promise((resolve) => (flight.finish = resolve));
    flight.timer = setTimeout(() => this.#unanswered(id), PATIENCE);
    this.flight = flight;
    if (body.action === "look") this.unsure = false;
    this.model.set("request", { id, attempt: this.model.get("attempt"), sent: hostTime(Date.now()), ...body });
    this.model.save_changes();
    return flight.done;
  }

  #unanswered(id) {
    this.unsure = true;
    this.silent += 1;
    this.#heard({ request: id, ok: false, kind: "failed", text: "服务器没有回应" });
    if (this.silent % SILENCE === 0) this.lost();
  }

  #heard(status) {
    hearClock(status);
    const flight = this.flight;
    if (!flight || status.request !== flight.id) return;
    clearTimeout(flight.timer);
    this.flight = null;
    const gaveWay = new Set(status.older ?? []);
    const late = [...flight.sent].filter(([item, change]) => gaveWay.has(item) && this.pending.get(item) === change);
    if (status.ok || status.kind === "refused") {
      for (const [item, change] of flight.sent) {
        if (this.pending.get(item) === change) this.pending.delete(item);
      }
      this.stash.write(this.pending);
    }
    if (status.clock) {
      this.silent = 0;
      met = true;
    }
    if (status.ok) {
      if (flight.sent.size && !this.pending.size) this.show("saved", "");
      if (late.length) this.late(late.map(([, change]) => change.value));
      if (this.pending.size || this.unsure) this.#send();
    } else {
      if (flight.sent.size) this.show(status.kind === "refused" ? "refused" : "failed", status.text);
      // Whatever the reason was, it may pass by itself.
      if (status.kind !== "refused" && (this.pending.size || this.unsure)) this.timer = setTimeout(this.flush, PATIENCE);
    }
    flight.finish(status);
  }
}
