import { button, field, h, plain } from "../../quiz/js/dom.js";
import { MOST_STEPS, fraction, walk } from "./path.js";
import { remark, remarkWords, route } from "./route.js";

/** @type {import("../../quiz/js/contract.js").View} */
export default {
  kind: "decision",
  titled: true,
  whole: true,
  hint: "每一步选一个，看看会走到哪里",

  render(ctx) {
    const { item, name } = ctx;
    const told = h("ol", { class: "ql-told", "aria-label": "走过的路" });
    const now = h("div", { class: "ql-now", role: "group", tabindex: "-1" });
    const drawn = h("div", { class: "ql-route", hidden: true });
    let value = null;
    let locked = false;
    /** @type {any} the choice marked and not yet taken */
    let marked = null;
    set(ctx.value);

    function draw() {
      const walked = walk(item, value);
      const { steps, scene } = walked;
      marked = null;
      told.hidden = !steps.length;
      told.replaceChildren(...steps.map((step, index) => passed(step, index, index < steps.length - 1)));
      now.setAttribute("aria-label", scene.ending ? "结局" : `第 ${steps.length + 1} 步`);
      now.replaceChildren(
        h("p", { class: "ql-now-head" }, scene.ending ? "结局" : `第 ${steps.length + 1} 步`),
        ...scene.parts.map((part) => h("div", { class: "ql-scene", html: part.prose })),
        ...(scene.ending ? [bar(ways(walked))] : asked(walked)),
      );
      if (item.practice && steps.length) now.prepend(remark(steps.at(-1), item.practice, "刚才这一步"));
      if (!walked.whole) now.prepend(h("p", { class: "ql-small" }, "这个故事改过，从这里接着走。"));
    }

    /** A scene gone through: what was chosen there; its text unfolds. */
    function passed(step, index, remarked) {
      return h(
        "li",
        {},
        h(
          "details",
          {},
          h(
            "summary",
            { "data-lm-suppress-shortcuts": "true" },
            h("span", { class: "ql-told-no" }, `第 ${index + 1} 步`),
            h("span", { html: step.choice.text }),
          ),
          ...step.scene.parts.map((part) => h("div", { class: "ql-scene", html: part.prose })),
          remarked && item.practice ? remark(step, item.practice) : "",
        ),
      );
    }

    function bar(controls) {
      return locked ? "" : h("div", { class: "ql-bar ql-decide" }, ...controls);
    }

    /** The choices of a scene, and the button that takes the one marked. */
    function asked({ steps, scene }) {
      const back = ways({ steps, scene });
      if (steps.length >= MOST_STEPS) {
        const words = `走了 ${MOST_STEPS} 步还没有走到结局，不能再往前了。请从头再来。`;
        return [h("p", { class: "ql-caution" }, words), bar(back)];
      }
      const hint = h("span", { class: "ql-bar-hint", hidden: true }, "先选一个");
      const sure = h("div", { class: "ql-sure", role: "group", hidden: true });
      const go = button("就这么定", {
        class: "ql-button ql-main",
        onclick: () => {
          if (!marked) {
            hint.hidden = false;
            ctx.announce(hint.textContent);
            rows[0].querySelector("input").focus();
          } else if (marked.final) askAgain();
          else take(marked);
        },
      });
      const rows = scene.choices.map((choice) => {
        const input = field("input", {
          type: "radio",
          name: `${name}-${steps.length}`,
          value: choice.id,
          disabled: locked,
          onchange: () => {
            marked = choice;
            hint.hidden = true;
            calm();
          },
        });
        return h("label", { class: "ql-option" }, input, h("span", { class: "ql-option-text", html: choice.text }));
      });

      function calm() {
        sure.hidden = true;
        go.hidden = false;
      }

      function askAgain() {
        const words = `这一步走出去就不能退回了。就选“${plain(marked.text)}”吗？`;
        const back = button("再想想", {
          class: "ql-button ql-quiet",
          onclick: () => {
            calm();
            go.focus();
          },
        });
        sure.setAttribute("aria-label", words);
        const yes = button("就选它", { class: "ql-button ql-main", onclick: () => take(marked) });
        sure.replaceChildren(h("p", {}, words), h("div", { class: "ql-bar" }, yes, back));
        sure.hidden = false;
        go.hidden = true;
        ctx.announce(words);
        back.focus();
      }

      return [
        h("div", { class: "ql-options", role: "radiogroup", "aria-label": `第 ${steps.length + 1} 步，您怎么做` }, ...rows),
        sure,
        bar([go, hint, ...back]),
      ];
    }

    /** The ways back. */
    function ways({ steps, scene }) {
      const note = (words) => h("span", { class: "ql-small" }, words);
      if (!steps.length) return [note("多数时候可以退回上一步；有的一步走出去就回不来，那时会再问您一次。")];
      const stuck = !scene.ending && steps.length >= MOST_STEPS;
      const back = button("退回上一步", { class: "ql-button ql-quiet", onclick: () => goTo(value.slice(0, steps.length - 1)) });
      const again = button("从头再来", { class: "ql-link", onclick: () => goTo([]) });
      return [steps.at(-1).choice.final ? note("刚才那一步不能退回。") : back, item.practice || stuck ? again : ""];
    }

    function take(choice) {
      goTo([...walk(item, value).steps.map((s) => s.choice.id), choice.id], true);
    }

    function goTo(next, forward = false) {
      value = next.length ? next : null;
      ctx.change(value);
      draw();
      now.focus({ preventScroll: true });
      now.scrollIntoView({ block: "start" });
      const { steps, scene } = walk(item, value);
      const said = forward && item.practice ? [remarkWords(steps.at(-1), item.practice)] : [];
      said.push(scene.ending ? "走到了结局。" : `第 ${steps.length + 1} 步。`, ...scene.parts.map((p) => plain(p.prose)));
      ctx.announce(said.join(" "));
    }

    function set(next) {
      value = next;
      draw();
    }

    return {
      element: h("div", { class: "ql-decision" }, told, now, drawn),
      set,
      lock(next) {
        // Drawn anew only for a reason: it would take the focus and a mark that is not yet taken.
        if (locked === next) return;
        locked = next;
        draw();
      },
      review(review) {
        drawn.hidden = !review;
        drawn.replaceChildren(...(review ? route(item, review) : []));
        told.classList.toggle("ql-away", Boolean(review));
        now.classList.toggle("ql-away", Boolean(review));
      },
      focus: () => (now.querySelector("input") ?? now).focus(),
    };
  },

  filled(item, value) {
    if (!value?.length) return "none";
    const { scene, whole } = walk(item, value);
    return whole && scene.ending ? "full" : "part";
  },

  judge: (item, value) => fraction(item, value, item.practice.key),
};
