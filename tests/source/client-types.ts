// What pages written in TypeScript may count on; compiled, never run.
import { connect, SignalError } from '../../web/client.js';

declare global {
  /** What the examples use of Node; all of its types take twice as long to check as everything else. */
  var process: { argv: string[]; pid: number; exitCode: number };
}

interface Move { x: number; y: number }

export async function play(): Promise<number> {
  const client = connect('wss://example.org');
  const room = await client.join<Move>('game', { name: 'Hana' });
  room.on('message', ({ data, peer }) => data.x + data.y + (peer?.name?.length ?? 0));
  room.addEventListener('message', (event) => event.detail.data.x);
  room.addEventListener('chat', ({ detail }) => detail.text.length, { once: true });
  client.addEventListener('trace', ({ detail }) => detail.summary);
  // @ts-expect-error it is no move
  room.send('x');
  // @ts-expect-error there is no such event
  room.on('massage', () => {});
  // @ts-expect-error a track is needed, and what it is for
  room.publish(new MediaStream());
  const canvas = new MediaStream().getVideoTracks()[0];
  room.publish(canvas, { as: 'canvas', maxBitrate: 300_000, codecs: ['video/VP9'] });
  // @ts-expect-error a name is a string
  room.publish(canvas, { as: 5 });
  // @ts-expect-error a bit rate is a number
  room.publish(canvas, { as: 'cam', maxBitrate: '1M' });
  room.on('track', ({ peer, as }) => [peer.streams.cam, peer.streams.canvas, peer.streams[as]?.id, peer.sources.canvas]);
  await room.send({ x: 1, y: 2 });
  const plain = await client.join('chat');
  await plain.send({ anything: ['that', 'JSON', { can: 'carry' }] });
  try {
    await plain.chat('x');
  } catch (error) {
    if (error instanceof SignalError && error.name === 'SignalError' && error.code === 'lost') return 1;
    // @ts-expect-error there is no such code
    if (error instanceof SignalError && error.code === 'nothing') return 2;
  }
  return 0;
}
