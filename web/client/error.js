// Why something failed, as a code for programs and a sentence for people.

/** @typedef {import('../client.js').SignalErrorCode} SignalErrorCode */

/** Those of the client's own; the server says its sentences itself. @type {Record<string, string>} */
const SENTENCES = {
  'bad-room': 'The name of a room or of a person has 1 to 128 bytes, no slash and no control character.',
  closed: 'The room was left, or this peer has no connection.',
  refused: 'The server has closed the connection.',
  replaced: 'The room was opened elsewhere with the same session.',
  'too-large': 'The server has closed the connection for a message that was too long.',
};

export class SignalError extends Error {
  name = 'SignalError';

  /**
   * @param {SignalErrorCode} code
   * @param {string} [message]
   * @param {number} [closeCode] of the WebSocket
   */
  constructor(code, message = SENTENCES[code] ?? code, closeCode) {
    super(message);
    this.code = code;
    this.closeCode = closeCode;
  }
}
