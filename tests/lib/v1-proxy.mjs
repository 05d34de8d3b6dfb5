// A bad network in front of a daemon: each connection through it carries so many bytes in each
// direction, and is then cut in one of three ways, wherever in a frame that happens to be.
import net from 'node:net';
import { once } from 'node:events';

/** How a connection is cut: with a reset, in order, or without a word to the server. */
export const manners = ['reset', 'end', 'silence'];

export class Proxy {
  cuts = Object.fromEntries(manners.map((how) => [how, 0]));
  /** For each new connection: { up, down, how }, bytes from and to the client; Infinity is never. */
  plan = () => ({ up: Infinity, down: Infinity, how: 'end' });
  #links = new Set();

  /** A proxy for that port of the loopback, or for the one that a function says for each connection. */
  static async to(where) {
    const proxy = new Proxy();
    const port = () => (typeof where === 'function' ? where() : where);
    proxy.server = net.createServer((client) => proxy.#carry(client, net.connect({ host: '127.0.0.1', port: port() })));
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    proxy.port = proxy.server.address().port;
    return proxy;
  }

  #carry(client, server) {
    const link = { client, server, isCut: false, ...this.plan() };
    this.#links.add(link);
    const carry = (from, to, direction) => {
      to.setNoDelay(true);
      from.on('error', () => {});
      from.on('data', (bytes) => {
        if (link.isCut) return;
        const part = bytes.subarray(0, link[direction]);
        link[direction] -= part.length;
        const whole = to.write(part);
        if (part.length < bytes.length) this.#cut(link);
        else if (!whole) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('end', () => link.isCut || to.end());
      from.on('close', () => {
        if (!link.isCut) to.destroy();
        if (client.destroyed && server.destroyed) this.#links.delete(link);
      });
    };
    carry(client, server, 'up');
    carry(server, client, 'down');
  }

  #cut(link) {
    const { client, server, how } = link;
    if (link.isCut) return;
    link.isCut = true;
    this.cuts[how]++;
    if (how === 'reset') {
      server.resetAndDestroy();
      client.resetAndDestroy();
    } else if (how === 'end') {
      server.end();
      server.resume();
      client.end();
    } else {
      server.resume(); // it still takes what comes, and answers nothing
      client.end();
    }
  }

  /** From now on nothing is cut any more. */
  calm() {
    this.plan = () => ({ up: Infinity, down: Infinity });
    for (const link of this.#links) Object.assign(link, this.plan());
  }

  /** Cut all that stand, each in its own manner. */
  cut() {
    for (const link of this.#links) this.#cut(link);
  }

  async stop() {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    this.server.close();
    await once(this.server, 'close');
  }
}
