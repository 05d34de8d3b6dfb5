// What it costs that a cluster records sessions: messages of nakodo.v1 between two participants at one node, with
// cluster-durable and without. `durable.mjs [--nakodo PATH] [--seconds N]`; a Redis of its own by a unix socket.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";

const { WebSocket } = createRequire(new URL("relay-ws/relay.mjs", import.meta.url))("ws");
const { values: options } = parseArgs({
  options: { nakodo: { type: "string", default: "build/release/nakodo" }, seconds: { type: "string", default: "5" }, durable: { type: "boolean" } },
});
const SECONDS = Number(options.seconds);
const TICK = 100; // of /proc/PID/stat, per second

const folder = mkdtempSync(join(tmpdir(), "nakodo-bench-"));
const socket = join(folder, "redis.sock");
const children = [];
const start = (file, args) => {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
};
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Processor time of a process and its children so far, in µs. */
function cpu(pid) {
  const [, after] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const fields = after.split(" ");
  const own = (Number(fields[11]) + Number(fields[12])) * (1e6 / TICK);
  const kids = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean));
  return own + kids.reduce((sum, kid) => sum + cpu(kid), 0);
}

/** A participant that counts and acknowledges. */
function join2(port, name) {
  const peer = { got: 0, heard: () => {} };
  const ws = new WebSocket(`ws://127.0.0.1:${port}/v1/bench?name=${name}`, ["nakodo.v1"], { perMessageDeflate: false });
  peer.say = (data) => ws.send(data);
  peer.close = () => ws.terminate();
  ws.on("message", (data) => {
    const text = data.toString();
    if (text.startsWith('{"from"') || text.startsWith('{"type":"peer-')) {
      if (++peer.got % 16 === 0) ws.send(`{"type":"ack","n":${peer.got}}`);
    }
    if (text.startsWith('{"from"')) peer.heard(text);
  });
  return new Promise((done, fail) => {
    ws.once("message", () => done(peer));
    ws.on("error", fail);
  });
}

async function measure(durable) {
  const redis = start("redis-server", ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder, "--loglevel", "warning"]);
  const cli = (...words) => execFileSync("redis-cli", ["-s", socket, ...words], { stdio: ["ignore", "pipe", "ignore"] }).toString();
  for (;;) {
    try {
      cli("SET", "nk:{nakodo}:begin", "1");
      break;
    } catch {
      await delay(20);
    }
  }
  const nakodo = start(options.nakodo, ["--listen", "127.0.0.1:0", "--cluster", `redis+unix://${socket}`, "--cluster-durable", durable,
    "--web-root", new URL("../web", import.meta.url).pathname, "--max-peers", "1000", "--log-level", "error", "--message-rate", "0", "--byte-rate", "0", "--drain-seconds", "0"]);
  const port = await new Promise((done) => nakodo.stdout.on("data", (data) => {
    const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(data);
    if (found) done(Number(found[1]));
  }));
  while (!cli("ZCARD", "nk:{nakodo}:nodes").startsWith("1")) await delay(20);
  const [a, b] = [await join2(port, "a"), await join2(port, "b")];
  const text = JSON.stringify({ type: "m", x: "x".repeat(200) });

  const times = [];
  for (let i = 0; i < 2000; i++) {
    const began = process.hrtime.bigint();
    const heard = new Promise((done) => { b.heard = done; });
    a.say(text);
    await heard;
    if (i >= 200) times.push(Number(process.hrtime.bigint() - began) / 1000);
  }
  times.sort((x, y) => x - y);

  let count = 0;
  const until = performance.now() + SECONDS * 1000;
  const before = { nakodo: cpu(nakodo.pid), redis: cpu(redis.pid) };
  await new Promise((done) => {
    b.heard = () => {
      count++;
      if (performance.now() < until) a.say(text);
      else done();
    };
    for (let i = 0; i < 16; i++) a.say(text);
  });
  const of = (what, pid) => (cpu(pid) - before[what]) / count;
  const result = { p50: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)], nakodo: of("nakodo", nakodo.pid), redis: of("redis", redis.pid) };
  a.close();
  b.close();
  for (const child of children.splice(0).reverse()) {
    child.kill("SIGKILL");
    await new Promise((done) => child.on("exit", done));
  }
  return result;
}

console.log("nakodo.v1, 200 B from one participant to another at the same node");
for (const durable of ["no", "yes"]) {
  const { p50, p99, nakodo, redis } = await measure(durable);
  console.log(`cluster-durable=${durable.padEnd(3)}  p50 ${p50.toFixed(0)} µs, p99 ${p99.toFixed(0)} µs; at window 16 ${nakodo.toFixed(1)} µs of nakodo's and ${redis.toFixed(1)} µs of Redis' processor for each`);
}
process.exit(0);
