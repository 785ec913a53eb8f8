// How much of a self-check is done, as the Python type counts it.

/** Duties of which a risk was rated, and risks added by the learner. */
export function done(post, rows) {
  const rated = post.duties.filter((duty) => duty.risks.some((risk) => rows[risk.id])).length;
  return rated + Object.keys(rows).filter((id) => id.startsWith("own")).length;
}

/** How many are asked for. */
export function wanted(item, post) {
  return item.least ?? post.duties.length;
}
