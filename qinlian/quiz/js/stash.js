// Changes the server has not acknowledged, kept in this tab so that a dead kernel or server loses nothing.

/**
 * @param {{course: string, module: string}} context
 * @param {string} block
 */
export function stash(context, block) {
  const key = `qinlian/${context.course}/${context.module}/${block}`;
  return {
    /** @returns {{changes: Record<string, import("./contract.js").Change>} | null} */
    read() {
      try {
        const found = JSON.parse(sessionStorage.getItem(key) ?? "null");
        return found && typeof found.changes === "object" ? found : null;
      } catch {
        return null;
      }
    },
    /** Keeps `changes` (a Map), or forgets when there are none. */
    write(changes) {
      try {
        if (changes.size) sessionStorage.setItem(key, JSON.stringify({ changes: Object.fromEntries(changes) }));
        else sessionStorage.removeItem(key);
      } catch {
        // A browser that forbids or has filled its storage: saving to the server still works.
      }
    },
  };
}
