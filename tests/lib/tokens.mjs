// Keys and signed tokens for tests, made by Node's crypto: a second opinion on what the daemon takes.
import { createHmac, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const base64url = (value) => Buffer.from(value).toString('base64url');
const read = (part) => JSON.parse(Buffer.from(part, 'base64url'));

export const now = () => Math.floor(Date.now() / 1000);

/** A key in a file of `directory`, as `KID:ALGORITHM:FILE`: `option` has the private or secret one. */
export class Key {
  constructor(directory, algorithm = 'HS256', kid = 'main') {
    const path = join(directory, `${kid}-${algorithm}`);
    Object.assign(this, { algorithm, kid, option: `${kid}:${algorithm}:${path}`, publicOption: `${kid}:${algorithm}:${path}.pub` });
    if (algorithm.startsWith('HS')) {
      this.secret = randomBytes(64).toString('hex');
      writeFileSync(path, `${this.secret}\n`, { mode: 0o600 });
      return;
    }
    const types = { RS256: ['rsa', { modulusLength: 2048 }], PS256: ['rsa', { modulusLength: 2048 }],
      ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519'] };
    Object.assign(this, generateKeyPairSync(...types[algorithm]));
    writeFileSync(path, this.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    writeFileSync(`${path}.pub`, this.publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o644 });
  }

  #how(key) {
    const options = { key, dsaEncoding: 'ieee-p1363' };
    if (this.algorithm === 'PS256') Object.assign(options, { padding: 6, saltLength: 32 });
    return options;
  }

  #hmac(text) {
    return createHmac(`sha${this.algorithm.slice(2)}`, this.secret).update(text).digest();
  }

  /** A token; `claims` without `exp` is good for a minute. */
  token(claims, header = { alg: this.algorithm, typ: 'JWT', kid: this.kid }) {
    const text = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify({ exp: now() + 60, ...claims }))}`;
    const signature = this.secret
      ? this.#hmac(text)
      : sign(this.algorithm === 'EdDSA' ? null : 'sha256', text, this.#how(this.privateKey));
    return `${text}.${signature.toString('base64url')}`;
  }

  /** {header, claims}; undefined if the signature is not this key's. */
  read(token) {
    const [header, claims, signature] = token.split('.');
    const text = `${header}.${claims}`;
    const bytes = Buffer.from(signature, 'base64url');
    const good = this.secret
      ? this.#hmac(text).equals(bytes)
      : verify(this.algorithm === 'EdDSA' ? null : 'sha256', text, this.#how(this.publicKey), bytes);
    return good ? { header: read(header), claims: read(claims) } : undefined;
  }
}
