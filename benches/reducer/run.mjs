// Folds events in the reducer's wasm for a second or so, and prints how many a second.
import { readFileSync } from "node:fs";

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]));
const EVENTS = 1 << 20;
instance.exports.fold_events(EVENTS);
const begun = performance.now();
let folded = 0;
while (performance.now() - begun < 1500) {
  instance.exports.fold_events(EVENTS);
  folded += EVENTS;
}
console.log(folded / ((performance.now() - begun) / 1000));
