// Builds dist/t.js and dist/journey.mjs with its types, and refuses to finish when one is over its size budget.
// `node build.mjs tests` compiles the browser tests instead (Node 20 runs no TypeScript itself).
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const SIZE_MAX_GZIP_BYTES = 5120;
const here = new URL(".", import.meta.url).pathname;

async function buildTests() {
  await build({
    absWorkingDir: here,
    entryPoints: readdirSync(`${here}test`).filter((name) => name.endsWith(".spec.ts")).map((name) => `test/${name}`),
    bundle: true,
    packages: "external",
    platform: "node",
    target: "node20",
    format: "esm",
    outdir: "dist/test",
    outExtension: { ".js": ".mjs" },
    sourcemap: "inline",
    logLevel: "warning",
  });
}

/** The classic script, which a tag loads, and the module, which has the journey's class alone. */
async function buildTracker() {
  mkdirSync(`${here}dist`, { recursive: true });
  await buildScript("t.js", { entryPoints: ["src/index.ts"], format: "iife" });
  // A module has no tag that says anything; the page tells the class.
  const define = { "document.currentScript": "null" };
  await buildScript("journey.mjs", { entryPoints: ["src/journey.ts"], format: "esm", define });
  execFileSync(`${here}node_modules/.bin/tsc`, ["--project", "tsconfig.module.json"], { cwd: here, stdio: "inherit" });
  copyFileSync(`${here}dist/types/journey.d.ts`, `${here}dist/journey.d.mts`);
}

async function buildScript(name, options) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    bundle: true,
    minifySyntax: true,
    target: "es2019",
    // Without this, esbuild derives a "use strict" from tsconfig.json, and defines each field of a class.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
    legalComments: "none",
    outfile: `dist/${name}`,
    write: false,
    plugins: [{ name: "css-squeeze", setup: squeezeCss }],
    logLevel: "warning",
    ...options,
  });
  // esbuild bundles, terser makes it small: gzip likes its names better, by 4 %.
  const { code: script } = await minify(outputFiles[0].text, {
    ecma: 2019,
    module: options.format === "esm",
    compress: { passes: 2 },
    // The page decides how a script without a charset is read; ASCII reads the same in each.
    format: { ascii_only: true },
  });
  const gzip = gzipSync(script, { level: 9 }).length;
  console.log(`${name}: ${script.length} bytes, ${gzip} bytes gzipped (limit ${SIZE_MAX_GZIP_BYTES})`);
  if (gzip > SIZE_MAX_GZIP_BYTES) {
    console.error(`${name} is ${gzip - SIZE_MAX_GZIP_BYTES} bytes over its limit`);
    process.exit(1);
  }
  writeFileSync(`${here}dist/${name}`, script);
}

/** Style sheets are imported as minified text. */
function squeezeCss(setup) {
  setup.onLoad({ filter: /\.css$/ }, async ({ path }) => {
    const { outputFiles } = await build({ entryPoints: [path], minify: true, write: false });
    return { contents: outputFiles[0].text.trim().replaceAll(", ", ","), loader: "text" };
  });
}

await (process.argv[2] === "tests" ? buildTests() : buildTracker());
