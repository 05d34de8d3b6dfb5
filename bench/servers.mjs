// The servers that are compared: how each is started on a port of its own, pinned to one core, and
// ended. One lives for one run, so that nothing is left over from the run before.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const START_MS = 10_000;
const STOP_MS = 10_000;

// One process, nothing kept for a second connection, and one small answer (handshakes.mjs).
function nginxConfig({ build, port, cert, key }) {
  const path = join(build, "nginx.conf");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${join(build, "nginx")};`);
  writeFileSync(path, `daemon off; master_process off; pid ${join(build, "nginx.pid")};
error_log stderr crit; events { worker_connections 4096; }
http { access_log off; ${temporary.join(" ")}
ssl_session_tickets off; ssl_session_cache off; keepalive_timeout 0;
server { listen 127.0.0.1:${port} ssl; ssl_protocols TLSv1.2 TLSv1.3;
ssl_certificate ${cert}; ssl_certificate_key ${key}; location / { return 200 "ok"; } } }
`);
  return path;
}

function cluster(settings, how) {
  const [nakodo, , listen, ...options] = commands.nakodo(settings);
  return [process.execPath, join(settings.source, "cluster.mjs"), listen, how, nakodo, ...options];
}

// Each value gives the command line. All of nakodo's limits that the load would meet are lifted.
const commands = {
  nakodo: ({ nakodo, source, tls, port, cert, key, addresses = ["--max-peers-per-address", 0, "--connect-rate", 0] }) => [
    nakodo, "--listen", `${tls ? "tls:" : ""}127.0.0.1:${port}`, ...(tls ? ["--tls-cert", cert, "--tls-key", key] : []),
    "--web-root", join(source, "../web"), "--origin", "any", "--log-level", "warn",
    "--message-rate", 0, "--byte-rate", 0, "--max-peers", 20000, "--max-peers-per-room", 2000,
    "--drain-seconds", 0, "--handshake-timeout", 60,
    ...addresses,
  ],
  workers: (settings) => [...commands.nakodo(settings), "--workers", settings.workers],
  cluster: (settings) => cluster(settings, "other"),
  claims: (settings) => cluster(settings, "own"),
  ws: ({ source, tls, port, cert, key }) => [
    process.execPath, join(source, "relay-ws/relay.mjs"), port, ...(tls ? [cert, key] : []),
  ],
  go: ({ build, tls, port, cert, key }) => [
    join(build, "hub-go"), port, ...(tls ? [cert, key] : []),
  ],
  peer: ({ source, port }) => [
    process.execPath, join(source, "peers/node_modules/peer/dist/bin/peerjs.js"),
    "--host", "127.0.0.1", "--port", port,
  ],
  "bittorrent-tracker": ({ source, port }) => [
    process.execPath, join(source, "peers/node_modules/bittorrent-tracker/bin/cmd.js"),
    "--ws", "--silent", "--http-hostname", "127.0.0.1", "--port", port,
  ],
  "y-webrtc": ({ source, port }) => [
    "env", `PORT=${port}`,
    process.execPath, join(source, "peers/node_modules/y-webrtc/bin/server.js"),
  ],
  nginx: (settings) => ["nginx", "-c", nginxConfig(settings)],
};

export const serverTitles = {
  nakodo: "nakodo",
  ws: "npm ws",
  go: "Go gorilla",
  peer: "npm peer",
  "bittorrent-tracker": "npm tracker",
  "y-webrtc": "y-webrtc",
  workers: "workers",
  cluster: "other node",
  claims: "claimed",
};
export const serverNames = Object.keys(serverTitles).filter((name) => !["workers", "cluster", "claims"].includes(name));

// The first two cores that this process may use: one for the server, one for the load.
export function cores() {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))[1];
  const all = list.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  return all.length < 2 ? [] : all.slice(0, 2);
}

// Pins a command line when there are two cores, so that it is a server's alone or the load's.
export function pinned(core, command) {
  const words = command.map(String);
  return core === undefined ? words : ["taskset", "-c", String(core), ...words];
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

async function untilAnswers(child, port, name) {
  const end = Date.now() + START_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > end) {
      child.kill("SIGKILL");
      throw new Error(`${name} does not answer on its port; see its log`);
    }
    await delay(20);
  }
}

// CPU time of a process in µs.
export function cpu(pid) {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1000;
}

// Starts a server, on a free port unless the settings have one, and resolves when it takes
// connections: its port, its pid and stop().
export async function startServer(name, settings) {
  const port = settings.port ?? (await freePort());
  const logs = join(settings.build, "log");
  mkdirSync(logs, { recursive: true });
  const log = openSync(join(logs, `${name}.log`), "a");
  const [file, ...args] = pinned(settings.cores[0], commands[name]({ ...settings, port }));
  const child = spawn(file, args, { stdio: ["ignore", log, log] });
  const gone = once(child, "exit");
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  await untilAnswers(child, port, name);
  return {
    port,
    pid: child.pid,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${name} ended under load; see its log`);
      }
      child.kill("SIGTERM");
      const late = setTimeout(kill, STOP_MS);
      await gone;
      clearTimeout(late);
    },
  };
}
