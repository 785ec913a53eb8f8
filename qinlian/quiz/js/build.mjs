// Bundles quiz.js, quiz.css, loader.js and clock.js (for our other pages) from this folder and every items/<type>/ folder,
// and verify.js, which checks certificates, from reports/certificates/js.
//   node qinlian/quiz/js/build.mjs           writes qinlian/quiz/static/ and qinlian/reports/certificates/static/
//   node qinlian/quiz/js/build.mjs --check   fails when the committed files are not what would be written
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const items = join(here, "..", "..", "items");
const certificates = join(here, "..", "..", "reports", "certificates");
const out = { quiz: join(here, "..", "static"), certificates: join(certificates, "static") };

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
  const verify = await build({
    ...shared,
    absWorkingDir: join(certificates, "js"),
    entryPoints: ["index.js"],
    format: "iife",
    // It is opened on whatever telephone is at hand. Its libraries' licences ask for their notice.
    target: "es2020",
    legalComments: "eof",
  });
  return new Map([
    [join(out.quiz, "quiz.js"), js.outputFiles[0].text],
    [join(out.quiz, "quiz.css"), css.outputFiles[0].text],
    [join(out.quiz, "loader.js"), loader.outputFiles[0].text],
    [join(out.quiz, "clock.js"), clock.outputFiles[0].text],
    [join(out.certificates, "verify.js"), verify.outputFiles[0].text],
  ]);
}

const root = join(here, "..", "..", "..");
const made = await bundles();
const names = [...made.keys()].map((path) => relative(root, path));
if (process.argv.includes("--check")) {
  const stale = [...made].filter(([path, text]) => !existsSync(path) || readFileSync(path, "utf8") !== text);
  if (stale.length) {
    console.error(`${stale.map(([path]) => relative(root, path)).join("、")} 不是最新的；请运行 npm run build`);
    process.exit(1);
  }
  console.log(`${names.join("、")} 是最新的`);
} else {
  for (const [path, text] of made) writeFileSync(path, text);
  console.log([...made].map(([p, t]) => `${relative(root, p)} ${(Buffer.byteLength(t) / 1024).toFixed(1)} KB`).join("，"));
}
