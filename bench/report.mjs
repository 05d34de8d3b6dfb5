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
const TALK_COLUMNS = [
  ...ROOMS_COLUMNS,
  ["idle kB", "idle_kb", 2],
  ["loaded kB", "loaded_kb", 2],
  ["whole MB", "whole_mb", 1],
];
const ROOMS_RATIOS = ["cpu_us", "per_second", "p50_us", "p99_us"];
const CROWD_RATIOS = ["cpu_us", "per_second", "idle_kb"];
const TALK_RATIOS = [...ROOMS_RATIOS, "idle_kb", "loaded_kb", "whole_mb"];
const RELAYS = ["ws", "go"];
// What is shown of the kinds of workloads, those with the same columns in one summary; a rival of
// null is the workload's own.
const SHAPES = [
  { kinds: ["rooms"], columns: ROOMS_COLUMNS, ratios: ROOMS_RATIOS, rivals: RELAYS },
  { kinds: ["crowd"], columns: CROWD_COLUMNS, ratios: CROWD_RATIOS, rivals: RELAYS },
  { kinds: ["peerjs", "y-webrtc", "webtorrent"], columns: TALK_COLUMNS, ratios: TALK_RATIOS, rivals: [null] },
];
const RATIO_TITLES = {
  cpu_us: "CPU",
  per_second: "rate",
  p50_us: "p50",
  p99_us: "p99",
  idle_kb: "idle kB",
  loaded_kb: "loaded kB",
  whole_mb: "whole MB",
};
const RIVAL_TITLES = { ws: "ws", go: "Go", null: "original" };

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
  const { columns } = SHAPES.find(({ kinds }) => kinds.includes(workload.kind));
  const rows = Object.entries(figures).map(([server, median]) => [
    serverTitles[server],
    ...columns.map(([, key, digits, unit = 1]) => (median[key] / unit).toFixed(digits)),
  ]);
  return table([["", ...columns.map(([title]) => title)], ...rows]);
}

function ratioCells(keys, own, other) {
  return keys.map((key) => (other ? (own[key] / other[key]).toFixed(2) : "–"));
}

function aimCell({ aim, aimKb, aimMemory, rivals }, { nakodo, [rivals[0]]: rival }) {
  const part = (title, limit, key) =>
    limit && rival && `${title} ≤ ${limit.toFixed(2)}: ${(nakodo[key] / rival[key]).toFixed(2)}`;
  return [
    aimKb && `idle ≤ ${aimKb.toFixed(1)} kB: ${nakodo.idle_kb.toFixed(1)}`,
    part("CPU", aim, "cpu_us"),
    part("idle", aimMemory, "idle_kb"),
    part("loaded", aimMemory, "loaded_kb"),
  ].filter(Boolean).join(", ");
}

function ratioTable(results, { ratios, rivals }) {
  const titles = rivals.flatMap((rival) =>
    ratios.map((key) => `${RATIO_TITLES[key]}/${RIVAL_TITLES[rival]}`));
  const rows = results.map(({ workload, figures }) => [
    workload.title,
    ...rivals.flatMap((rival) =>
      ratioCells(ratios, figures.nakodo, figures[rival ?? workload.rivals[0]])),
    aimCell(workload, figures),
  ]);
  return rows.length ? table([["nakodo in ratio to", ...titles, "aim"], ...rows]) : "";
}

// What nakodo has by what the others have; below 1 is better, but for a rate. Every result must
// have nakodo's figures.
export function summary(results) {
  return SHAPES.map((shape) =>
    ratioTable(results.filter(({ workload }) => shape.kinds.includes(workload.kind)), shape),
  ).filter(Boolean).join("\n\n");
}

// What the same daemon has with workers, or when each room is another node's, or was claimed, by what it has as one process.
export function ofSeveral(results) {
  const keys = ["cpu_us", "per_second", "p50_us", "p99_us"];
  const titles = keys.map((key) => RATIO_TITLES[key]);
  const tables = { workers: "workers", cluster: "another node", claims: "a claimed room" };
  return Object.entries(tables).map(([name, title]) => {
    const both = results.filter(({ figures }) => figures[name] && figures.nakodo);
    const rows = both.map(({ workload, figures }) => [
      workload.title, ...keys.map((key) => (figures.nakodo[key] ? (figures[name][key] / figures.nakodo[key]).toFixed(2) : "–")),
    ]);
    return rows.length ? table([[`${title} in ratio to one process`, ...titles], ...rows]) : "";
  }).filter(Boolean).join("\n\n");
}
