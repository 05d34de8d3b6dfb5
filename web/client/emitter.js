// Events for people who do not want to write `event.detail`.

/** @template {object} Events the details by type */
export class Emitter extends EventTarget {
  /**
   * @template {keyof Events & string} Type
   * @param {Type} type
   * @param {(detail: Events[Type]) => void} listener
   * @param {{ signal?: AbortSignal, once?: boolean }} [options]
   * @returns {() => void} the way back
   */
  on(type, listener, options) {
    /** @param {Event} event */
    const call = (event) => listener(/** @type {CustomEvent<Events[Type]>} */ (event).detail);
    this.addEventListener(type, call, options);
    return () => this.removeEventListener(type, call);
  }

  /**
   * For those who have something to tell.
   * @template {keyof Events & string} Type
   * @param {Type} type
   * @param {Events[Type]} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
