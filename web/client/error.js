// Why something failed: a code for programs, a sentence for people.

/** @typedef {import('../client.js').SignalErrorCode} SignalErrorCode */

/** Those of the client's own; the server says its sentences itself. @type {Record<string, string>} */
const SENTENCES = {
  'bad-room': 'A name has 1 to 128 bytes, no slash and no control character, and no room is "." or "..".',
  closed: 'The room was left, or this peer has no connection.',
  lost: 'The server has forgotten us; nobody knows whether the message was delivered.',
  refused: 'The server has closed the connection.',
  replaced: 'The room was opened elsewhere with the same session.',
  unauthorized: 'A token is needed.',
  'too-large': 'The server has closed the connection: a message was too long.',
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
