// Builds the page: src/ -> ../static/ (index.html, and scripts and styles with hashed names), and
// report.html, of which a report is made: one file with all in it but the data.
// Usage: node build.mjs [--watch]
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { context } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outputFolder = join(here, "..", "static");
const PAGES = ["index.html", "report.html"];
const common = {
  absWorkingDir: here,
  outdir: outputFolder,
  bundle: true,
  target: "es2022",
  minify: true,
  logLevel: "warning",
};

/** Writes index.html with the hashed names of this build, drops files of older builds. */
async function finish(result) {
  if (result.errors.length > 0) return;
  const names = Object.keys(result.metafile.outputs).map((path) => basename(path));
  const page = (await readFile(join(here, "src", "index.html"), "utf8"))
    .replace("main.js", names.find((name) => /^main-.*\.js$/.test(name)))
    .replace("main.css", names.find((name) => /^main-.*\.css$/.test(name)));
  await writeFile(join(outputFolder, "index.html"), page);
  for (const name of await readdir(outputFolder)) {
    if (!PAGES.includes(name) && !names.includes(name)) await rm(join(outputFolder, name));
  }
  for (const name of names) await report(name);
}

/** Writes report.html: script and style within it, and a policy that allows these two alone. */
async function finishReport(result) {
  if (result.errors.length > 0) return;
  const textOf = (ending) => result.outputFiles.find(({ path }) => path.endsWith(ending)).text;
  // Either would end the element that it stands in.
  const script = textOf(".js").replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
  const style = textOf(".css").replaceAll("</style", "<\\/style");
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  const page = (await readFile(join(here, "src", "report", "report.html"), "utf8"))
    .replace("__POLICY__", () => policy.join("; "))
    .replace("__STYLE__", () => style)
    .replace("__SCRIPT__", () => script);
  await writeFile(join(outputFolder, "report.html"), page);
  await report("report.html");
}

function hashOf(text) {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

async function report(name) {
  const bytes = await readFile(join(outputFolder, name));
  console.log(`${name}: ${bytes.length} bytes, ${gzipSync(bytes).length} gzip`);
}

await mkdir(outputFolder, { recursive: true });
const build = await context({
  ...common,
  entryPoints: [{ in: "src/main.tsx", out: "main" }],
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  splitting: true,
  format: "esm",
  metafile: true,
  plugins: [{ name: "index", setup: (setup) => setup.onEnd(finish) }],
});
const reportBuild = await context({
  ...common,
  entryPoints: [{ in: "src/report/main.tsx", out: "report" }],
  format: "iife",
  charset: "utf8",
  write: false,
  plugins: [{ name: "report", setup: (setup) => setup.onEnd(finishReport) }],
});
for (const each of [build, reportBuild]) {
  if (process.argv.includes("--watch")) {
    await each.watch();
  } else {
    await each.rebuild();
    await each.dispose();
  }
}
