/*
 * Raised hands. They are part of what each says of itself, so whoever comes later sees them too.
 */

/** @typedef {import('../client.js').Peer} Peer */
/** @typedef {import('../client.js').Room} Room */

/** Event `change`: one's own is up or down. */
export const hands = new EventTarget();

/** What we have asked for, instead of the meta that the server has. @type {WeakMap<object, { meta: unknown, hand: boolean }>} */
const asked = new WeakMap();

/** @param {Pick<Peer, 'meta'>} person */
export function isRaised(person) {
  const { meta } = person;
  const own = asked.get(person);
  return own && own.meta === meta ? own.hand : meta?.hand === true;
}

/** Raise one's own, or take it down; one sees it at once. @param {Room} room */
export function turnHand(room) {
  const { self } = room;
  const show = () => hands.dispatchEvent(new Event('change'));
  const hand = !isRaised(self);
  asked.set(self, { meta: self.meta, hand });
  room.update({ meta: { ...self.meta, hand } }).catch(() => { // told as any refusal
    asked.delete(self);
    show();
  });
  show();
}

/**
 * @param {Room} room
 * @param {(peer: Peer) => void} onRaised
 * @param {AbortSignal} signal ends it
 */
export function watchHands(room, onRaised, signal) {
  const raised = new WeakSet([...room.peers.values()].filter(isRaised));
  room.on('peer', ({ peer }) => isRaised(peer) && raised.add(peer), { signal });
  room.on('update', ({ peer }) => {
    if (!isRaised(peer)) {
      raised.delete(peer);
    } else if (!raised.has(peer)) {
      raised.add(peer);
      onRaised(peer);
    }
  }, { signal });
}
