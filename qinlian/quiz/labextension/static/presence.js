// Whether somebody is at the page. What nobody looks at need not cost the server anything: a kernel that the server
// ended for want of use is begun anew when somebody is there to use it, and not before.

const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];
/** Who did something so short a time ago (ms) is still there. */
const STAYS = 60_000;

/** @returns {{away: () => boolean, here: () => Promise<void>, stop: () => void}} */
export function presence() {
  let last = Date.now();
  let waiting = [];
  const sign = (event) => {
    // A page that changes under a mouse at rest is told of a movement by nothing.
    if (event.type === "pointermove" && !event.movementX && !event.movementY) return;
    last = Date.now();
    for (const go of waiting.splice(0)) go();
  };
  const shown = (event) => document.visibilityState === "visible" && sign(event);
  for (const name of SIGNS) window.addEventListener(name, sign, { capture: true, passive: true });
  document.addEventListener("visibilitychange", shown);
  const away = () => Date.now() - last > STAYS;
  return {
    away,
    /** Resolves as soon as somebody is there. */
    here: () => (away() ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()),
    stop() {
      for (const name of SIGNS) window.removeEventListener(name, sign, { capture: true });
      document.removeEventListener("visibilitychange", shown);
    },
  };
}
