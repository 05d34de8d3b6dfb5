// What a cluster would be like that is far larger than any machine here: what Redis has to do, what goes between nodes, and
// how long the rooms of a node that ends are away. The costs in Redis are measured, with the scripts as they are; the rest
// is a simulation, second by second, of how many connections come, go and wait.
//
//   ./script/bench --scale [--nodes 200] [--connections 5000000] [--room 4] [--minutes 10] [--stay 600] [--messages 0.2]
//                          [--bytes 600] [--every 60]
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const source = join(dirname(fileURLToPath(import.meta.url)), "../src/net/cluster");
const TIMES = 20000; // each script, for its cost
const LEASE = 15; // s
const RENEWAL = 5; // s
const ROUND = 300; // s between two assertions
const PATIENCE = 5; // s: handshake-timeout
const PAUSES = [0.2, 0.4, 0.8, 1.6]; // s: visitors.c
const SPREAD = 5; // s in which clients come again

const { values } = parseArgs({
  options: {
    scale: { type: "boolean" },
    nodes: { type: "string", default: "200" },
    connections: { type: "string", default: "5000000" },
    room: { type: "string", default: "4" },
    minutes: { type: "string", default: "10" },
    stay: { type: "string", default: "600" },
    messages: { type: "string", default: "0.2" },
    bytes: { type: "string", default: "600" },
    every: { type: "string", default: "60" },
  },
});
const o = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));

/** The text of a script in the source: what stands in quotes behind its name. */
function script(file, name) {
  const text = readFileSync(join(source, file), "utf8");
  const [, body] = new RegExp(`${name}\\[\\] =([\\s\\S]*?);\\n\\n`).exec(text);
  return [...body.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, line]) => line.replace(/\\n/g, "\n")).join("");
}

const words = (...all) => `*${all.length}\r\n${all.map((word) => `$${Buffer.byteLength(`${word}`)}\r\n${word}\r\n`).join("")}`;

/** µs of Redis' time for each of these commands. */
async function costs() {
  const folder = mkdtempSync(join(tmpdir(), "nakodo-scale-"));
  const path = join(folder, "redis.sock");
  const redis = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", folder], { stdio: "ignore" });
  const cli = (...args) => execFileSync("redis-cli", ["-s", path, ...args], { encoding: "utf8" });
  try {
    const answers = () => new Promise((done) => {
      const probe = connect(path, () => { probe.destroy(); done(true); });
      probe.on("error", () => done(false));
    });
    while (!(await answers())) await delay(20);
    cli("SET", "begin", "1");
    cli("SET", "n:me", "token 10.0.0.1 1", "EX", "1000");
    const run = async (command) => {
      cli("CONFIG", "RESETSTAT");
      const socket = connect(path);
      let answered = 0;
      // Each answer of these scripts is a number, or an array of two or three texts.
      socket.on("data", (bytes) => { answered += bytes.length; });
      for (let i = 0; i < TIMES; i++) if (!socket.write(command(i))) await once(socket, "drain");
      const calls = () => Number(/cmdstat_eval:calls=(\d+)/.exec(cli("INFO", "commandstats"))?.[1] ?? 0);
      while (calls() < TIMES) await delay(50);
      socket.destroy();
      if (!answered) throw new Error("Redis has not answered");
      return Number(/cmdstat_eval:calls=\d+,usec=\d+,usec_per_call=([\d.]+)/.exec(cli("INFO", "commandstats"))[1]);
    };
    const claim = script("units.c", "claim_script"), assertion = script("units.c", "assert_script");
    const release = script("units.c", "release_script"), renew = script("lease.c", "renew_script");
    const claims = (i, who) => words("EVAL", claim, 3, `u:${i}`, "epoch", "begin", who, "n:", 0, 3600000, 0);
    return {
      claim: await run((i) => claims(i, "me")),
      ask: await run((i) => claims(i, "you")),
      assert: await run((i) => words("EVAL", assertion, 2, `u:${i}`, "epoch", "me", 1 + i, 3600000)),
      release: await run((i) => words("EVAL", release, 1, `u:${i}`, "me", 1 + i)),
      renew: await run((i) => words("EVAL", renew, 4, `n:${i % o.nodes}`, "format", "begin2", "nodes", "t 10.0.0.1 1", 15000, 1, `${i % o.nodes}`, "t", 0)),
    };
  } finally {
    redis.kill();
    await once(redis, "exit");
    rmSync(folder, { recursive: true });
  }
}

/** How often who waits `seconds` for an owner that is not there asks, until it is refused; then it comes again. */
function asks(seconds) {
  let count = 0;
  for (let t = 0; t < seconds;) {
    for (let waited = 0, i = 0; waited < PATIENCE && t < seconds; i++) {
      const pause = PAUSES[Math.min(i, PAUSES.length - 1)];
      count++;
      waited += pause;
      t += pause;
    }
    t += SPREAD / 2;
  }
  return count;
}

const µs = await costs();
const rooms = o.connections / o.room;
const comes = o.connections / o.stay; // connections a second
const begins = comes / o.room;
const away = 1 - 1 / o.nodes; // of the connections whose room is at another node
const steady = {
  renew: o.nodes / RENEWAL,
  assert: rooms / ROUND,
  claim: begins,
  ask: comes - begins,
  release: begins,
};
const perSecond = Object.values(steady).reduce((a, b) => a + b, 0);
const share = (rates) => Object.entries(rates).reduce((sum, [name, rate]) => sum + rate * µs[name], 0) / 1e4;

/** A node ends: what is asked in each second from then on, and until when all is served again. */
function loss() {
  const owned = rooms / o.nodes, carried = o.connections / o.nodes;
  const cut = owned * o.room + carried * away; // those in its rooms, and those it only carried
  const seconds = [];
  // Those it carried go on at once: their rooms are there. Those in its rooms ask until the lease has ended.
  const waiting = owned * o.room;
  const each = asks(LEASE) / LEASE;
  for (let s = 0; s < LEASE + SPREAD; s++) {
    const come = s < SPREAD ? (carried * away) / SPREAD : 0;
    const asking = s < LEASE ? waiting * Math.min(1, (s + 1) / SPREAD) * each : 0;
    const claims = s >= LEASE ? owned / SPREAD : 0;
    seconds.push({ ask: come + asking + (s >= LEASE ? (waiting - owned) / SPREAD : 0), claim: claims });
  }
  return { owned, cut, seconds, worst: Math.max(...seconds.map(share)), served: LEASE + SPREAD };
}

const one = loss();
const lost = (60 / o.every) * o.minutes;
const row = (name, ...cells) => console.log(`${name.padEnd(60)}${cells.join("  ")}`);
const number = (value, digits = 0) => value.toLocaleString("en", { maximumFractionDigits: digits });

console.log(`${o.nodes} nodes, ${number(o.connections)} connections in rooms of ${o.room}, each for ${o.stay} s; a node ends every ${o.every} s\n`);
row("Redis' time for a script, µs (measured)", Object.entries(µs).map(([name, cost]) => `${name} ${cost.toFixed(1)}`).join(", "));
row("asked of Redis in a second, when all is well", `${number(perSecond)}: ${Object.entries(steady).map(([name, rate]) => `${name} ${number(rate)}`).join(", ")}`);
row("of Redis' one core", `${number(share(steady), 1)} %`);
row("its memory for rooms and nodes, MB (200 B each)", number((rooms + o.nodes) * 200 / 1e6));
row("connections at a node; of them other nodes' rooms", `${number(o.connections / o.nodes)}; ${number(100 * away, 1)} %`);
row("connections between nodes, of each", `${number(2 * (o.connections / o.nodes) * away)}, ${number((o.connections / o.nodes) * away)} there and as many here`);
const flow = o.connections * o.messages * o.bytes * 2 * away / o.nodes; // to the owner, and from it to each other
row("bytes between nodes, Mbit/s of each node there and here", number(flow * (1 + (o.room - 1)) / 2 * 8 / 1e6));
row("descriptors of a node", number((o.connections / o.nodes) * (2 * away + away + 1 / o.nodes)));
console.log();
row("a node that ends had", `${number(one.owned)} rooms; ${number(one.cut)} connections end`);
row("of Redis' core in the worst second after that", `${number(one.worst + share(steady), 1)} %`);
row("its rooms are served again after, s", `${LEASE} to ${one.served}`);
row("whose room is away at any time, of all", `${number(100 * (one.owned / rooms) * (LEASE + SPREAD / 2) / o.every, 2)} %`);
row("connections that end in a minute, of all", `${number(100 * one.cut / o.connections * 60 / o.every, 2)} %`);
row(`in ${o.minutes} minutes`, `${number(lost)} nodes, ${number(lost * one.cut)} connections`);
console.log();

// Which limit is met first, if all grows together.
const redisLimit = 70 / (one.worst + share(steady));
const limits = [
  ["Redis' one core (70 %), in the worst second", redisLimit],
  ["descriptors of a node (1 048 576)", 1048576 / ((o.connections / o.nodes) * 3)],
  ["1 Gbit/s between nodes", 1000 / (flow * (1 + (o.room - 1)) / 2 * 8 / 1e6)],
  ["ports from one node to another (28 000)", 28000 / ((o.connections / o.nodes / o.nodes) * away)],
];
console.log("how much larger all could be until a limit is met:");
for (const [name, factor] of limits.sort(([, a], [, b]) => a - b)) row(`  ${name}`, `${factor.toFixed(1)} times`);
