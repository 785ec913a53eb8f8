// What opening a lesson means: its cells run by themselves, and nothing of a notebook is to be seen.
import { presence } from "./presence.js";

/** The only sources that are run unasked: a notebook that merely says it is a lesson runs nothing else. */
const OURS = {
  setup: /^from qinlian import open_lesson\s+lesson = open_lesson\(\)\s*$/,
  block: /^lesson\.show\("[A-Za-z0-9_.-]{1,100}"\)\s*$/,
  board: /^from qinlian\.reports\.dashboard import show\s+show\(\)\s*$/,
};
const BRAND = "勤廉学堂";
const TRIES = 60;
const BETWEEN = 5000;
/** A line that was mended is given so long before it is mended again: a slow server is not to be hurried. */
const LINE_LIFE = 60_000;
const SETTLING = 20_000;

const TOO_SOON = 2000;
const IN_TIME = 120_000;

/**
 * A widget that was not ready within two seconds is never told anything again (anywidget 0.11). On a slow telephone,
 * or while the widgets of another device are restored beside the lesson's own, that takes longer.
 */
export function giveWidgetsTime() {
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (ms) => timeout(ms === TOO_SOON ? IN_TIME : ms);
}

/**
 * @param {{CodeCell: any, Dialog: any, Widget: any, app: any, home: string}} parts   of the front end, and where 我的学习 is
 * @returns {(panel: any) => Promise<void>} opens a notebook panel when it holds a lesson
 */
export function opener({ CodeCell, Dialog, Widget, app, home }) {
  return async (panel) => {
    await panel.context.ready;
    const marks = panel.context.model.getMetadata("qinlian");
    if (!marks?.lesson && !marks?.board) return;
    dress(panel, marks);
    // The instructor's dashboard opens in the same way, where there is no 我的学习 to go back to.
    const banner = header(Widget, marks.board ? "" : home, marks.title);
    panel.contentHeader.addWidget(banner.widget);
    panel.toolbar.hide();
    foldTop(panel, app);
    await keepRunning(panel, CodeCell, Dialog, banner, home, marks.board ? "看板" : "课程");
  };
}

/** Folds Notebook's own bar with the file's name; its menu 查看 brings it back. */
function foldTop(panel, app) {
  if (!app.shell.collapseTop) return;
  // Notebook unfolds it whenever the window grows past a phone's width; it was first to listen.
  const fold = () => panel.isVisible && app.shell.collapseTop();
  app.shell.collapseTop();
  app.formatChanged.connect(fold);
  panel.disposed.connect(() => app.formatChanged.disconnect(fold));
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
  // A double click picks a word; it must not turn the paragraph into its source.
  const whole = (event) => event.target.closest?.(".jp-MarkdownCell[data-ql-role]:not([data-ql-role='own'])") && event.stopPropagation();
  panel.node.addEventListener("dblclick", whole, true);
  // The front end puts the focus on the first cell by itself: that is no reason to draw a frame around it.
  const keys = () => panel.addClass("ql-keys");
  panel.node.addEventListener("keydown", keys, { capture: true, once: true });
  // Jupyter calls the list of cells a feed, but its children are no articles to a screen reader.
  for (const feed of panel.content.node.querySelectorAll("[role='feed']")) feed.removeAttribute("role");
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

/** The line above the lesson: the way back, where there is one, and what is going on while there is nothing to see yet. */
function header(Widget, home, title) {
  const node = document.createElement("nav");
  node.className = "ql-lesson-head";
  node.lang = "zh-CN";
  node.setAttribute("aria-label", "课程导航");
  if (home) {
    const back = document.createElement("a");
    back.href = home;
    back.textContent = "‹ 返回我的学习";
    node.append(back);
  }
  const name = document.createElement("span");
  name.className = "ql-lesson-title";
  name.textContent = title ?? "";
  const state = document.createElement("span");
  state.className = "ql-lesson-state";
  state.setAttribute("role", "status");
  node.append(name, state);
  return { widget: new Widget({ node }), say: (text) => (state.textContent = text) };
}

const forgetting = new WeakMap();

/**
 * Keeps the state of widgets out of the file: private notes are in it, and the file is handed in. Jupyter saves
 * it only where somebody turned that on, and puts it in at the beginning of saving; who listens last has the last word.
 */
function forgetWidgets(panel) {
  const { model, saveState } = panel.context;
  if (!forgetting.has(panel)) forgetting.set(panel, (_, state) => state === "started" && model.deleteMetadata("widgets"));
  saveState.disconnect(forgetting.get(panel));
  saveState.connect(forgetting.get(panel));
}

/**
 * Whether the server has ended, so that a Hub answers in its name: it sends us elsewhere, and what we ask for never does.
 * Opening the page is how the server is asked for again.
 */
async function ended(home) {
  try {
    return (await fetch(`${home}health`, { redirect: "manual", cache: "no-store" })).type === "opaqueredirect";
  } catch {
    return false;
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, BETWEEN));

/** Runs the lesson now, and again whenever there is a new kernel. */
async function keepRunning(panel, CodeCell, Dialog, banner, home, what) {
  const session = panel.sessionContext;
  let ran = "";
  let turn = 0;
  let reviving = false;
  const someone = presence();
  panel.disposed.connect(someone.stop);
  let name = "python3";

  async function run() {
    const kernel = session.session?.kernel;
    if (!kernel || panel.isDisposed) return;
    const mine = ++turn;
    const clean = !panel.context.model.dirty;
    panel.addClass("ql-opening");
    panel.addClass("ql-running");
    banner.say(`${what}正在打开…`);
    try {
      await kernel.info;
      const cells = panel.content.widgets.filter((cell) => {
        const pattern = OURS[marksOf(cell).role];
        return pattern?.test(cell.model.sharedModel.getSource().trim());
      });
      // All at once: the kernel takes them in order, and the page need not wait for each.
      const asked = cells.map((cell) => CodeCell.execute(cell, session));
      // From here what an earlier kernel left is gone, and each block stands as soon as it has run.
      panel.removeClass("ql-opening");
      const replies = await Promise.all(asked);
      forgetWidgets(panel);
      if (mine !== turn) return;
      if (replies.some((reply) => reply?.content.status !== "ok")) throw new Error("not all cells ran");
      banner.say("");
    } catch {
      // A kernel that went away in the middle is followed by another, which runs the lesson again.
      if (mine === turn) banner.say(`${what}没有完全打开，请刷新页面`);
    } finally {
      if (mine === turn) {
        panel.removeClass("ql-opening");
        panel.removeClass("ql-running");
      }
      // Outputs are made anew at every opening: nothing of the learner's is in them, so nothing is unsaved.
      if (clean && !panel.isDisposed) panel.context.model.dirty = false;
    }
  }

  function status(_, now) {
    const kernel = session.session?.kernel?.id ?? "";
    if (now === "restarting" || now === "autorestarting") {
      ran = "";
      // There is nothing to decide in the dialog that now comes up, and it is not in Chinese.
      if (now === "autorestarting") setTimeout(() => Dialog.flush(), 0);
      banner.say(`${what}正在重新打开…`);
    } else if (now === "starting" || (now === "idle" && ran !== kernel)) {
      // A kernel restarted from elsewhere says that it starts, and then nothing until it is asked.
      ran = kernel;
      run();
    } else if (now === "dead") revive();
  }

  /** A kernel that is gone for good, or that a new server does not know: begin another. */
  async function revive() {
    if (reviving) return;
    reviving = true;
    if (someone.away()) {
      banner.say(`很久没有操作，${what}已休眠；点一下页面就继续`);
      await someone.here();
      banner.say(`${what}正在重新打开…`);
    } else banner.say(`${what}断开了，正在重新连接…`);
    for (let tries = 0; tries < TRIES && !panel.isDisposed; tries += 1) {
      try {
        ran = "";
        // The session that belonged to the lost kernel would only fail.
        await session.shutdown();
        await session.changeKernel({ name });
        break;
      } catch {
        if (await ended(home)) return location.reload();
        await pause();
      }
    }
    reviving = false;
    if (!session.session?.kernel) banner.say(`${what}连接不上，请刷新页面`);
  }

  let line = "";

  /** The line to the kernel: what was sent while it was down is lost, so every block asks anew when it is back. */
  function connection(_, now) {
    if (now === "connecting" && line === "connected") {
      banner.say("连接断开了，正在恢复…");
      setTimeout(seek, 0);
    }
    if (now === "connected" && line && line !== "connected") {
      banner.say("");
      mended = Date.now() - LINE_LIFE + SETTLING;
      window.dispatchEvent(new Event("qinlian:back"));
    }
    line = now;
  }

  let seeking = false;

  /** While the line is down and somebody is there: see whether there is still a server. What is not saved waits in this tab. */
  async function seek() {
    if (seeking) return;
    seeking = true;
    while (line !== "connected" && !panel.isDisposed) {
      // A server that is just ending is in the way of the next one.
      await pause();
      await someone.here();
      if (line !== "connected" && (await ended(home))) {
        banner.say(`${what}正在重新打开…`);
        location.reload();
      }
    }
    seeking = false;
  }

  /** The device is in reach of a network again: no reason to wait until the next try is due. */
  function online() {
    const kernel = session.session?.kernel;
    if (kernel && kernel.connectionStatus !== "connected") kernel.reconnect().catch(() => {});
  }

  /** A block has asked several times and nobody answered, though the line seems to stand: begin with a new one. */
  async function lost() {
    const kernel = session.session?.kernel;
    if (!kernel || kernel.connectionStatus !== "connected" || Date.now() - mended < LINE_LIFE) return;
    mended = Date.now();
    try {
      await kernel.reconnect();
      // A widget whose message was lost on the way would wait for its receipt for ever; a new one does not.
      await run();
    } catch {
      // The front end goes on trying, or finds the kernel dead.
    }
  }

  let mended = 0;
  window.addEventListener("online", online);
  panel.node.addEventListener("qinlian:lost", lost);
  panel.disposed.connect(() => window.removeEventListener("online", online));
  await session.ready;
  line = session.session?.kernel?.connectionStatus ?? "";
  session.connectionStatusChanged.connect(connection);
  session.statusChanged.connect(status);
  session.kernelChanged.connect((_, { newValue }) => {
    if (!newValue && !panel.isDisposed) revive();
    else if (newValue && newValue.id !== ran) {
      ran = newValue.id;
      run();
    }
  });
  ran = session.session?.kernel?.id ?? "";
  name = session.session?.kernel?.name ?? name;
  await run();
}
