/*
 * Where the tiles of the stage go: numbers only, so that it can be thought about and tested alone.
 */

const GAP = 8;
const WIDEST = 16 / 9;
const SCREEN = 208; // px, one's own screen: as wide as what it says
const NAMED = 128; // px, as wide as a name
const SCROLLBAR = 4; // px, what it takes beyond the gap where it has a place of its own

/** @typedef {{ x: number, y: number, width: number, height: number }} Box */

/**
 * The largest box of a pleasant shape inside another one, in its middle.
 * @param {Box} cell
 * @param {number} narrowest
 */
function fit({ x, y, width, height }, narrowest) {
  const w = Math.min(width, height * WIDEST);
  const h = Math.min(height, w / narrowest);
  return { x: x + (width - w) / 2, y: y + (height - h) / 2, width: w, height: h };
}

/**
 * Equal cells; a last row that is not full stands in the middle.
 * @param {number} count
 * @param {number} columns
 * @param {Box} area
 */
function cells(count, columns, area) {
  const rows = Math.ceil(count / columns);
  const width = (area.width - GAP * (columns - 1)) / columns;
  const height = (area.height - GAP * (rows - 1)) / rows;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const indent = (area.width - inRow * width - (inRow - 1) * GAP) / 2;
    const x = area.x + indent + (i % columns) * (width + GAP);
    return { x, y: area.y + row * (height + GAP), width, height };
  });
}

/**
 * Two people: one fills the stage, the other is small in its corner.
 * @param {number} width of the stage
 * @param {number} height
 * @returns {[Box, Box]} the large one and the small one
 */
export function inset(width, height) {
  const [large] = grid(1, areaOf(width, height));
  const room = { width: Math.min(248, large.width * 0.35), height: Math.min(140, large.height * 0.28) };
  const small = fit({ x: 0, y: 0, ...room }, 3 / 4);
  const x = large.x + large.width - small.width - GAP;
  return [large, { ...small, x, y: large.y + large.height - small.height - GAP }];
}

/**
 * Where one's own screen is: above one's own picture if that is small, in its corner if not, in the
 * corner of the stage if it is hidden.
 * @param {Box | null} self where one's own picture is
 * @param {boolean} isSmall
 * @param {number} width of the stage
 * @param {number} height
 * @returns {Box}
 */
export function beside(self, isSmall, width, height) {
  const area = areaOf(width, height);
  const within = self ?? area;
  const w = Math.min(SCREEN, area.width / 2, (area.height / 3) * WIDEST);
  const h = w / WIDEST;
  const x = within.x + within.width - w - (isSmall ? 0 : GAP);
  const inside = self ? within.y + GAP : within.y + within.height - h - GAP;
  return { x, y: isSmall ? within.y - h - GAP : inside, width: w, height: h };
}

/** @param {number} width @param {number} height */
function areaOf(width, height) {
  return { x: GAP, y: GAP, width: width - 2 * GAP, height: height - 2 * GAP };
}

/** As many columns as make the tiles largest. @param {number} count @param {Box} area */
function grid(count, area) {
  const upright = count === 1 ? 9 / 16 : 3 / 4; // one alone fills a phone
  const narrowest = area.width > area.height ? 4 / 3 : upright;
  const size = (/** @type {Box[]} */ [{ width, height }]) => width * height;
  const all = Array.from({ length: count }, (_, i) => {
    const columns = i + 1;
    const rows = Math.ceil(count / columns);
    // Rows and columns stand together, however much is left around them.
    const tallest = (area.width - GAP * (columns - 1)) / columns / narrowest;
    const widest = ((area.height - GAP * (rows - 1)) / rows) * WIDEST;
    const height = Math.min(area.height, rows * (tallest + GAP) - GAP);
    const width = Math.min(area.width, columns * (widest + GAP) - GAP);
    const used = { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    return cells(count, columns, used).map((cell) => fit(cell, narrowest));
  });
  return all.reduce((best, next) => (size(next) > size(best) ? next : best));
}

/**
 * One tile large, the others small in a row below it, or in a column beside it where that leaves more
 * of the large one. A small one is never too narrow for a name: a row or a column of many goes on
 * beyond the stage, to be scrolled.
 * @param {number} count of tiles, two at least
 * @param {number} focus
 * @param {number} width of the stage
 * @param {number} height
 * @returns {Box[]}
 */
function around(count, focus, width, height) {
  const area = areaOf(width, height);
  const [below, beside] = [row(count - 1, area), column(count - 1, area)];
  const [main, others] = pictureWidth(below[0]) >= pictureWidth(beside[0]) ? below : beside;
  return [...others.slice(0, focus), main, ...others.slice(focus)];
}

/** @param {Box} box */
function pictureWidth({ width, height }) {
  return Math.min(width, height * WIDEST);
}

/** @param {number} count @param {Box} area @returns {[Box, Box[]]} the large one, the small ones */
function row(count, area) {
  const most = Math.min(140, area.height / 4);
  const width = clamp((area.width + GAP) / count - GAP, NAMED, most * WIDEST);
  const all = count * (width + GAP) - GAP;
  const isLong = all > area.width;
  const height = most - (isLong ? SCROLLBAR : 0);
  const x = area.x + (isLong ? 0 : (area.width - all) / 2);
  const y = area.y + area.height - most;
  return [
    { ...area, height: area.height - most - GAP },
    Array.from({ length: count }, (_, i) => ({ x: x + i * (width + GAP), y, width, height })),
  ];
}

/** @param {number} count @param {Box} area @returns {[Box, Box[]]} the large one, the small ones */
function column(count, area) {
  const most = clamp(area.width / 6, NAMED, 208);
  const isLong = count * (most / WIDEST + GAP) - GAP > area.height;
  const width = most - (isLong ? SCROLLBAR : 0);
  const height = width / WIDEST;
  const x = area.x + area.width - most;
  const y = area.y + (isLong ? 0 : (area.height - count * (height + GAP) + GAP) / 2);
  return [
    { ...area, width: area.width - most - GAP },
    Array.from({ length: count }, (_, i) => ({ x, y: y + i * (height + GAP), width, height })),
  ];
}

/** @param {number} value @param {number} least goes before `most` @param {number} most */
function clamp(value, least, most) {
  return Math.max(least, Math.min(most, value));
}

/**
 * @param {number} count of tiles, at least one
 * @param {number} focus the tile that is shown large; -1: none
 * @param {number} width of the stage
 * @param {number} height
 * @returns {Box[]} one for each tile
 */
export function arrange(count, focus, width, height) {
  const isGrid = focus < 0 || count === 1;
  return isGrid ? grid(count, areaOf(width, height)) : around(count, focus, width, height);
}

/**
 * How large a stage must be for all of them.
 * @param {Box[]} boxes
 */
export function extent(boxes) {
  return {
    width: Math.max(...boxes.map(({ x, width }) => x + width)) + GAP,
    height: Math.max(...boxes.map(({ y, height }) => y + height)) + GAP,
  };
}
