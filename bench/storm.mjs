// Storms. First of connections: while pairs of peers talk, a crowd connects at once. Prints how long the crowd took, and the
// talk's latency beside that of the same talk before. The crowd's generator gives way to the talk's (nice): both share
// the core that is not the server's. Then of participants of nakodo.v1 who come back all at once: after the server was
// started anew, with sessions that it does not know, and after their connections broke, with sessions that it keeps.
// Exit status 1 when a connection or a message was lost, or something took too long.
import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
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
// In an office behind one address that the server was told of, and from so many addresses that its defaults do.
const OFFICE = { from: "one address", sources: 1, addresses: ["--max-peers-per-address", 20000, "--connect-rate", 2500] };
// `quiet`: nobody talks meanwhile, so that what the server works is for those who come back.
const COMEBACKS = [
  { ...OFFICE, count: 10000, most: 10 },
  { from: "50 addresses", sources: 50, addresses: [], count: 10000, most: 10 },
  { ...OFFICE, quiet: true, count: 5000, most: 5 },
  { ...OFFICE, quiet: true, tokens: true, count: 5000, most: 5 },
].flatMap((each) => [{ ...each, restarted: true }, { ...each, restarted: false }]);

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

/** The lines of the load generator `comeback`, one after the other, and a way to answer. */
function comebackLoad(core, words) {
  const command = pinned(core, ["nice", "-n", 5, join(options.build, "load/load"), "comeback", ...words]);
  const child = spawn(command[0], command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    say: (word) => child.stdin.write(`${word}\n`),
    async next() {
      const { value, done } = await lines.next();
      if (done) throw new Error("the load has ended early");
      return JSON.parse(value);
    },
    stop: () => child.kill(),
  };
}

/** A server's arguments that ask for tokens, and a token, signed with the algorithm that takes longest to check. */
function tokens({ build, nakodo }) {
  const file = join(build, "token.pem");
  const { privateKey } = generateKeyPairSync("ed25519", { privateKeyEncoding: { type: "pkcs8", format: "pem" }, publicKeyEncoding: { type: "spki", format: "pem" } });
  writeFileSync(file, privateKey, { mode: 0o600 });
  const key = `main:EdDSA:${file}`;
  return { ask: ["--auth", "token", "--auth-key", key], token: execFileSync(nakodo, ["token", "--key", key, "--room", "*"], { encoding: "utf8" }).trim() };
}

async function comeback({ from, sources, addresses, count, most, quiet, restarted, tokens: asks }, settings) {
  const { ask, token } = asks ? tokens(settings) : { ask: [] };
  const options = { ...settings, addresses: [...addresses, ...ask] };
  let server = await startServer("nakodo", options);
  const at = ["--port", server.port, "--pid", server.pid];
  const talk = (length, warmup) => load(settings.cores[1], ["rooms", "--rooms", 50, "--window", 1, "--bytes", 2000, "--seconds", length, "--warmup", warmup, ...at]);
  const crowd = comebackLoad(settings.cores[1], ["--count", count, "--sources", sources, ...(token ? ["--token", token] : []), ...at]);
  try {
    await crowd.next();
    const begin = performance.now();
    let talked = "";
    if (restarted) {
      await server.stop();
      server = await startServer("nakodo", { ...options, port: server.port });
      crowd.say("restarted");
    } else if (quiet) {
      crowd.say("cut");
    } else {
      const before = await talk(QUIET_SECONDS, 0.5);
      const talking = talk(4, 0.5);
      crowd.say("cut");
      const busy = await talking;
      talked = `; who is here already: p99 ${(busy.p99_us / 1000).toFixed(1)} ms (quiet: ${(before.p99_us / 1000).toFixed(1)})`;
    }
    const { seconds, cpu_us: cpu, failed } = await crowd.next();
    const outage = restarted ? `, ${((performance.now() - begin) / 1000).toFixed(2)} s after the old server was told to end` : "";
    console.log(`nakodo.v1, ${count} from ${from}${token ? ", with tokens" : ""}, ${restarted ? "after a restart" : "resuming"}: all back after ${seconds.toFixed(2)} s${outage}, ${failed} failed${talked}${quiet && cpu ? `; ${cpu.toFixed(0)} µs of the server's for each` : ""}`);
    return !failed && seconds <= most;
  } finally {
    crowd.stop();
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
for (const each of COMEBACKS) {
  if (!(await comeback(each, settings))) {
    console.error(`it took more than ${each.most} s, or not all came back`);
    process.exitCode = 1;
  }
}
