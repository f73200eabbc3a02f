// Builds dist/t.js and refuses to finish when it is over its size budget.
// `node build.mjs tests` compiles the browser tests instead (Node 20 runs no TypeScript itself).
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
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

async function buildTracker() {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: ["src/index.ts"],
    bundle: true,
    minifySyntax: true,
    format: "iife",
    target: "es2019",
    // Without this, esbuild derives a "use strict" from tsconfig.json.
    tsconfigRaw: {},
    legalComments: "none",
    outfile: "dist/t.js",
    write: false,
    plugins: [{ name: "css-squeeze", setup: squeezeCss }],
    logLevel: "warning",
  });
  // esbuild bundles, terser makes it small: gzip likes its names better, by 4 %.
  const { code: script } = await minify(outputFiles[0].text, {
    ecma: 2019,
    compress: { passes: 2 },
    // The page decides how a script without a charset is read; ASCII reads the same in each.
    format: { ascii_only: true },
  });
  const gzip = gzipSync(script, { level: 9 }).length;
  console.log(`t.js: ${script.length} bytes, ${gzip} bytes gzipped (limit ${SIZE_MAX_GZIP_BYTES})`);
  if (gzip > SIZE_MAX_GZIP_BYTES) {
    console.error(`t.js is ${gzip - SIZE_MAX_GZIP_BYTES} bytes over its limit`);
    process.exit(1);
  }
  mkdirSync(`${here}dist`, { recursive: true });
  writeFileSync(`${here}dist/t.js`, script);
}

/** Style sheets are imported as minified text. */
function squeezeCss(setup) {
  setup.onLoad({ filter: /\.css$/ }, async ({ path }) => {
    const { outputFiles } = await build({ entryPoints: [path], minify: true, write: false });
    return { contents: outputFiles[0].text.trim().replaceAll(", ", ","), loader: "text" };
  });
}

await (process.argv[2] === "tests" ? buildTests() : buildTracker());
