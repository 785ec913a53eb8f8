// What opening a lesson means: its cells run by themselves, and nothing of a notebook is to be seen.

/** The only sources that are run unasked: a notebook that merely says it is a lesson runs nothing else. */
const OURS = {
  setup: /^from qinlian import open_lesson\s+lesson = open_lesson\(\)\s*$/,
  block: /^lesson\.show\("[A-Za-z0-9_.-]{1,100}"\)\s*$/,
};
const BRAND = "勤廉学堂";
const RESTARTS = 3;

/**
 * @param {{CodeCell: any, Widget: any, shell: any, home: string}} parts   of the front end, and where 我的学习 is
 * @returns {(panel: any) => Promise<void>} opens a notebook panel when it holds a lesson
 */
export function opener({ CodeCell, Widget, shell, home }) {
  return async (panel) => {
    await panel.context.ready;
    const marks = panel.context.model.getMetadata("qinlian");
    if (!marks?.lesson) return;
    dress(panel, marks);
    const banner = header(Widget, home, marks.title);
    panel.contentHeader.addWidget(banner.widget);
    panel.toolbar.hide();
    // Notebook's own bar with the file's name; its menu 查看 brings it back.
    shell.collapseTop?.();
    await keepRunning(panel, CodeCell, banner);
  };
}

const marksOf = (cell) => cell.model.getMetadata("qinlian") ?? {};

/** Hides what is not for reading, and takes the keys that would change the notebook. */
function dress(panel, marks) {
  panel.addClass("ql-lesson");
  panel.content.node.lang = "zh-CN";
  const quiet = (node) => node.setAttribute("data-lm-suppress-shortcuts", "true");
  const mark = () => {
    for (const cell of panel.content.widgets) {
      const { role, part, tone } = marksOf(cell);
      Object.assign(cell.node.dataset, { qlRole: role ?? "own", qlPart: part ?? "", qlTone: tone ?? "" });
      if (role) quiet(cell.node);
    }
  };
  quiet(panel.content.node);
  mark();
  panel.content.model.cells.changed.connect(() => requestAnimationFrame(mark));

  entitle(panel, `${marks.title ?? panel.title.label} · ${BRAND}`);
}

/** Names the browser's tab after the lesson while it is the one on show, not after its file. */
function entitle(panel, title) {
  const name = () => {
    if (panel.isVisible && document.title !== title) document.title = title;
  };
  // The front end sets its own title at many moments, most of them after this one.
  const watch = new MutationObserver(name);
  watch.observe(document.head, { childList: true, subtree: true, characterData: true });
  panel.disposed.connect(() => watch.disconnect());
  panel.content.activeCellChanged.connect(name);
  panel.sessionContext.statusChanged.connect(name);
  name();
}

/** The line above the lesson: the way back, and what is going on while there is nothing to see yet. */
function header(Widget, home, title) {
  const node = document.createElement("nav");
  node.className = "ql-lesson-head";
  node.lang = "zh-CN";
  node.setAttribute("aria-label", "课程导航");
  const back = document.createElement("a");
  back.href = home;
  back.textContent = "‹ 返回我的学习";
  const name = document.createElement("span");
  name.className = "ql-lesson-title";
  name.textContent = title ?? "";
  const state = document.createElement("span");
  state.className = "ql-lesson-state";
  state.setAttribute("role", "status");
  node.append(back, name, state);
  return { widget: new Widget({ node }), say: (text) => (state.textContent = text) };
}

/** Runs the lesson now, and again whenever there is a new kernel. */
async function keepRunning(panel, CodeCell, banner) {
  const session = panel.sessionContext;
  let ran = "";
  let turn = 0;
  let restarts = 0;

  async function run() {
    const kernel = session.session?.kernel;
    if (!kernel || panel.isDisposed) return;
    const mine = ++turn;
    console.warn("RUN", turn, performance.now());
    const clean = !panel.context.model.dirty;
    panel.addClass("ql-opening");
    banner.say("课程正在打开…");
    try {
      await kernel.info;
      for (const cell of panel.content.widgets) {
        if (mine !== turn || panel.isDisposed) return;
        const pattern = OURS[marksOf(cell).role];
        if (pattern?.test(cell.model.sharedModel.getSource().trim())) {
          const reply = await CodeCell.execute(cell, session);
          if (reply?.content.status === "error") throw new Error(reply.content.ename);
          // The first cell opens the lesson; what follows appears one by one below it.
          panel.removeClass("ql-opening");
        }
      }
      banner.say("");
    } catch {
      // A kernel that went away in the middle is followed by another, which runs the lesson again.
      if (mine === turn) banner.say("课程没有完全打开，请刷新页面");
    } finally {
      if (mine === turn) panel.removeClass("ql-opening");
      // Outputs are made anew at every opening: nothing of the learner's is in them, so nothing is unsaved.
      if (clean && !panel.isDisposed) panel.context.model.dirty = false;
    }
  }

  function status(_, now) {
    console.warn("STATUS", now, session.connectionStatus, session.session?.kernel?.id, session.hasNoKernel);
    const kernel = session.session?.kernel?.id ?? "";
    if (now === "restarting" || now === "autorestarting") {
      ran = "";
      banner.say("课程正在重新打开…");
    } else if (now === "starting" || (now === "idle" && ran !== kernel)) {
      // A kernel restarted from elsewhere says that it starts, and then nothing until it is asked.
      ran = kernel;
      run();
    } else if (now === "dead" && restarts < RESTARTS) {
      restarts += 1;
      ran = "";
      session.restartKernel().catch(() => banner.say("课程连接断开了，请刷新页面"));
    }
  }

  await session.ready;
  session.statusChanged.connect(status);
  session.connectionStatusChanged.connect((_, now) => console.warn("STATUS conn", now));
  session.kernelChanged.connect((_, now) => console.warn("STATUS kernel", JSON.stringify([now.oldValue?.id, now.newValue?.id])));
  ran = session.session?.kernel?.id ?? "";
  await run();
}
