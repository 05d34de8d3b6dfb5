// Pages that use the JavaScript client, with nothing else in them. Every page is watched for scripts
// that fail and for violations of its content security policy: close() fails when there were any.
import assert from 'node:assert/strict';

const WAIT_MS = 30000;

/** In the page: what the tests ask it for. */
function prepare() {
  window.faults = [];
  const watch = (type, say) => addEventListener(type, (e) => window.faults.push(say(e)), true);
  watch('securitypolicyviolation', (e) => `${e.violatedDirective} ${e.blockedURI}`);
  watch('unhandledrejection', (e) => `rejected: ${e.reason?.stack ?? e.reason}`);
  watch('error', (e) => `error: ${e.message ?? e.target?.outerHTML}`);

  const videos = new Map();
  const videosOf = (peer) => videos.get(peer) ?? videos.set(peer, {}).get(peer);
  window.log = [];

  /** A track that needs no camera and is easy on the processor. */
  window.drawing = (fps = 10) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 120 });
    const context = canvas.getContext('2d');
    let n = 0;
    setInterval(() => {
      context.fillStyle = `hsl(${n = (n + 7) % 360} 80% 50%)`;
      context.fillRect(0, 0, 160, 120);
    }, 1000 / fps);
    return canvas.captureStream(fps).getVideoTracks()[0];
  };

  window.enter = async ({ base, room, video = true, stored, ...options }) => {
    const { connect } = await import(`${base}/client.js`);
    const storage = stored ? sessionStorage : undefined;
    window.client = connect(base, { storage });
    client.on('trace', (event) => window.log.push(event));
    if (video) options.stream = new MediaStream([window.drawing()]);
    const joined = await client.join(room, options);
    window.room = joined;
    window.seen = { events: [], most: joined.peers.size };
    for (const type of ['peer', 'leave', 'again', 'state', 'message', 'chat', 'error']) {
      joined.on(type, (detail) => {
        const { peer, ...rest } = detail;
        window.seen.events.push({ type, ...rest, peer: peer?.id });
        window.seen.most = Math.max(window.seen.most, joined.peers.size);
      });
    }
    joined.on('track', ({ peer, as, stream }) => {
      const element = videosOf(peer)[as] ??= document.createElement('video');
      Object.assign(element, { muted: true, autoplay: true, width: 80 });
      if (element.srcObject !== stream) element.srcObject = stream;
      document.documentElement.append(element);
    });
    return joined.self.id;
  };

  /** What moves of each peer's source: frames decoded so far, and the picture's width. */
  window.look = async (as = 'cam') => Promise.all([...window.room.peers.values()].map(async (peer) => {
    const [track] = peer.streams[as]?.getVideoTracks() ?? [];
    // Firefox never answers for a connection that is closed meanwhile.
    const late = new Promise((go) => setTimeout(go, 1000, new Map()));
    const stats = track ? await Promise.race([peer.pc.getStats(), late]) : new Map();
    const report = [...stats.values()].find((r) => (
      r.type === 'inbound-rtp' && r.trackIdentifier === track.id
    ));
    const width = videosOf(peer)[as]?.videoWidth ?? 0;
    return { id: peer.id, state: peer.state, frames: report?.framesDecoded ?? 0, width, track };
  }));

  /** Wait until `count` peers send pictures that move; how long that took, in ms. */
  window.moving = async (count, limit, as = 'cam') => {
    const begun = performance.now();
    const first = new Map();
    for (;;) {
      const all = await window.look(as);
      const moving = all.filter(({ track, frames, width }) => {
        if (!(first.get(track) <= frames)) first.set(track, frames); // counted anew after a pause
        return width > 0 && frames >= first.get(track) + 3;
      });
      const ms = performance.now() - begun;
      if (moving.length === count && all.length === count) return ms;
      if (ms > limit) throw new Error(`not moving: ${JSON.stringify(all)}`);
      await new Promise((go) => setTimeout(go, 50));
    }
  };
}

export class Member {
  /**
   * Open a page that may join rooms.
   * @param {import('puppeteer-core').Browser} browser
   * @param {string} base the daemon's address, such as http://localhost:3000
   * @param {string} [path] the page; by default one without scripts
   */
  static async open(browser, base, path = '/client.d.ts') {
    const member = new Member();
    member.base = base;
    member.context = await browser.createBrowserContext();
    // In a tab behind another one Firefox does not play.
    member.page = await member.context.newPage({ type: 'window' });
    await member.page.evaluateOnNewDocument(prepare);
    await member.page.goto(new URL(path, base).href);
    return member;
  }

  /** Join a room; the id there. Options: those of the client's join(), and video, stored. */
  join(room, options = {}) {
    return this.page.evaluate((o) => window.enter(o), { base: this.base, room, ...options });
  }

  /** Wait until as many peers' pictures move. @returns {Promise<number>} ms */
  moves(count = 1, { limit = WAIT_MS, as = 'cam' } = {}) {
    return this.page.evaluate((...o) => window.moving(...o), count, limit, as);
  }

  /** Wait until the function is true in the page. */
  async until(test, ...args) {
    try {
      await this.page.waitForFunction(test, { timeout: WAIT_MS, polling: 50 }, ...args);
    } catch (cause) {
      throw new Error(`waited for ${test} with ${JSON.stringify(args)}: ${await this.told()}`, { cause });
    }
  }

  /** The events of the room so far. */
  events(type) {
    return this.page.evaluate((t) => window.seen.events.filter((e) => e.type === t), type);
  }

  /** The end of the trace, for a test that fails. */
  told() {
    return this.page.evaluate(() => window.log.slice(-80)
      .map(({ t, dir, type, from, to, summary }) => [t, dir, type, from ?? to, summary.slice(0, 80)].join(' '))
      .join('\n'));
  }

  /** Close the page, and fail when a script failed or the policy was violated. */
  async close() {
    const faults = await this.page.evaluate(() => window.faults);
    await this.context.close();
    assert.deepEqual(faults, []);
  }
}

/** Do it with all at once; the first failure is told when all are done. */
export async function each(members, act) {
  const ends = await Promise.allSettled(members.map(act));
  for (const { reason } of ends) if (reason) throw reason;
  return ends.map(({ value }) => value);
}

/** Pages in one room, who came one after the other and know each other; closed after the test. */
export async function gather(t, browsers, base, room, options) {
  const members = await Promise.all(browsers.map((browser) => Member.open(browser, base)));
  t.after(() => each(members, (member) => member.close()));
  for (const member of members) await member.join(room, options);
  await each(members, (member) => member.until((n) => window.room.peers.size === n, members.length - 1));
  return members;
}
