// A storm of connections: while pairs of peers talk, a crowd connects at once. Prints how long the crowd took, and the
// talk's latency beside that of the same talk before. The crowd's generator gives way to the talk's (nice): both share
// the core that is not the server's. Exit status 1 when a connection or a message was lost.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { certificate } from "./certificate.mjs";
import { cores, pinned, startServer } from "./servers.mjs";

const source = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    storm: { type: "boolean" },
    nakodo: { type: "string", default: join(source, "../build/release/nakodo") },
    build: { type: "string", default: join(source, "../build/bench") },
  },
});
const STORMS = [
  { tls: false, count: 15000, seconds: 4 },
  { tls: true, count: 3000, seconds: 8 },
];
const BOUND_MS = 50;
const QUIET_SECONDS = 2;

/** Run the load generator; its JSON. */
function load(core, words, wrap = []) {
  const command = pinned(core, [...wrap, join(options.build, "load/load"), ...words]);
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (data) => (out += data));
    child.on("error", reject);
    child.on("close", (status) => (status === 0 ? resolve(JSON.parse(out)) : reject(new Error(`load ended with status ${status}: ${out}`))));
  });
}

async function storm({ tls, count, seconds }, settings) {
  const server = await startServer("nakodo", { ...settings, tls });
  const at = ["--port", server.port, "--pid", server.pid, ...(tls ? ["--tls"] : [])];
  const talk = (length, warmup) => load(settings.cores[1], ["rooms", "--rooms", 50, "--window", 1, "--bytes", 2000, "--seconds", length, "--warmup", warmup, ...at]);
  try {
    const quiet = await talk(QUIET_SECONDS, 0.5);
    const talking = talk(seconds, 1);
    const crowd = await load(settings.cores[1], ["crowd", "--count", count, "--concurrency", count, ...at], ["nice", "-n", 19]);
    const busy = await talking;
    console.log(`${tls ? "wss" : "ws"}, ${count} at once: all in after ${crowd.seconds.toFixed(2)} s (${crowd.cpu_us.toFixed(0)} µs each); ` +
      `who is here already: p99 ${(busy.p99_us / 1000).toFixed(1)} ms (quiet: ${(quiet.p99_us / 1000).toFixed(1)})`);
    return busy.p99_us <= BOUND_MS * 1000;
  } finally {
    await server.stop();
  }
}

if (!existsSync(options.nakodo)) throw new Error(`there is no ${options.nakodo}`);
mkdirSync(options.build, { recursive: true });
const settings = { ...certificate(options.build), source, build: options.build, nakodo: options.nakodo, cores: cores() };
for (const each of STORMS) {
  if (!(await storm(each, settings))) {
    console.error(`p99 is above ${BOUND_MS} ms`);
    process.exitCode = 1;
  }
}
