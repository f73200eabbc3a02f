// Runs the contract's example as it stands, but for the upload's id, and prints what it prints.
//
// FOOTFALL_API_URL, FOOTFALL_TOKEN and FOOTFALL_UPLOAD say where, who and what.

import { readFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const folder = fileURLToPath(new URL(".", import.meta.url));
const example = await readFile(join(folder, "example.ts"), "utf8");
const calls = "await getSegments();\nawait getAffinityNetwork();\nawait getRecommendations();\n";
const out = await mkdtemp(join(tmpdir(), "footfall-client-"));
try {
  const file = join(out, "example.mjs");
  await build({
    stdin: {
      contents: example.replaceAll("upload_abc123", process.env.FOOTFALL_UPLOAD ?? "") + calls,
      resolveDir: folder,
      loader: "ts",
    },
    bundle: true,
    format: "esm",
    platform: "node",
    outfile: file,
    logLevel: "error",
  });
  await import(file);
} finally {
  await rm(out, { recursive: true, force: true });
}
