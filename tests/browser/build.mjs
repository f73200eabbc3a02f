// Compiles the tests to dist/: Node 20 runs no TypeScript itself.
import { readdirSync } from "node:fs";
import { build } from "esbuild";

const here = new URL(".", import.meta.url).pathname;
const specs = readdirSync(`${here}src`).filter((name) => name.endsWith(".spec.ts"));

await build({
  absWorkingDir: here,
  entryPoints: specs.map((name) => `src/${name}`),
  bundle: true,
  packages: "external",
  platform: "node",
  target: "node20",
  format: "esm",
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  sourcemap: "inline",
  logLevel: "warning",
});
