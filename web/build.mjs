// Builds the page: src/ -> dist/, which is committed, or with --out DIR into another directory (the test that compares bytes);
// --watch builds again at each change into out/page (earshot run --web-root web/out/page); --tests bundles the unit tests.
// Names of scripts and styles carry a hash of their content, so that a browser may keep them for ever.
import { build, context } from "esbuild";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const watching = args.includes("--watch");
const given = args.indexOf("--out");
const out = given >= 0 ? path.resolve(args[given + 1]) : path.join(here, watching ? "out/page" : "dist");

// What the libraries that are built in ask to be told with every copy.
async function licences() {
  const { dependencies } = JSON.parse(await readFile(path.join(here, "package.json"), "utf8"));
  const texts = Object.entries(dependencies).map(async ([name, version]) =>
    `${name} ${version}\n\n${(await readFile(path.join(here, "node_modules", name, "LICENSE"), "utf8")).trim()}\n`);
  return (await Promise.all(texts)).join("\n----\n\n");
}

// What a script needs before it runs: the document names it too, so that a browser asks for all of it at once.
function parts(outputs, name) {
  const by = new Map(Object.entries(outputs).map(([o, what]) => [path.basename(o), what]));
  const found = new Set();
  const follow = (n) => by.get(n).imports.filter((i) => i.kind === "import-statement").map((i) => path.basename(i.path)).forEach((p) => { if (!found.has(p)) { found.add(p); follow(p); } });
  follow(name);
  return [...found].sort();
}

// The document names the scripts and styles as they came out.
const document = {
  name: "document",
  setup(b) {
    b.onStart(() => rm(path.join(out, "assets"), { recursive: true, force: true }));
    b.onEnd(async (result) => {
      if (result.errors.length) return;
      const names = Object.keys(result.metafile.outputs).map((o) => path.basename(o));
      const pick = (start, end) => names.find((n) => n.startsWith(start) && n.endsWith(end));
      let html = await readFile(path.join(here, "src/index.html"), "utf8");
      const marks = [["@SCRIPT@", pick("main-", ".js")], ["@STYLE@", pick("main-", ".css")], ["@ICON@", pick("icon-", ".svg")]];
      for (const [mark, name] of marks)
        html = html.replaceAll(mark, `assets/${name}`);
      html = html.replace("@AHEAD@", parts(result.metafile.outputs, pick("main-", ".js")).map((name) => `<link rel="modulepreload" href="assets/${name}">`).join("\n"));
      await mkdir(out, { recursive: true });
      await writeFile(path.join(out, "index.html"), html);
      await writeFile(path.join(out, "assets/licences.txt"), await licences());
    });
  },
};

const page = {
  absWorkingDir: here,
  entryPoints: { main: "src/main.tsx", icon: "src/icon.svg" },
  outdir: path.join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["chrome111", "firefox115", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".svg": "copy" },
  minify: !watching,
  sourcemap: watching ? "inline" : false,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  plugins: [document],
};

if (args.includes("--tests")) {
  const files = (await readdir(path.join(here, "tests"))).filter((f) => f.endsWith(".test.ts"));
  await build({
    absWorkingDir: here, entryPoints: files.map((f) => `tests/${f}`), outdir: "out/tests", outExtension: { ".js": ".mjs" },
    bundle: true, platform: "node", format: "esm", target: "node18", logLevel: "warning",
  });
} else if (watching) {
  await (await context(page)).watch();
} else {
  await build(page);
}
