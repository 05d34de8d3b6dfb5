// What it costs to check a token: CPU time of the daemon for refusing one whose signature is wrong, less
// that for one whose key it does not have, in requests that are the same else. Verification takes as long
// for a wrong signature as for a right one. ./script/bench --tokens starts it.
import http from "node:http";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { Key } from "../tests/lib/tokens.mjs";
import { certificate } from "./certificate.mjs";
import { cores, cpu, startServer } from "./servers.mjs";

const REQUESTS = 2000;
const AT_ONCE = 8;
const ALGORITHMS = ["HS256", "RS256", "ES256", "EdDSA"];

const source = dirname(fileURLToPath(import.meta.url));
const options = parseArgs({
  options: {
    tokens: { type: "boolean" },
    rounds: { type: "string", default: "5" },
    nakodo: { type: "string", default: join(source, "../build/release/nakodo") },
    build: { type: "string", default: join(source, "../build/bench") },
  },
}).values;

function get(agent, port, token) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const request = http.get({ agent, port, host: "127.0.0.1", path: "/v1/r/peers", headers });
    request.on("error", reject).on("response", (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
  });
}

// What the daemon works for each of these requests, in µs.
async function cost({ pid, port }, token) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const before = cpu(pid);
  const statuses = await Promise.all(
    Array.from({ length: REQUESTS }, () => get(agent, port, token)));
  const used = cpu(pid) - before;
  agent.destroy();
  if (statuses.some((status) => status !== 401)) {
    throw new Error(`a bad token was answered with ${statuses.find((status) => status !== 401)}`);
  }
  return used / REQUESTS;
}

function middle(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

// The last character of a signature may have bits that must be 0.
function spoil(token) {
  const at = token.length - 10;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}

mkdirSync(options.build, { recursive: true });
const keys = ALGORITHMS.map((algorithm) => new Key(options.build, algorithm, algorithm));
const server = await startServer("nakodo", {
  ...certificate(options.build), ...options, source, tls: false, cores: cores(),
  addresses: [
    "--max-peers-per-address", 0, "--connect-rate", 0, "--auth", "token",
    ...keys.flatMap((key) => ["--auth-key", key.publicOption.replace(/(:HS256:.*)\.pub$/, "$1")]),
  ],
});
for (const key of keys) {
  const claims = { room: "r", sub: "anna" };
  const header = { alg: key.algorithm, typ: "JWT", kid: "none-".slice(0, key.kid.length) };
  const [wrong, unknown] = [spoil(key.token(claims)), key.token(claims, header)];
  const costs = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    costs.push(await cost(server, wrong) - await cost(server, unknown));
  }
  console.log(`${key.algorithm}: ${middle(costs).toFixed(0)} µs of CPU to check a token`);
}
await server.stop();
