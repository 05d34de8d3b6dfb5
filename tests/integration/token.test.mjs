// `nakodo token`: what it prints is a token of that key.
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runDaemon, scratch } from '../lib/daemon.mjs';
import { Key, now } from '../lib/tokens.mjs';

const directory = scratch();

for (const algorithm of ['HS256', 'HS384', 'HS512', 'RS256', 'PS256', 'ES256', 'EdDSA']) {
  test(`a printed ${algorithm} token is what others read of it`, async () => {
    const key = new Key(directory, algorithm);
    const { status, stdout } = await runDaemon(['token', '--key', key.option, '--room', 'team-*', '--sub', 'アリス', '--ttl=2h']);
    assert.equal(status, 0);
    const { header, claims } = key.read(stdout.trim());
    assert.deepEqual(header, { alg: algorithm, typ: 'JWT', kid: 'main' });
    assert.equal(claims.room, 'team-*');
    assert.equal(claims.sub, 'アリス');
    assert.equal(claims.exp, claims.iat + 2 * 3600);
    assert.ok(Math.abs(claims.iat - now()) < 60);
  });
}

test('several rooms are a list, and the other claims are as they were given', async () => {
  const key = new Key(directory);
  const { stdout } = await runDaemon(['token', '--room', 'a', '--room', 'b"\\', '--key', key.option, '--name', 'N', '--iss', 'I', '--aud', 'A']);
  const { exp, iat, ...claims } = key.read(stdout.trim()).claims;
  assert.equal(exp - iat, 3600);
  assert.deepEqual(claims, { room: ['a', 'b"\\'], name: 'N', iss: 'I', aud: 'A' });
});

test('what it allows is a list of words', async () => {
  const key = new Key(directory);
  for (const can of ['moderate,admin', 'receive', 'send,receive,moderate']) {
    const { stdout } = await runDaemon(['token', '--key', key.option, '--room', '*', '--can', can]);
    assert.deepEqual(key.read(stdout.trim()).claims.can, can.split(','));
  }
});

test('without --key it is signed as the configuration wants it', async () => {
  const key = new Key(directory, 'HS256', 'first');
  const config = join(directory, 'token.conf');
  writeFileSync(config, `auth = token\nauth-key = ${key.option}\nauth-issuer = I\nauth-audience = A\n`);
  for (const [more, env] of [[['--config', config], {}], [[], { NAKODO_CONFIG: config }]]) {
    const { status, stdout } = await runDaemon(['token', '--room', 'a', '--aud', 'own', ...more], { env });
    assert.equal(status, 0);
    const { exp, iat, ...claims } = key.read(stdout.trim()).claims;
    assert.deepEqual(claims, { room: 'a', iss: 'I', aud: 'own' });
    assert.equal(exp - iat, 3600);
  }
  // The public key is the server's; the private one signs, and the rest is the server's still.
  const own = new Key(directory, 'ES256', 'own');
  writeFileSync(config, `auth = token\nauth-key = ${own.publicOption}\nauth-issuer = I\n`);
  const asked = ['token', '--room', 'a', '--config', config];
  const signed = await runDaemon([...asked, '--key', own.option]);
  assert.equal(own.read(signed.stdout.trim()).claims.iss, 'I');
  const unsigned = await runDaemon(asked);
  assert.deepEqual([unsigned.status, unsigned.stderr], [2, `nakodo: ${config}:2: \`${own.publicOption}\` holds a public key, which signs nothing: name the private one with --key\n`]);
  writeFileSync(config, '');
  const { status, stderr } = await runDaemon(['token', '--room', 'a', '--config', config]);
  assert.deepEqual([status, stderr], [2, 'nakodo: the configuration has no auth-key: name one with --key\n']);
});

test('--help names each option that there is', async () => {
  const { status, stdout } = await runDaemon(['token', '--help']);
  assert.equal(status, 0);
  const { stderr } = await runDaemon(['token', '--colour', 'red']);
  const known = stderr.match(/--\w+/g);
  assert.equal(known.length, 9);
  assert.deepEqual(known.filter((option) => !stdout.includes(`\n  ${option} `)), []);
});

test('what cannot be signed is said in a sentence, with status 2', async () => {
  const key = new Key(directory, 'EdDSA', 'ed');
  const hs = new Key(directory, 'HS256', 'open');
  chmodSync(hs.option.split(':')[2], 0o644);
  const cases = [
    [['--room', 'a'], /needs --key KID:ALGORITHM:FILE, or --config FILE/],
    [['--key', key.option], /needs --room/],
    [['--key', key.publicOption, '--room', 'a'], /holds a public key, which signs nothing/],
    [['--key', hs.option, '--room', 'a'], /a secret that everybody may read \(mode 0644\)/],
    [['--key', 'x', '--room', 'a'], /must be KID:ALGORITHM:FILE/],
    [['--key', key.option, '--room', 'a', '--ttl', '0'], /--ttl must be a time/],
    [['--key', key.option, '--room', 'a', '--ttl', '400d'], /--ttl must be a time/],
    [['--key', key.option, '--room', 'a'.repeat(4000)], /too long/],
    [['--key', key.option, '--room', 'a'.repeat(129)], /no server would take: it names no rooms as they can be/],
    [['--key', key.option, ...Array.from({ length: 65 }, (_, i) => ['--room', `${i}`]).flat()], /names no rooms as they can be/],
    [['--key', key.option, '--room', 'a', '--name', 'é'.repeat(65)], /`name` that is no text of 128 bytes/],
    [['--key', key.option, '--room', 'a', '--sub', 'a', '--sub', 'b'], /--sub may stand once/],
    [['--key', key.option, '--key', key.option, '--room', 'a'], /--key may stand once/],
    [['--key', key.option, '--room', 'a', '--ttl', '1h', '--ttl', '2h'], /--ttl may stand once/],
    ...['', 'admins', 'send,', 'send, receive', 'a'.repeat(40)].map((can) =>
      [['--key', key.option, '--room', 'a', '--can', can], /--can must be of send, receive, moderate and admin/]),
    [['--key', key.option, '--room', 'a', '--can', 'send', '--can', 'admin'], /--can may stand once/],
    [['--key', key.option, '--room'], /with a value/],
    [['--colour', 'red'], /takes --key/],
  ];
  for (const [args, sentence] of cases) {
    const { status, stdout, stderr } = await runDaemon(['token', ...args]);
    assert.equal(status, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, sentence);
  }
});
