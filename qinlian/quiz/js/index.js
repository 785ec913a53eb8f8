// The front end of one block of a lesson. An anywidget module, and just as well a page's own script: it
// talks to the model it is given (contract.js) and to nothing else.
import views from "virtual:views";
import { practice } from "./practice.js";
import { quiz } from "./quiz.js";
import { reflection } from "./reflection.js";
import { shell } from "./shell.js";

const BLOCKS = { items: practice, quiz, reflection };
// The status, too: an answer of this page may have given way to one that the host has told long ago.
const WATCHED = ["block", "items", "answers", "notes", "result", "attempt", "phase", "context", "status"];

/** Shows the block in `el`; returns what takes it away. */
function render({ model, el }) {
  const frame = shell(model);
  const shown = BLOCKS[model.get("block").kind](model, frame, views);
  el.append(frame.root);
  frame.begin();
  shown.update();

  // A host sets several traits at once; the page follows once.
  let due = false;
  const follow = () => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      shown.update();
    });
  };
  for (const name of WATCHED) model.on(`change:${name}`, follow);
  const leave = () => frame.leave();
  window.addEventListener("pagehide", leave);
  return () => {
    window.removeEventListener("pagehide", leave);
    for (const name of WATCHED) model.off(`change:${name}`, follow);
    frame.leave();
    frame.stop();
    frame.root.remove();
  };
}

export { views };
export default { render };
