/*
 * The token that this page was opened with, as /r/ROOM#t=TOKEN. It is a secret: the address bar, the history
 * and a copied address lose it as soon as it is read, and this tab keeps it for a reload.
 */

const KEY = 'nakodo.token';

/** @typedef {{ exp?: unknown, can?: unknown }} Claims */

/** What the address says, and the address without it. */
function readAddress() {
  const { searchParams } = new URL(location.href);
  const hash = new URLSearchParams(location.hash.slice(1));
  const token = hash.get('t') ?? searchParams.get('token');
  hash.delete('t');
  searchParams.delete('token');
  const address = [[searchParams, '?'], [hash, '#']].map(([all, sign]) => (String(all) ? `${sign}${all}` : ''));
  return { token, address: location.pathname + address.join('') };
}

/** Keep another one for this page. @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(KEY, JSON.stringify({ path: location.pathname, token }));
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}

/** The token, if any. A link with another one, opened in this tab, counts from then on. @returns {string | undefined} */
export function tokenOfPage() {
  const { token, address } = readAddress();
  try {
    if (token !== null) {
      keepToken(token);
      history.replaceState(history.state, '', address);
    }
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    return kept?.path === location.pathname ? kept.token : undefined;
  } catch {
    return token ?? undefined; // no storage: it stays where it is
  }
}

/** Nobody has checked it: that is for the server. @returns {Claims} */
function claims() {
  try {
    const [, text] = (tokenOfPage() ?? '').split('.');
    return JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/'))) ?? {};
  } catch {
    return {};
  }
}

/** When it ends, in ms since the epoch; NaN if it does not say. */
export function tokenEnd() {
  return Number(claims().exp ?? NaN) * 1000;
}

/** What is no token has not ended. */
export const hasTokenEnded = () => tokenEnd() < Date.now();

/** Whether a locked room is open to it. */
export function mayModerate() {
  const { can } = claims();
  return Array.isArray(can) && can.includes('moderate');
}
