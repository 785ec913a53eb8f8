// A federated extension written by hand, for JupyterLab and Notebook 7 alike: module federation asks for no
// more than `init` and `get`, so it needs no build.
(() => {
  const NAME = "qinlian";
  const here = new URL(".", document.currentScript.src);
  let shared = {};

  /** A module of the front end; any version serves, for there is one. */
  async function take(name) {
    const version = Object.values(shared[name] ?? {})[0];
    if (!version) throw new Error(`${name} is not shared by this front end`);
    return (await version.get())();
  }

  async function load() {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("lesson.css", here).href;
    document.head.append(style);
    const [{ INotebookTracker }, { CodeCell }, { Dialog }, { PageConfig }, { Widget }, { giveWidgetsTime, opener }] = await Promise.all([
      take("@jupyterlab/notebook"),
      take("@jupyterlab/cells"),
      take("@jupyterlab/apputils"),
      take("@jupyterlab/coreutils"),
      take("@lumino/widgets"),
      import(new URL("lesson.js", here).href),
    ]);
    giveWidgetsTime();
    const plugin = {
      id: `${NAME}:lesson`,
      description: "Opens the lessons of 勤廉学堂 as lessons",
      autoStart: true,
      requires: [INotebookTracker],
      activate: (app, tracker) => {
        const open = opener({ CodeCell, Dialog, Widget, app, home: `${PageConfig.getBaseUrl()}qinlian/` });
        tracker.forEach(open);
        tracker.widgetAdded.connect((__, panel) => open(panel));
      },
    };
    return { __esModule: true, default: plugin };
  }

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB[NAME] = {
    init(scope) {
      shared = scope;
    },
    async get() {
      const module = await load();
      return () => module;
    },
  };
})();
