// How long it takes until Join can be pressed, in Chromium, by TLS, from 40 and 100 ms away: with
// nothing known of the page (cold), and at a reload. ./script/bench --pages starts it.
import { createHash, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { certificate } from "./certificate.mjs";
import { distance } from "./distance.mjs";
import { startServer } from "./servers.mjs";

const WAIT_MS = 30000;
const AIMS = { cold: [8, 250], reload: [3, 200] }; // round trips, and ms besides

const source = dirname(fileURLToPath(import.meta.url));
const options = parseArgs({
  options: {
    pages: { type: "boolean" },
    rounds: { type: "string", default: "5" },
    nakodo: { type: "string", default: join(source, "../build/release/nakodo") },
    build: { type: "string", default: join(source, "../build/bench") },
    "web-root": { type: "string" },
  },
}).values;

async function launch(cert) {
  const packages = createRequire(join(source, "../tests/package.json"));
  const { default: puppeteer } = await import(pathToFileURL(packages.resolve("puppeteer-core")));
  const key = new X509Certificate(readFileSync(cert)).publicKey.export({ type: "spki", format: "der" });
  // Known by its key it is trusted: nothing is cached of a page whose certificate is only put up with.
  const hash = createHash("sha256").update(key).digest("base64");
  return puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", `--ignore-certificate-errors-spki-list=${hash}`,
      "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
  });
}

// In the page: when Join was there to be pressed, in ms since the navigation began.
function watch() {
  const look = () => {
    const join = document.querySelector("#prejoin:not([hidden]) #join:not(:disabled)");
    if (join) {
      watcher.disconnect();
      requestAnimationFrame(() => { window.usable = performance.now(); });
    }
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document, { subtree: true, childList: true, attributes: true });
}

async function usable(page) {
  const handle = await page.waitForFunction(() => window.usable, { timeout: WAIT_MS, polling: 50 });
  return handle.jsonValue();
}

async function measure(browser, port, rtt) {
  const far = await distance(port, rtt);
  const context = await browser.createBrowserContext();
  try {
    const page = await context.newPage();
    await page.evaluateOnNewDocument(watch);
    await page.goto(`https://127.0.0.1:${far.port}/r/asakai`);
    const cold = await usable(page);
    await page.waitForNetworkIdle({ idleTime: 4 * rtt + 200 });
    const before = far.count();
    await page.reload();
    return { cold, reload: await usable(page), connections: [before, far.count() - before] };
  } finally {
    await context.close();
    far.close();
  }
}

function middle(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

mkdirSync(options.build, { recursive: true });
const { cert, key } = certificate(options.build);
const server = await startServer("nakodo", {
  ...options, cert, key, source, tls: true, cores: [],
  addresses: ["--max-peers-per-address", 0, "--connect-rate", 0,
    "--web-root", options["web-root"] ?? join(dirname(options.nakodo), "web")],
});
const browser = await launch(cert);
let missed = 0;
try {
  await measure(browser, server.port, 0); // wakes the browser up
  const near = [];
  for (const rtt of [0, 40, 100]) {
    const found = [];
    for (let round = 0; round < Number(options.rounds); round++) {
      found.push(await measure(browser, server.port, rtt));
    }
    for (const kind of ["cold", "reload"]) {
      const time = middle(found.map((one) => one[kind]));
      const counts = middle(found.map((one) => one.connections[kind === "cold" ? 0 : 1]));
      if (rtt === 0) {
        near[kind] = time;
        console.log(`${kind}, near: ${time.toFixed(0)} ms`);
        continue;
      }
      const [trips, ms] = AIMS[kind];
      const most = trips * rtt + ms;
      missed += time > most;
      console.log(`${kind}, ${rtt} ms away: ${time.toFixed(0)} ms, `
        + `${((time - near[kind]) / rtt).toFixed(1)} round trips and what it takes near; `
        + `${counts} connections; aim: ${most} ms${time > most ? ", missed" : ""}`);
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
process.exitCode = missed ? 1 : 0;
