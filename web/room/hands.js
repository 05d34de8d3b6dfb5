/*
 * Raised hands. They are part of what each says of itself, so whoever comes later sees them too.
 */

/** @typedef {import('../client.js').Peer} Peer */
/** @typedef {import('../client.js').Room} Room */

/** @param {Pick<Peer, 'meta'>} person */
export const isRaised = ({ meta }) => meta?.hand === true;

/** Raise one's own, or take it down. @param {Room} room */
export function turnHand(room) {
  room.update({ meta: { ...room.self.meta, hand: !isRaised(room.self) } })
    .catch(() => {}); // told as any refusal
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
