// A question that waits for an answer, in the page's own style; focus stays inside and comes back after.
import { button, h, uniqueName } from "./dom.js";

const DOUBLE = 500;

/** Takes the rest of a double click, which would otherwise hit what lies below a dialog just closed. */
function swallow() {
  const take = (event) => {
    if (event.detail < 2) return;
    event.preventDefault();
    event.stopPropagation();
  };
  for (const kind of ["mousedown", "click"]) {
    document.addEventListener(kind, take, true);
    setTimeout(() => document.removeEventListener(kind, take, true), DOUBLE);
  }
}

/**
 * @param {HTMLElement} root   where the dialog is put (it inherits our styles there)
 * @param {{title: string, content: (Node | string)[], confirm: string, cancel?: string}} options
 * @returns {Promise<string>} "confirm", "cancel", or what a control of the content closed it with
 *   (`event.target.closest("dialog").close(value)`)
 */
export function ask(root, { title, content, confirm, cancel = "再想想" }) {
  const id = uniqueName();
  const dialog = h(
    "dialog",
    { class: "ql-dialog", "aria-labelledby": id },
    h("h3", { id }, title),
    ...content,
    h(
      "div",
      { class: "ql-dialog-bar" },
      button(cancel, { class: "ql-button ql-quiet", onclick: () => dialog.close("cancel") }),
      button(confirm, { class: "ql-button ql-main", onclick: () => dialog.close("confirm") }),
    ),
  );
  // Keys pressed here are no shortcuts of the notebook below.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  root.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      swallow();
      resolve(dialog.returnValue || "cancel");
    });
    dialog.showModal();
  });
}
