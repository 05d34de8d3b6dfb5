// Runs each workload against each server in turns, prints tables, and writes results.md and
// results.json into the build folder. ./script/bench builds what this starts and documents the
// options. Exit status 1 when a message or a connection was lost anywhere.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { certificate } from "./certificate.mjs";
import { medians, ofSeveral, summary, workloadTable } from "./report.mjs";
import { cores, pinned, serverNames, serverTitles, startServer } from "./servers.mjs";
import { workloads } from "./workloads.mjs";

const SLOWEST_RUN_S = 20; // besides the measured time; the whole may take as long as all being so

const source = dirname(fileURLToPath(import.meta.url));
const options = readOptions();

function readOptions() {
  try {
    return parseArgs({
      options: {
        quick: { type: "boolean" },
        only: { type: "string", default: "" },
        servers: { type: "string", default: serverNames.join(",") },
        rounds: { type: "string" },
        seconds: { type: "string" },
        workers: { type: "string" },
        cluster: { type: "boolean" },
        nakodo: { type: "string", default: join(source, "../build/release/nakodo") },
        build: { type: "string", default: join(source, "../build/bench") },
      },
    }).values;
  } catch (error) {
    console.error(`bench: ${error.message}`);
    process.exit(2);
  }
}

function positive(name, fallback) {
  const value = Number(options[name] ?? fallback);
  if (!(value > 0)) {
    throw new Error(`--${name} takes a number above 0, not "${options[name]}"`);
  }
  return value;
}

function chosen() {
  const names = options.servers.split(",");
  const unknown = names.find((name) => !serverNames.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--servers knows ${serverNames.join(", ")}, not "${unknown}"`);
  }
  if (options.workers !== undefined) {
    names.splice(names.indexOf("nakodo") + 1, 0, "workers");
  }
  if (options.cluster) {
    names.splice(names.indexOf("nakodo") + 1, 0, "cluster", "claims");
  }
  const own = ["nakodo", "workers", "cluster", "claims"];
  const list = workloads
    .filter(({ name }) => new RegExp(options.only).test(name))
    .map((workload) => ({
      workload,
      names: names.filter((name) => own.includes(name) || workload.rivals.includes(name)),
    }))
    .filter((run) => run.names.length > 0);
  if (list.length === 0) {
    const all = workloads.map(({ name }) => name).join("\n");
    throw new Error(`--only "${options.only}" for --servers ${names} matches none of:\n${all}`);
  }
  if (names.includes("nakodo") && !existsSync(options.nakodo)) {
    throw new Error(`there is no ${options.nakodo}`);
  }
  return list;
}

// The load generator's JSON, or an exception with what it complained about.
function load(workload, server, settings) {
  const command = pinned(settings.cores[1], [
    join(options.build, "load/load"), workload.kind, ...workload.args, "--port", server.port,
    "--pid", server.pid, "--seconds", settings.seconds, "--warmup", settings.warmup,
    ...(workload.tls ? ["--tls"] : []),
  ]);
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let complaints = "";
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (complaints += data));
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) {
        resolve(JSON.parse(out));
      } else {
        reject(new Error(`${complaints}${out}load ended with status ${status}`));
      }
    });
  });
}

async function run(workload, name, settings) {
  const server = await startServer(name, { ...settings, tls: workload.tls });
  try {
    return await load(workload, server, settings);
  } finally {
    await server.stop();
  }
}

// { server: medians } of one workload; servers take turns, so that a change of the machine's mood
// meets all of them. A server that failed once is left out.
async function compare(workload, names, settings, failures) {
  const runs = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < settings.rounds; round++) {
    for (const name of names) {
      try {
        runs[name]?.push(await run(workload, name, settings));
      } catch (error) {
        delete runs[name];
        failures.push(`${workload.name}, ${serverTitles[name]}: ${error.message}`);
        console.error(`FAILED ${failures.at(-1)}`);
      }
    }
  }
  const figures = Object.entries(runs).map(([name, list]) => [name, medians(list)]);
  return { workload, figures: Object.fromEntries(figures), runs };
}

function machine() {
  const go = spawnSync("go", ["version"], { encoding: "utf8" });
  const tcp = readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "utf8").trim();
  return {
    cpu: cpus()[0].model,
    cores: cpus().length,
    kernel: `${release()}, TCP ${tcp}`,
    node: process.version,
    go: go.stdout?.trim(),
  };
}

function write(results, settings, failures) {
  const text = results.map(({ workload, figures }) =>
    `## ${workload.title}\n\n${workloadTable(workload, figures)}\n`);
  const about = Object.entries(settings.machine).map(([key, value]) => `* ${key}: ${value}`);
  const rounds = `* rounds: ${settings.rounds} of ${settings.seconds} s`;
  const compared = [summary, ofSeveral]
    .map((table) => table(results.filter(({ figures }) => figures.nakodo)))
    .filter(Boolean).join("\n\n");
  writeFileSync(join(options.build, "results.json"),
    JSON.stringify({ machine: settings.machine, rounds: settings.rounds, seconds: settings.seconds,
      results, failures }, null, 2));
  writeFileSync(join(options.build, "results.md"),
    ["# Benchmark", [...about, rounds].join("\n"), compared, ...text,
      ...failures.map((failure) => `FAILED: ${failure}`)].filter(Boolean).join("\n\n"));
  return compared;
}

async function main() {
  const list = chosen();
  mkdirSync(options.build, { recursive: true });
  const settings = {
    ...certificate(options.build), source, build: options.build, nakodo: options.nakodo, cores: cores(),
    rounds: positive("rounds", options.quick ? 1 : 3),
    seconds: positive("seconds", options.quick ? 1.5 : 2.5),
    warmup: options.quick ? 0.5 : 1, machine: machine(),
    workers: options.workers && positive("workers"),
  };
  const runs = list.reduce((sum, { names }) => sum + names.length, 0) * settings.rounds;
  const most = runs * (settings.seconds + SLOWEST_RUN_S);
  setTimeout(() => {
    console.error("bench: the deadline has passed");
    process.exit(1);
  }, most * 1000).unref();
  // Ended from outside, it takes its server along (process.exit() runs the "exit" listeners).
  process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));
  const [busy] = loadavg();
  if (busy > 0.5) {
    console.log(`Others are using this machine (load ${busy.toFixed(1)}): expect noise.`);
  }
  const results = [];
  const failures = [];
  for (const [i, { workload, names }] of list.entries()) {
    console.log(`\n[${i + 1}/${list.length}] ${workload.title}`);
    results.push(await compare(workload, names, settings, failures));
    console.log(workloadTable(workload, results.at(-1).figures));
  }
  const compared = write(results, settings, failures);
  console.log(`${compared && `\n${compared}\n`}\nIn ${options.build}: results.md, results.json`);
  if (failures.length) {
    console.error(`\n${failures.length} runs FAILED:\n${failures.join("\n")}`);
    process.exitCode = 1;
  }
}

await main().catch((error) => {
  console.error(`bench: ${error.message}`);
  process.exit(1);
});
