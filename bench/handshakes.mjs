// What a TLS handshake with one small answer costs nakodo and nginx, which are given the same
// certificate and take turns: CPU time of the server, by connections of `openssl s_time`.
// ./script/bench --handshakes starts it.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { certificate } from "./certificate.mjs";
import { cores, cpu, pinned, startServer } from "./servers.mjs";

const CLIENTS = 2; // of one connection at a time
const SECONDS = 2;
// The words that s_time puts around the path make it one request with a Host.
const PATH = "/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent:";

const source = dirname(fileURLToPath(import.meta.url));
const options = parseArgs({
  options: {
    handshakes: { type: "boolean" },
    rounds: { type: "string", default: "5" },
    nakodo: { type: "string", default: join(source, "../build/release/nakodo") },
    build: { type: "string", default: join(source, "../build/bench") },
  },
}).values;

function storm(port, core) {
  const command = pinned(core, ["openssl", "s_time", "-connect", `127.0.0.1:${port}`, "-new",
    "-www", PATH, "-time", SECONDS]);
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "ignore"] });
    let out = "";
    child.stdout.on("data", (data) => (out += data));
    child.on("error", reject);
    child.on("close", () => {
      const count = /(\d+) connections in \d+ real/.exec(out)?.[1];
      (Number(count) ? resolve : reject)(count ? Number(count) : new Error(`s_time said: ${out}`));
    });
  });
}

async function measure(name, settings) {
  const server = await startServer(name, settings);
  try {
    const before = cpu(server.pid);
    const storms = Array.from({ length: CLIENTS }, () => storm(server.port, settings.cores[1]));
    const counts = await Promise.all(storms);
    return (cpu(server.pid) - before) / counts.reduce((sum, count) => sum + count);
  } finally {
    await server.stop();
  }
}

function middle(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

mkdirSync(options.build, { recursive: true });
const settings = {
  ...certificate(options.build), ...options, source, tls: true, cores: cores(),
};
const costs = { nakodo: [], nginx: [] };
for (let round = 0; round < Number(options.rounds); round++) {
  for (const name of round % 2 ? ["nginx", "nakodo"] : ["nakodo", "nginx"]) {
    costs[name].push(await measure(name, settings));
  }
}
const ratios = costs.nakodo.map((cost, i) => cost / costs.nginx[i]);
for (const [name, list] of Object.entries(costs)) {
  console.log(`${name}: ${middle(list).toFixed(0)} µs of CPU for a handshake and its answer`);
}
console.log(`ratio: ${middle(ratios).toFixed(2)}`);
