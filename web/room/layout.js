/*
 * Where the tiles of the stage go: numbers only, so that it can be thought about and tested alone.
 */

const GAP = 8;
const WIDEST = 16 / 9;
const SCREEN = 208; // px, one's own screen: as wide as what it says

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
  const narrowest = area.width > area.height ? 4 / 3 : 3 / 4;
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
 * @param {number} count of tiles, at least one
 * @param {number} focus the tile that is shown large; -1: none
 * @param {number} width of the stage
 * @param {number} height
 * @returns {Box[]} one for each tile
 */
export function arrange(count, focus, width, height) {
  const area = areaOf(width, height);
  if (focus < 0 || count === 1) {
    return grid(count, area);
  }
  const strip = Math.min(140, area.height / 4);
  const main = { ...area, height: area.height - strip - GAP };
  const below = { ...area, y: main.y + main.height + GAP, height: strip };
  const others = cells(count - 1, count - 1, {
    ...below,
    width: Math.min(below.width, (count - 1) * (strip * WIDEST + GAP) - GAP),
  });
  const used = others[others.length - 1].x + others[0].width - others[0].x;
  const shift = (below.width - used) / 2;
  const boxes = others.map((box) => fit({ ...box, x: box.x + shift }, 3 / 4));
  return [...boxes.slice(0, focus), main, ...boxes.slice(focus)];
}
