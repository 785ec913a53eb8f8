// A path through a story as the page walks it, and what it is worth: as paths.py has it.

const BY_STEP = "逐步得分";
/** Choices of one path; no longer one is taken. */
export const MOST_STEPS = 60;

/**
 * A part or a choice holds when everything it asks for is remembered and nothing it bars.
 * @param {{if: string[], unless: string[]}} part
 * @param {Set<string>} flags
 */
function holds(part, flags) {
  return part.if.every((f) => flags.has(f)) && !part.unless.some((f) => flags.has(f));
}

/**
 * Where a learner stands: what is told there and what can be chosen.
 * @typedef {{id: string, ending: boolean, parts: any[], choices: any[]}} Scene
 */

/** @returns {Scene} */
function sceneOf(item, id, flags) {
  const node = item.nodes.find((n) => n.id === id);
  return {
    id,
    ending: node.ending,
    parts: node.parts.filter((p) => holds(p, flags)),
    choices: node.choices.filter((c) => holds(c, flags)),
  };
}

/**
 * Follows an answer from the start as far as the story has its steps.
 * @param {any} item   the published item
 * @param {string[] | null} value   ids of the choices taken
 * @returns {{steps: {scene: Scene, choice: any}[], scene: Scene, whole: boolean}}
 *   the steps taken, the scene they led to, and whether every one of them could be taken
 */
export function walk(item, value) {
  const steps = [];
  const flags = new Set();
  let scene = sceneOf(item, item.start, flags);
  for (const id of value ?? []) {
    const choice = scene.choices.find((c) => c.id === id);
    if (!choice) return { steps, scene, whole: false };
    steps.push({ scene, choice });
    for (const flag of choice.sets) flags.add(flag);
    scene = sceneOf(item, choice.to, flags);
  }
  return { steps, scene, whole: true };
}

// Sums of hundredths are exact.
const hundredths = (points, id) => Math.round((points[id] ?? 0) * 100);

function worth(points, ids) {
  return [...new Set(ids)].reduce((sum, id) => sum + hundredths(points, id), 0);
}

/**
 * The choice that earns the most at a scene, and whether the one taken earns less.
 * @param {{scene: Scene, choice: any}} step
 * @param {Record<string, number>} points
 */
export function better(step, points) {
  const best = step.scene.choices.reduce((a, b) => (hundredths(points, b.id) > hundredths(points, a.id) ? b : a));
  return { best, missed: hundredths(points, best.id) > hundredths(points, step.choice.id) };
}

/**
 * The fraction a path earns under the item's rule.
 * @param {any} item
 * @param {string[] | null} value
 * @param {{points: Record<string, number>, best: Record<string, string[]>}} key
 */
export function fraction(item, value, key) {
  const { steps, scene } = walk(item, value);
  if (item.rule !== BY_STEP) {
    const most = worth(key.points, key.best["路径得分"]);
    const ids = steps.map((s) => s.choice.id);
    return most ? Math.min(1, worth(key.points, ids) / most) : 0;
  }
  const seen = new Set();
  const parts = [];
  for (const step of steps) {
    const highest = hundredths(key.points, better(step, key.points).best.id);
    if (highest && !seen.has(step.choice.id)) parts.push(hundredths(key.points, step.choice.id) / highest);
    seen.add(step.choice.id);
  }
  if (!parts.length || !scene.ending) return 0;
  return parts.reduce((a, b) => a + b) / parts.length;
}

/** Ids of a best path under the item's rule. */
export function bestPath(item, key) {
  return key.best[item.rule] ?? key.best["路径得分"];
}
