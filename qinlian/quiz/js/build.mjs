// Bundles quiz.js, quiz.css, loader.js and clock.js (for our other pages) from this folder and every items/<type>/ folder.
//   node qinlian/quiz/js/build.mjs           writes qinlian/quiz/static/
//   node qinlian/quiz/js/build.mjs --check   fails when the committed files are not what would be written
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const items = join(here, "..", "..", "items");
const out = join(here, "..", "static");

/** Every items/<type>/ that has this file, in the order of the folders' names. */
function fromTypes(file) {
  return readdirSync(items)
    .sort()
    .map((type) => join(items, type, file))
    .filter((path) => existsSync(path));
}

/** `import views from "virtual:views"`: the views of all types by kind, so a new folder is a new type. */
const collectViews = {
  name: "collect-views",
  setup(bundler) {
    bundler.onResolve({ filter: /^virtual:views$/ }, () => ({ path: "views", namespace: "virtual" }));
    bundler.onLoad({ filter: /^views$/, namespace: "virtual" }, () => {
      const paths = fromTypes("view.js");
      const imports = paths.map((path, i) => `import v${i} from ${JSON.stringify("./" + relative(here, path))};`);
      const list = paths.map((_, i) => `v${i}`).join(", ");
      const contents = `${imports.join("\n")}\nexport default Object.fromEntries([${list}].map((v) => [v.kind, v]));\n`;
      return { contents, resolveDir: here };
    });
  },
};

const shared = { bundle: true, minify: true, charset: "utf8", legalComments: "none", write: false, absWorkingDir: here };

async function bundles() {
  const js = await build({
    ...shared,
    entryPoints: ["index.js"],
    format: "esm",
    target: "es2022",
    plugins: [collectViews],
  });
  const [loader, clock] = await Promise.all(
    ["loader.js", "clock.js"].map((entry) => build({ ...shared, entryPoints: [entry], format: "esm", target: "es2022" })),
  );
  const sheets = ["quiz.css", ...fromTypes("view.css").map((path) => relative(here, path))];
  const css = await build({
    ...shared,
    stdin: { contents: sheets.map((s) => `@import ${JSON.stringify("./" + s.replace(/^\.\//, ""))};`).join("\n"), loader: "css", resolveDir: here },
    target: "es2022",
  });
  return {
    "quiz.js": js.outputFiles[0].text,
    "quiz.css": css.outputFiles[0].text,
    "loader.js": loader.outputFiles[0].text,
    "clock.js": clock.outputFiles[0].text,
  };
}

const made = await bundles();
if (process.argv.includes("--check")) {
  const stale = Object.keys(made).filter((name) => {
    const path = join(out, name);
    return !existsSync(path) || readFileSync(path, "utf8") !== made[name];
  });
  if (stale.length) {
    console.error(`${stale.map((n) => `qinlian/quiz/static/${n}`).join("、")} 不是最新的；请运行 npm run build`);
    process.exit(1);
  }
  console.log(`${Object.keys(made).join("、")} 是最新的`);
} else {
  for (const [name, text] of Object.entries(made)) writeFileSync(join(out, name), text);
  console.log(Object.entries(made).map(([n, t]) => `${n} ${(Buffer.byteLength(t) / 1024).toFixed(1)} KB`).join("，"));
}
