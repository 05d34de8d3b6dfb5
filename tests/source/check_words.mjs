// Functions and words that must not be in the tree.
import { code, fault, files, lines, sources } from './tree.mjs';

const calls = /\b(strcpy|strcat|sprintf|strtok|atoi|gets|rand)\s*\(/;

for (const path of sources()) {
  code(path).split('\n').forEach((line, i) => {
    const [, name] = calls.exec(line) ?? [];

    if (name) fault(`${path}:${i + 1}`, `${name}() is banned`);
  });
}

// In pieces, or this file would be its own finding.
const word = (...parts) => parts.join('');
const words = [
  [word('cla', 'ude'), word('anth', 'ropic'), word('chat', 'gpt'), word('co', 'pilot'), word('open', 'ai'),
    word('ll', 'ms?'), word('g', 'pt-?\\d'), word('A', 'I'), word('generated ', 'by')].map((w) => `\\b${w}\\b`).join('|'),
  // A WebSocket client is a user agent, and Node's http has agents.
  word('(?<!user[- ])\\bage', 'nts?\\b(?!\\s*[:(=.,}])'),
  // SDP, TLS and peers have sessions; the making of this program is none of its readers' business.
  word('\\b(this|last|next|previous|earlier|later|another|other) ses', 'sion\\b(?! descr)'),
  // A path of somebody's machine.
  word('(?<![\\w.~-])/(wo', 'rk|ho', 'me|ro', 'ot|Us', 'ers)/'),
].map((w) => new RegExp(w, w.includes('A' + 'I') ? '' : 'i'));

for (const path of files(/(?<!package-lock\.json|\.(png|ico|woff2|webp))$/)) {
  lines(path).forEach((line, i) => {
    for (const pattern of words) {
      const match = pattern.exec(line);

      if (match) fault(`${path}:${i + 1}`, `"${match[0]}" does not belong here`);
    }
  });
}
