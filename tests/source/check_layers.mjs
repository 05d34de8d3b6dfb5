// A file includes its own layer or one further right, in no circle, and foreign headers stay home;
// within net, which has floors, it includes its own room or one on a lower floor.
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fault, files, lines, root } from './tree.mjs';

const layers = ['main', 'probe', 'net', 'dialect', 'hub', 'service', 'base'];

/** `nakodo probe` stands beside the server: it knows only these. */
const probeKnows = ['probe', 'service', 'base'];

/** The rooms of net from the top floor down; its root is ''. */
const floors = [[''], ['cluster'], ['workers'], ['ws', 'http', 'ctl'], ['socket'], ['gate'], ['tls'], ['loop', 'redis']];

/** Who may include what. A file is known by LAYER/NAME, wherever its .c and its .h are. */
const homes = [
  [/^libwebsockets\.h$/, /^net\//],
  [/^uv\.h$/, /^net\//],
  [/^systemd\//, /^net\//],
  // net/ws/reading asks how much TLS holds back; it has the name from libwebsockets.h.
  // net/loop/courier clears what libcurl leaves behind in OpenSSL.
  [/^openssl\//, /^(net\/tls\/|net\/workers\/tunnel(_\w+)?$|net\/loop\/courier$|net\/redis\/|net\/cluster\/inlet$|service\/|probe\/)/],
  [/^curl\//, /^net\/loop\/courier$/],
  [/^cjson\//, /^(dialect\/|service\/|probe\/|base\/json$|net\/http\/site$)/],
  [/^hiredis\//, /^net\/(redis|cluster)\//],
  [/^qrencode\.h$/, /^net\/http\/qr$/],
  [/^uthash\.h$/, /^base\/hash$/],
  [/^utlist\.h$/, /^(net|dialect|hub|service)\//],
];

const nameOf = (path) =>
  path === 'src/main.c' ? 'main/main' : path.replace(/^(src|include\/nakodo)\//, '').replace(/\.[ch]$/, '');
const layerOf = (path) => layers.indexOf(nameOf(path).split('/')[0]);
const roomOf = (path) => /^net\/(?:(.*)\/)?/.exec(nameOf(path))?.[1] ?? '';
const floorOf = (path) => floors.findIndex((rooms) => rooms.includes(roomOf(path)));
const isNet = (path) => layers[layerOf(path)] === 'net';

function resolve(path, name) {
  const found = [`include/${name}`, normalize(join(dirname(path), name))].find((p) => existsSync(join(root, p)));
  if (!found) fault(path, `there is no "${name}"`);
  return found;
}

/** What a file includes of ours. */
function look(path) {
  const own = `include/nakodo/${nameOf(path)}.h`;
  const included = [];
  let first = true;

  if (layerOf(path) < 0) fault(path, 'is in no layer');
  if (isNet(path) && floorOf(path) < 0) fault(path, 'is on no floor of net');
  for (const line of lines(path)) {
    const [, quoted, angled] = /^\s*#\s*include\s+(?:"(.+)"|<(.+)>)/.exec(line) ?? [];

    if (!quoted && !angled) continue;
    if (first && path.endsWith('.c') && existsSync(join(root, own)) && `include/${quoted}` !== own) {
      fault(path, `includes ${quoted ?? angled} before its own header`);
    }
    first = false;
    for (const [header, home] of homes) {
      if (angled && header.test(angled) && !home.test(nameOf(path))) fault(path, `<${angled}> is not at home here`);
    }
    // What CMake makes is known to all.
    if (quoted && quoted !== 'nakodo/config.h') included.push(resolve(path, quoted));
  }
  return included.filter(Boolean);
}

const graph = new Map(files(/^(src|include)\/.*\.[ch]$/).map((path) => [path, look(path)]));

for (const [path, included] of graph) {
  for (const other of included) {
    if (layerOf(other) < layerOf(path)) fault(path, `${layers[layerOf(path)]} must not know ${other}`);
    if (layers[layerOf(path)] === 'probe' && !probeKnows.includes(layers[layerOf(other)])) fault(path, `probe must not know ${other}`);
    if (isNet(path) && isNet(other) && roomOf(path) !== roomOf(other) && floorOf(other) <= floorOf(path)) {
      fault(path, `net/${roomOf(path)} must not know ${other}`);
    }
  }
}

const done = new Set();
function visit(path, way) {
  if (way.includes(path)) fault(path, `is in a circle: ${[...way.slice(way.indexOf(path)), path].join(' > ')}`);
  else if (!done.has(path)) for (const other of graph.get(path) ?? []) visit(other, [...way, path]);
  done.add(path);
}
for (const path of graph.keys()) visit(path, []);
