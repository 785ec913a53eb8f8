import { choices } from "../../quiz/js/choices.js";

/** @type {import("../../quiz/js/contract.js").View} */
export default {
  kind: "truefalse",
  hint: "判断对错",
  render: (ctx) => choices(ctx, { several: false, lettered: false }),
  filled: (_, value) => (value ? "full" : "none"),
  judge: (item, value) => (value === item.practice.key ? 1 : 0),
};
