// A cluster as a server to be measured: `cluster.mjs LISTEN HOW NAKODO [OPTION]…` starts a Redis of its own and two nodes of
// which one listens there, and ends them with itself. HOW is `other`: all rooms are those of the other node, so
// that each message goes there and back; or `own`: each room is claimed by the node that is asked.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const ROOMS = 5000; // as many as any workload has; their names are numbers, or crowd-NUMBER
const OWNER = "00000000000000aa";

const [listen, how, nakodo, ...options] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "nakodo-bench-"));
const socket = join(folder, "redis.sock");
const children = [];

function start(file, args) {
  const child = spawn(file, args, { stdio: ["ignore", "inherit", "inherit"] });
  children.push(child);
  child.on("exit", end);
}

let ending = false;
async function end() {
  if (ending) return;
  ending = true;
  const left = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  for (const child of left) child.kill("SIGTERM");
  await Promise.all(left.map((child) => once(child, "exit")));
  rmSync(folder, { recursive: true });
  process.exit(0);
}
process.on("SIGTERM", end);

const answers = () => new Promise((done) => {
  const probe = connect(socket, () => { probe.destroy(); done(true); });
  probe.on("error", () => done(false));
});
const redis = (input) => execFileSync("redis-cli", ["-s", socket], { input }).toString();

start("redis-server", ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder, "--loglevel", "warning"]);
while (!(await answers())) await delay(20);
const names = Array.from({ length: ROOMS }, (_, i) => [`${i}`, `crowd-${i}`]).flat();
redis(["SET nk:{nakodo}:begin 1", "SET nk:{nakodo}:epoch 1",
  ...(how === "other" ? names.map((name) => `HSET "nk:{nakodo}:u:/\\n${name}" o ${OWNER} e 1`) : [])].join("\n"));
writeFileSync(join(folder, "nakodo.node"), OWNER);
const common = ["--cluster", `redis+unix://${socket}`, ...options];
start(nakodo, ["--listen", listen.replace(/:\d+$/, ":0"), "--state-dir", folder, ...common]);
while (!redis(`EXISTS nk:{nakodo}:n:${OWNER}`).includes("1")) await delay(20);
start(nakodo, ["--listen", listen, ...common]);
