/*
 * Messages of nakodo.v1 to begin with, and some that a server must refuse. PEER stands for another
 * member's id, COUNT for the number of numbered messages received. No DOM.
 */

/** @typedef {{ name: string, text: string }} Template */

/** @type {Template[]} */
export const TEMPLATES = [
  { name: 'chat', text: '{"type":"chat","text":"hello"}' },
  { name: 'chat to', text: '{"type":"chat","to":"PEER","text":"only for you"}' },
  { name: 'offer to', text: '{"type":"offer","to":"PEER","sdp":"v=0\\r\\n"}' },
  { name: 'answer to', text: '{"type":"answer","to":"PEER","sdp":"v=0\\r\\n"}' },
  { name: 'candidate to', text: '{"type":"candidate","to":"PEER","candidate":null}' },
  { name: 'x-anything', text: '{"type":"x-anything","whatever":[1,2,3]}' },
  { name: 'update', text: '{"type":"update","name":"Hana","meta":{"hand":true}}' },
  { name: 'ack', text: '{"type":"ack","n":COUNT}' },
  { name: 'ping', text: '{"type":"ping","t":1}' },
  { name: 'bye', text: '{"type":"bye"}' },
  { name: '✕ bad-json', text: '{"type":' },
  { name: '✕ bad-message', text: '{"type":"welcome"}' },
  { name: '✕ bad-message (from)', text: '{"type":"chat","from":"PEER","text":"forged"}' },
  { name: '✕ unknown-peer', text: '{"type":"chat","to":"nobody","text":"?"}' },
];

/** Not counted by the server either: docs/protocols/nakodo.v1.md. */
const UNNUMBERED = ['welcome', 'resumed', 'ack', 'pong', 'closing'];

/** What has been received so far, for filling in. */
export class Answers {
  #peer = 'PEER';
  #count = 0;

  /** @param {string | null} text as received */
  note(text) {
    let message;
    try {
      message = JSON.parse(text ?? '');
    } catch {
      return;
    }
    const peer = message?.peers?.[0]?.id ?? message?.peer?.id ?? message?.from;
    if (typeof peer === 'string') {
      this.#peer = peer;
    }
    if (!UNNUMBERED.includes(message?.type)) {
      this.#count++;
    }
  }

  /** @param {string} text of a template */
  fill(text) {
    return text.replace('PEER', this.#peer).replace('COUNT', String(this.#count));
  }
}
