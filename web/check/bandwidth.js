/*
 * How much goes over the data channel of the call with itself. No DOM.
 */

/** @typedef {import('./steps.js').Found} Found */
/** @typedef {import('./steps.js').Result} Result */

const SEND_MS = 2000;
const CHUNK = 16 * 1024;
const FULL = 1024 * 1024; // bytes that may wait in the channel
const LOW = 256 * 1024;

/** Resolves when it takes more, or never will. @param {RTCDataChannel} channel */
function drained(channel) {
  return new Promise((resolve) => {
    channel.addEventListener('bufferedamountlow', resolve, { once: true });
    channel.addEventListener('close', resolve, { once: true });
  });
}

/** @param {Found} found @returns {Promise<Result>} */
export async function checkBandwidth({ pair, usable }) {
  if (!pair) {
    return { mark: 'skip', key: 'check.bandwidth.skip' };
  }
  const { channel } = pair;
  const other = await pair.received;
  let bytes = 0;
  let last = 0;
  other.binaryType = 'arraybuffer';
  other.addEventListener('message', ({ data }) => {
    bytes += data.byteLength;
    last = performance.now();
  });
  channel.bufferedAmountLowThreshold = LOW;
  const chunk = new Uint8Array(CHUNK);
  const begin = performance.now();
  while (performance.now() - begin < SEND_MS && channel.readyState === 'open') {
    channel.send(chunk);
    if (channel.bufferedAmount > FULL) {
      await drained(channel);
    }
  }
  if (channel.readyState !== 'open') {
    const kilobytes = Math.round(bytes / 1000);
    return { mark: 'bad', key: 'check.bandwidth.closed', params: { kilobytes } };
  }
  if (!bytes) {
    return { mark: 'bad', key: 'check.bandwidth.bad' };
  }
  const { rtt } = await pair.path();
  const mbps = ((bytes * 8) / 1000 / (last - begin)).toFixed(1);
  return {
    mark: 'good',
    key: usable.length ? 'check.bandwidth.relayed' : 'check.bandwidth.good',
    params: { mbps },
    facts: [{ key: 'check.bandwidth.rtt', params: { ms: rtt.toFixed(1) } }],
  };
}
