// A server as it is seen from far away: each connection costs a round trip before its first byte, every
// byte takes half of one, and what the server sends grows from ten segments as TCP lets it (RFC 6928).
import { connect, createServer } from "node:net";

const SEGMENT = 1460; // bytes
const FIRST = 10 * SEGMENT;

// Calls what is due in the order in which it was given; times never go back.
class Timeline {
  #due = [];
  #last = 0;

  at(time, act) {
    this.#last = Math.max(this.#last, time);
    this.#due.push({ time: this.#last, act });
    if (this.#due.length === 1) {
      this.#wait();
    }
  }

  #wait() {
    setTimeout(() => {
      while (this.#due.length && this.#due[0].time <= performance.now()) {
        this.#due.shift().act();
      }
      if (this.#due.length) {
        this.#wait();
      }
    }, Math.max(0, this.#due[0].time - performance.now()));
  }
}

// What has a congestion window: sends as much as it allows, the rest when that was acknowledged.
class Window {
  #waiting = Buffer.alloc(0);
  #room = FIRST;
  #rtt;
  #there = new Timeline();
  #back = new Timeline();
  #socket;
  #isEnded = false;

  constructor(socket, rtt) {
    this.#socket = socket;
    this.#rtt = rtt;
  }

  write(data) {
    this.#waiting = Buffer.concat([this.#waiting, data]);
    this.#send();
  }

  end() {
    this.#isEnded = true;
    this.#send();
  }

  #send() {
    const part = this.#waiting.subarray(0, this.#room);
    const now = performance.now();
    this.#waiting = this.#waiting.subarray(part.length);
    this.#room -= part.length;
    if (part.length) {
      this.#there.at(now + this.#rtt / 2, () => this.#socket.write(part));
      this.#back.at(now + this.#rtt, () => {
        this.#room += 2 * part.length;
        this.#send();
      });
    } else if (this.#isEnded && !this.#waiting.length) {
      this.#there.at(now + this.#rtt / 2, () => this.#socket.end());
    }
  }
}

// Resolves to { port, count(), close() }; `rtt` in ms; count() is how many connections there were.
export async function distance(target, rtt) {
  let count = 0;
  const sockets = new Set();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const opened = performance.now() + rtt; // the client has its SYN/ACK
    const up = new Timeline();
    const far = connect({ port: target, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    const down = new Window(client, rtt);
    const later = (act) => up.at(Math.max(performance.now(), opened) + rtt / 2, act);
    count++;
    client.on("data", (data) => later(() => far.write(data)));
    client.on("end", () => later(() => far.end()));
    far.on("data", (data) => down.write(data));
    far.on("end", () => down.end());
    for (const [one, other] of [[client, far], [far, client]]) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => sockets.delete(one));
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: server.address().port,
    count: () => count,
    close() {
      server.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}
