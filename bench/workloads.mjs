// What is run, in order. `rivals` are the servers it is compared with; of what the first of them
// costs nakodo may cost `aim` in CPU per delivery and `aimMemory` in memory per client. `aimKb` is
// the most memory that an idle connection may take.

const AIMS = { "1x1000-w1": 0.65, "500x2-w1": 0.48, "500x2-w16": 0.7 };
const BURST_AIM = 0.14;
const IDLE_AIM = { ws: 4.0, wss: 15 };
const CROWD = { ws: 10000, wss: 2000 };
const RELAYS = ["ws", "go"];
const SHAPES = [
  [1, 1000],
  [500, 2],
];

function rooms(scheme, [count, size], bytes, window, aim) {
  const kind = count === 10 ? "burst-" : "";
  return {
    name: `${scheme}-${kind}${count}x${size}-${bytes}B-w${window}`,
    title: `${scheme}, ${count}×${size}, ${bytes} B, window ${window}`,
    kind: "rooms",
    rivals: RELAYS,
    tls: scheme === "wss",
    args: ["--rooms", count, "--size", size, "--bytes", bytes, "--window", window],
    aim,
  };
}

function* relayed(scheme) {
  for (const shape of SHAPES) {
    for (const bytes of [200, 2000]) {
      for (const window of [1, 16]) {
        const stated = scheme === "ws" && bytes === 200;
        yield rooms(scheme, shape, bytes, window, stated && AIMS[`${shape.join("x")}-w${window}`]);
      }
    }
  }
  yield rooms(scheme, [10, 100], 2000, 8, scheme === "ws" && BURST_AIM);
  // A whole description.
  for (const window of [1, 8]) {
    yield rooms(scheme, [500, 2], 8000, window);
  }
}

function crowd(scheme, count = CROWD[scheme]) {
  return {
    name: `${scheme}-connect-${count}`,
    title: `${scheme}, ${count} connections`,
    kind: "crowd",
    rivals: RELAYS,
    tls: scheme === "wss",
    args: ["--count", count],
    aimKb: IDLE_AIM[scheme],
  };
}

function talk(kind, title, rival, count, size, aim = 0.4) {
  return {
    name: `ws-${kind}-${count}x${size}`,
    title,
    kind,
    rivals: [rival],
    tls: false,
    args: ["--rooms", count, "--size", size, "--window", 2],
    aim,
    aimMemory: 0.3,
  };
}

export const workloads = [
  // How long a message takes when there is nothing else to do.
  { ...rooms("ws", [1, 2], 200, 1), rivals: [] },
  // What a node takes a connection to another for are two descriptors.
  { ...crowd("ws", 4000), rivals: [] },
  // In a cluster each of these is claimed.
  { ...crowd("ws", 4000), name: "ws-connect-4000x1", title: "ws, 4000 rooms of one", args: ["--count", 4000, "--size", 1], rivals: [] },
  ...["ws", "wss"].flatMap((scheme) => [...relayed(scheme), crowd(scheme)]),
  talk("peerjs", "PeerJS, 1000 peers in pairs", "peer", 500, 2),
  talk("y-webrtc", "y-webrtc, 200 rooms of 5", "y-webrtc", 200, 5),
  talk("webtorrent", "WebTorrent, 30 swarms of 50", "bittorrent-tracker", 30, 50, 0.1),
];
