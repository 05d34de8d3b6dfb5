// What a daemon tells systemd by sd_notify(3). Node has no unix datagrams, so python3 receives them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { scratch } from './daemon.mjs';

const RECEIVER = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
if sys.argv[2] == "full":
    other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    other.setblocking(False)
    try:
        while True:
            other.sendto(b"OTHER=1", sys.argv[1])
    except BlockingIOError:
        pass
print("bound", flush=True)
sys.stdin.readline()
while True:
    print(json.dumps(receiver.recv(4096).decode()), flush=True)
`;

/** A socket to put into NOTIFY_SOCKET, closed after the test. If `full`, others have filled it, and it is read from read() on. */
export async function notifySocket(t, { full = false } = {}) {
  const path = join(scratch(), 'notify');
  const python = spawn('python3', ['-c', RECEIVER, path, full ? 'full' : 'empty'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => python.kill());
  const lines = createInterface({ input: python.stdout });
  await once(lines, 'line');
  const systemd = new NotifySocket(path, lines, python.stdin);
  if (!full) systemd.read();
  return systemd;
}

class NotifySocket {
  /** What has come, each message as {READY: '1', …}. */
  messages = [];
  #taken = 0;

  constructor(path, lines, input) {
    this.env = { NOTIFY_SOCKET: path };
    this.input = input;
    this.lines = lines;
    lines.on('line', (line) => this.messages.push(Object.fromEntries(JSON.parse(line).split('\n').map((l) => [l.slice(0, l.indexOf('=')), l.slice(l.indexOf('=') + 1)]))));
  }

  read() {
    this.input.write('\n');
  }

  /** The next message that has the name; those before it are passed over. */
  async next(name) {
    for (;;) {
      while (this.#taken < this.messages.length) {
        const message = this.messages[this.#taken++];
        if (name in message) return message;
      }
      await once(this.lines, 'line', { signal: AbortSignal.timeout(10000) });
    }
  }
}
