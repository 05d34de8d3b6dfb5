/*
 * What people are called on the page. A name is a peer's text: it reaches the page as text only.
 */

/**
 * A name as a sentence, so that it changes with the language where it has words of ours.
 * @typedef {{ key: string, params: Record<string, string>, plain: string }} Name
 */

/** @param {{ id: string, name?: string }} person @returns {Name} */
export function nameOf({ id, name }) {
  return name
    ? { key: 'name', params: { name }, plain: name }
    : { key: 'room.guest', params: { id: id.slice(0, 4) }, plain: id };
}

/** @param {{ id: string, name?: string }} person @returns {Name} */
export function ownNameOf({ id, name }) {
  return name
    ? { key: 'room.you', params: { name }, plain: name }
    : { key: 'room.youAlone', params: {}, plain: id };
}
