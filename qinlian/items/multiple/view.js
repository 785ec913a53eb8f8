import { choices } from "../../quiz/js/choices.js";

/** @type {import("../../quiz/js/contract.js").View} */
export default {
  kind: "multiple",
  hint: "选出所有符合的",
  render: (ctx) => choices(ctx, { several: true, lettered: true }),
  filled: (_, value) => (value?.length ? "full" : "none"),
  judge(item, value) {
    const keys = item.practice.key;
    const right = value.filter((v) => keys.includes(v)).length;
    const wrong = value.length - right;
    if (item.rule === "全对得分") return right === keys.length && !wrong ? 1 : 0;
    if (item.rule === "对错相抵") return Math.max(0, (right - wrong) / keys.length);
    return wrong ? 0 : right / keys.length;
  },
};
