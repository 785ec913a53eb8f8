// The types that the modules of this folder and items/<type>/view.js share. Documentation only.

/**
 * The host's side: an anywidget model, or an object of a page of ours with the same few methods.
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {(event: string, callback: () => void) => void} on
 * @property {(event: string, callback: () => void) => void} off
 * @property {() => void} save_changes
 */

/**
 * A change that the host has not acknowledged: `at` by this device's clock, `attempt` the one it belongs to.
 * @typedef {{value: any, at: number, attempt: number}} Change
 */

/**
 * What one item's view gets.
 * @typedef {object} ViewContext
 * @property {any} item               the published item
 * @property {any} value              the answer so far, or null
 * @property {string} name            unique on the page: prefix for ids and radio groups
 * @property {HTMLElement} stem       holds the stem; a view may put controls into it
 * @property {(value: any, typing?: boolean) => void} change   report the new answer (null: none);
 *                                    `typing` while keys are being pressed
 * @property {() => void} settle      report that typing paused (focus left a text)
 * @property {(text: string) => void} announce   say something to a screen reader
 * @property {Record<string, string>} notes   the learner's private notes on this item, text by name: never handed in
 * @property {(notes: Record<string, string>, typing?: boolean) => void} note   report changed notes, all of them
 * @property {() => Promise<any>} sheet   ask the host for a file of answer and notes; resolves to the status
 */

/**
 * What a learner may know of an answered item now.
 * @typedef {object} Review
 * @property {number} fraction
 * @property {any} value
 * @property {any} key
 * @property {Record<string, string>} feedback   element id → HTML
 */

/**
 * What a view gives back.
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {(value: any) => void} set          show this answer; must not move the focus
 * @property {(locked: boolean) => void} lock    whether it can be changed
 * @property {(review: Review | null) => void} review   mark right and wrong in place, or unmark
 * @property {() => void} focus
 * @property {(notes: Record<string, string>) => void} [setNotes]   show these notes; must not move the focus
 */

/**
 * `export default` of items/<type>/view.js.
 * @typedef {object} View
 * @property {string} kind                                    the folder's name
 * @property {string} [hint]                                  what to do, in a few words
 * @property {(ctx: ViewContext) => Control} render
 * @property {(item: any, value: any) => "none" | "part" | "full"} filled   how much is answered
 * @property {boolean} [whole]                                practice only: the explanation waits for a full answer
 * @property {(fraction: number, answered: boolean) => string} [verdict]   what became of it, where nothing is right or wrong
 * @property {boolean} [titled]                               its label stands alone, without 题
 * @property {(item: any, value: any) => number} [judge]      practice only: fraction in [0, 1]
 */

export {};
