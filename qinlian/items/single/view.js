import { choices } from "../../quiz/js/choices.js";

/** @type {import("../../quiz/js/contract.js").View} */
export default {
  kind: "single",
  hint: "选一项",
  render: (ctx) => choices(ctx, { several: false, lettered: true }),
  filled: (_, value) => (value ? "full" : "none"),
  judge: (item, value) => (value === item.practice.key ? 1 : 0),
};
