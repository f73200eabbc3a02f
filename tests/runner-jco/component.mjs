// Turns the component into JavaScript and makes instances of it.
import { mkdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { transpile, writeFiles } from "@bytecodealliance/jco-transpile";
import { cli, clocks, io, random } from "@bytecodealliance/preview2-shim";
import * as http from "@bytecodealliance/preview3-shim/http";

/** Reads a component and gives a function that makes an instance: it has these imports beside those of WASI. */
export async function load(file, folder, originUrl, imports) {
  const outDir = `${folder}/component`;
  mkdirSync(outDir, { recursive: true });
  const { files } = await transpile(file, { name: "edge", outDir, instantiation: "async", asyncMode: "jspi" });
  await writeFiles(files);
  const { instantiate } = await import(pathToFileURL(`${outDir}/edge.js`));
  const modules = new Map();
  const module = (name) => {
    if (!modules.has(name)) modules.set(name, WebAssembly.compile(readFileSync(`${outDir}/${name}`)));
    return modules.get(name);
  };
  const all = { ...wasi(), "wasi:http/client": clientOf(originUrl), ...imports };
  return async () => (await instantiate(module, all)).handler;
}

/** The origin is the only place that the component may ask, as `allowed_outbound_hosts` in spin.toml says. */
function clientOf(originUrl) {
  const { protocol, host } = new URL(originUrl);
  return {
    async send(request) {
      const asked = `${request.getScheme()?.tag.toLowerCase()}: ${request.getAuthority()}`;
      if (asked !== `${protocol} ${host}`) throw new http.HttpError("HTTP-request-denied");
      return await http.client.send(request);
    },
  };
}

function wasi() {
  return {
    "wasi:cli/environment": cli.environment,
    "wasi:cli/exit": cli.exit,
    "wasi:cli/stderr": cli.stderr,
    "wasi:cli/stdin": cli.stdin,
    "wasi:cli/stdout": cli.stdout,
    "wasi:cli/terminal-input": cli.terminalInput,
    "wasi:cli/terminal-output": cli.terminalOutput,
    "wasi:cli/terminal-stderr": cli.terminalStderr,
    "wasi:cli/terminal-stdin": cli.terminalStdin,
    "wasi:cli/terminal-stdout": cli.terminalStdout,
    "wasi:clocks/monotonic-clock": clocks.monotonicClock,
    "wasi:clocks/wall-clock": clocks.wallClock,
    "wasi:http/types": http.types,
    "wasi:io/error": io.error,
    "wasi:io/poll": io.poll,
    "wasi:io/streams": io.streams,
    "wasi:random/insecure-seed": random.insecureSeed,
    "wasi:random/random": random.random,
  };
}
