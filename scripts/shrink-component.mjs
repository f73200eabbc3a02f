// Runs wasm-opt over the code of a WebAssembly component.
//
//   node scripts/shrink-component.mjs IN.wasm OUT.wasm
//
// wasm-opt reads core modules only. A component is a list of sections, and a core module stands in one
// of them whole, so each large module is taken out, optimized and put back; everything else stays.
// Fails when the result is larger than the bound the project promises.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BYTES_MAX = 1024 * 1024;
const CORE_MODULE = 1;
/** Adapters between modules are a few hundred bytes; there is nothing to gain. */
const WORTH_OPTIMIZING = 10_000;
const PREAMBLE = 8;
/**
 * What rustc assumes of every WebAssembly runtime (its `generic` processor). wasm-opt must not use more:
 * with all features it writes import sections that wasmtime does not read.
 */
const FEATURES = ["bulk-memory", "bulk-memory-opt", "call-indirect-overlong", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext"];

const [input, output] = process.argv.slice(2);
const wasmOpt = new URL("../edge/spin/node_modules/.bin/wasm-opt", import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), "footfall-shrink-"));

function readLeb128(bytes, at) {
  let value = 0;
  let factor = 1;
  for (;;) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return [value, at];
    factor *= 128;
  }
}

function toLeb128(value) {
  const bytes = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value % 128) | (rest > 0 ? 0x80 : 0));
    value = rest;
  } while (value > 0);
  return Buffer.from(bytes);
}

function optimize(module) {
  const [before, after] = [join(scratch, "before.wasm"), join(scratch, "after.wasm")];
  writeFileSync(before, module);
  execFileSync(wasmOpt, [before, "-o", after, "-Oz", ...FEATURES.map((name) => `--enable-${name}`)], { stdio: "inherit" });
  return readFileSync(after);
}

const component = readFileSync(input);
const parts = [component.subarray(0, PREAMBLE)];
for (let at = PREAMBLE; at < component.length; ) {
  const id = component[at];
  const [length, start] = readLeb128(component, at + 1);
  const section = component.subarray(start, start + length);
  const smaller = id === CORE_MODULE && length > WORTH_OPTIMIZING ? optimize(section) : section;
  parts.push(Buffer.from([id]), toLeb128(smaller.length), smaller);
  at = start + length;
}
rmSync(scratch, { recursive: true });

const shrunk = Buffer.concat(parts);
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
console.log(`edge component: ${kib(component.length)} built, ${kib(shrunk.length)} optimized, at most ${kib(BYTES_MAX)}`);
if (shrunk.length > BYTES_MAX) {
  console.error("the edge component is too large");
  process.exit(1);
}
writeFileSync(output, shrunk);
