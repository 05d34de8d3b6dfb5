// Is a nakodo well? Two of us meet in a room of our own, and one hears the other:
//     node examples/probe.mjs ws://localhost:3000
// Node 22, or 20 with --experimental-websocket. Status 0 and the time it took, or 1 and why not.
import { connect } from '../web/client.js';

const client = connect(process.argv[2] ?? 'ws://localhost:3000');
const name = `probe ${process.pid} ${Date.now()}`;
const begun = performance.now();

try {
  const signal = AbortSignal.timeout(5000);
  const hearer = await client.join(name, { signal });
  const sayer = await client.join(name, { signal });
  await new Promise((resolve, reject) => {
    hearer.on('message', resolve);
    signal.addEventListener('abort', () => reject(signal.reason));
    sayer.send('hello');
  });
  console.log(`${client.url} is well: ${Math.round(performance.now() - begun)} ms`);
} catch (error) {
  console.error(`${client.url} is not well: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await client.close();
}
