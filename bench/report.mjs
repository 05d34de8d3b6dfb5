// Figures to text: medians, one table for each workload, one summary of ratios.
import { serverTitles } from "./servers.mjs";

const ROOMS_COLUMNS = [
  ["CPU µs/delivery", "cpu_us", 2],
  ["deliveries/s", "per_second", 0],
  ["p50 ms", "p50_us", 2, 1000],
  ["p99 ms", "p99_us", 2, 1000],
  ["server busy %", "server_busy", 0, 0.01],
  ["load busy %", "load_busy", 0, 0.01],
];
const CROWD_COLUMNS = [
  ["CPU µs/connect", "cpu_us", 1],
  ["connects/s", "per_second", 0],
  ["refused", "refused", 0],
  ["idle kB", "idle_kb", 2],
  ["server busy %", "server_busy", 0, 0.01],
];
const ROOMS_RATIOS = ["cpu_us", "per_second", "p50_us", "p99_us"];
const CROWD_RATIOS = ["cpu_us", "per_second", "idle_kb"];
const RATIO_TITLES = {
  cpu_us: "CPU",
  per_second: "rate",
  p50_us: "p50",
  p99_us: "p99",
  idle_kb: "idle kB",
};

function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// Each figure's median by itself over the rounds.
export function medians(runs) {
  return Object.fromEntries(
    Object.keys(runs[0]).map((key) => [key, middle(runs.map((run) => run[key]))]),
  );
}

// Rows of cells as a Markdown table whose columns also line up on a terminal.
function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(3, ...rows.map((row) => [...row[i]].length)));
  const pad = (cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]));
  const dashes = (width, i) => (i ? `${"-".repeat(width + 1)}:` : "-".repeat(width + 2));
  const line = (row) => `| ${row.map(pad).join(" | ")} |`;
  const rule = `|${widths.map(dashes).join("|")}|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join("\n");
}

// `figures` is { server: medians }.
export function workloadTable(workload, figures) {
  const columns = workload.kind === "rooms" ? ROOMS_COLUMNS : CROWD_COLUMNS;
  const rows = Object.entries(figures).map(([server, median]) => [
    serverTitles[server],
    ...columns.map(([, key, digits, unit = 1]) => (median[key] / unit).toFixed(digits)),
  ]);
  return table([["", ...columns.map(([title]) => title)], ...rows]);
}

function ratioCells(keys, own, other) {
  return keys.map((key) => (other ? (own[key] / other[key]).toFixed(2) : "–"));
}

function aimCell({ aim, aimKb }, { nakodo, ws }) {
  if (aimKb) {
    return `idle ≤ ${aimKb.toFixed(1)} kB: ${nakodo.idle_kb.toFixed(1)}`;
  }
  return aim && ws ? `CPU ≤ ${aim.toFixed(2)}: ${(nakodo.cpu_us / ws.cpu_us).toFixed(2)}` : "";
}

function ratioTable(results, keys) {
  const titles = ["ws", "Go"].flatMap((peer) => keys.map((key) => `${RATIO_TITLES[key]}/${peer}`));
  const rows = results.map(({ workload, figures }) => [
    workload.title,
    ...ratioCells(keys, figures.nakodo, figures.ws),
    ...ratioCells(keys, figures.nakodo, figures.go),
    aimCell(workload, figures),
  ]);
  return rows.length ? table([["nakodo in ratio to", ...titles, "aim"], ...rows]) : "";
}

// What nakodo has by what the others have; below 1 is better, but for a rate. Every result must
// have nakodo's figures.
export function summary(results) {
  const kind = (name) => results.filter(({ workload }) => workload.kind === name);
  return [
    ratioTable(kind("rooms"), ROOMS_RATIOS),
    ratioTable(kind("crowd"), CROWD_RATIOS),
  ].filter(Boolean).join("\n\n");
}
