// What nobody can guess.

/** @returns {string} 22 letters and digits */
export const randomSecret = () => (
  Array.from(crypto.getRandomValues(new Uint8Array(22)), (n) => (n % 36).toString(36)).join('')
);
