// Builds the page: src/ -> ../static/ (index.html, and scripts and styles with hashed names).
// Usage: node build.mjs [--watch]
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { context } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outputFolder = join(here, "..", "static");

/** Writes index.html with the hashed names of this build, drops files of older builds. */
async function finish(result) {
  if (result.errors.length > 0) return;
  const names = Object.keys(result.metafile.outputs).map((path) => basename(path));
  const page = (await readFile(join(here, "src", "index.html"), "utf8"))
    .replace("main.js", names.find((name) => /^main-.*\.js$/.test(name)))
    .replace("main.css", names.find((name) => /^main-.*\.css$/.test(name)));
  await writeFile(join(outputFolder, "index.html"), page);
  for (const name of await readdir(outputFolder)) {
    if (name !== "index.html" && !names.includes(name)) await rm(join(outputFolder, name));
  }
  for (const name of names) await report(name);
}

async function report(name) {
  const bytes = await readFile(join(outputFolder, name));
  console.log(`${name}: ${bytes.length} bytes, ${gzipSync(bytes).length} gzip`);
}

await mkdir(outputFolder, { recursive: true });
const build = await context({
  absWorkingDir: here,
  entryPoints: [{ in: "src/main.tsx", out: "main" }],
  outdir: outputFolder,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  metafile: true,
  logLevel: "warning",
  plugins: [{ name: "index", setup: (setup) => setup.onEnd(finish) }],
});
if (process.argv.includes("--watch")) {
  await build.watch();
} else {
  await build.rebuild();
  await build.dispose();
}
