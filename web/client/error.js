// Why something failed: a code for programs, a sentence for people.

/** @typedef {import('../client.js').SignalErrorCode} SignalErrorCode */

/** Those of the client's own; the server says its sentences itself. @type {Record<string, string>} */
const SENTENCES = {
  'bad-room': 'The name of a room or of a person has 1 to 128 bytes, no slash and no control character, and is not "." or "..".',
  closed: 'The room was left, or this peer has no connection.',
  lost: 'The server has forgotten who we were; nobody knows whether it still delivered the message.',
  refused: 'The server has closed the connection.',
  replaced: 'The room was opened elsewhere with the same session.',
  'too-large': 'The server has closed the connection for a message that was too long.',
};

export class SignalError extends Error {
  name = /** @type {const} */ ('SignalError');

  /**
   * @param {SignalErrorCode} code
   * @param {string} [message] a sentence
   * @param {number} [closeCode] of the WebSocket
   */
  constructor(code, message = SENTENCES[code] ?? code, closeCode) {
    super(message);
    this.code = code;
    this.closeCode = closeCode;
  }
}
