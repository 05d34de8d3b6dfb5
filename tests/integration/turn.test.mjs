// Goal: each peer is told credentials of its own for TURN servers, which the server takes until they expire.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { open } from '../lib/client.mjs';
import { mayRelay, mayRelayTo, startCoturn } from '../lib/coturn.mjs';
import { runDaemon, scratch, startDaemon, testDaemon } from '../lib/daemon.mjs';
import { ask } from '../lib/http.mjs';
import { blocks, replaced } from '../lib/proxies.mjs';
import { Session } from '../lib/v1.mjs';

function secretFile(text, mode = 0o600) {
  const file = join(scratch(), 'turn.secret');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const options = (url, file, ...more) => ['--turn-server', url, '--turn-secret', file, ...more];
const expiryOf = ({ username }) => Number(username.split(':')[0]);
const passwordOf = (secret, username) => createHmac('sha1', secret).update(username).digest('base64');

describe('TURN credentials', () => {
  let coturn;
  let urls;
  let daemon;

  before(async () => {
    coturn = await startCoturn('north', { tcp: true });
    urls = ['udp', 'tcp'].map((transport) => coturn.url.replace('udp', transport));
    const file = join(scratch(), 'nakodo.conf');
    writeFileSync(file, replaced(blocks('conf').find((text) => text.includes('turn-server')), {
      'turn:meet.example.org?transport=udp': urls[0],
      'turn:meet.example.org?transport=tcp': urls[1],
      '/etc/nakodo/turn.secret': secretFile('north\nolder\n'),
    }));
    daemon = await startDaemon({ args: ['--config', file, '--ice-server', 'stun:stun.example'] });
  });

  after(async () => {
    await daemon?.stop();
    await coturn?.stop();
  });

  const welcomed = async (base, room) => {
    const session = await Session.join(base, room);
    await session.bye();
    return session.first.iceServers;
  };

  it('are in the welcome of nakodo.v1 behind the other servers, and let relay', async () => {
    const begun = Math.floor(Date.now() / 1000);
    const [stun, turn, ...more] = await welcomed(daemon.ws, 'r');
    assert.deepEqual([stun, more], [{ urls: ['stun:stun.example'] }, []]);
    assert.deepEqual(turn.urls, urls);
    assert.ok(expiryOf(turn) >= begun + 3600 && expiryOf(turn) <= Date.now() / 1000 + 3600);
    assert.equal(await mayRelay(coturn, turn), true);
  });

  it('let nobody reach a network of its own through it, and all others', async () => {
    const [, turn] = await welcomed(daemon.ws, 'r');
    const own = ['0.0.0.1', '10.1.2.3', '100.64.0.1', '100.127.255.254', '127.0.0.2', '169.254.169.254', '172.16.0.1', '172.31.255.254',
      '192.168.1.1', '::', '::1', '::ffff:10.1.2.3', '::ffff:192.0.2.1', 'fc00::1', 'fdff::1', 'fe80::1', 'febf::1'];
    const others = ['1.0.0.1', '9.255.255.254', '11.0.0.1', '100.63.255.254', '100.128.0.1', '169.253.0.1', '172.15.0.1', '172.32.0.1',
      '192.167.0.1', '192.169.0.1', '2001:db8::1', 'fbff::1', 'fe7f::1'];
    const reached = await Promise.all([...own, ...others].map(async (peer) => (await mayRelayTo(coturn, turn, peer) ? [peer] : [])));
    assert.deepEqual(reached.flat(), others);
  });

  it('are new for who comes back', async () => {
    const session = await Session.join(daemon.ws, 'back');
    const before = session.first.iceServers[1];
    await session.cut();
    await session.connect();
    const { type, iceServers } = session.first;
    assert.equal(type, 'resumed');
    assert.notEqual(iceServers[1].username, before.username);
    assert.equal(iceServers[1].credential, passwordOf('north', iceServers[1].username));
    await session.bye();
  });

  it('are in accept of Ayame and in /ice.json, and no two are the same', async () => {
    const client = await open(`${daemon.ws}/signaling`);
    const accept = JSON.parse(await client.send('{"type":"register","roomId":"r","clientId":"c"}').next());
    await client.close();
    const page = JSON.parse((await ask({ port: daemon.port }, '/ice.json')).text);
    const all = [accept.iceServers[1], page.iceServers[1], (await welcomed(daemon.ws, 's'))[1]];
    for (const { username, credential } of all) assert.equal(credential, passwordOf('north', username));
    assert.equal(new Set(all.map(({ username }) => username)).size, 3);
    assert.ok((await daemon.meters()).turn_credentials >= 3);
  });

  it('let nobody relay once they have expired, and are told anew before', async (t) => {
    const other = await testDaemon(t, { args: options(coturn.url, secretFile('north'), '--turn-ttl', '8s') });
    const session = await Session.join(other.ws, 'r');
    const [first] = session.first.iceServers;
    const ice = await session.next();
    const now = Date.now() / 1000;
    assert.equal(ice.type, 'ice');
    const [second] = ice.iceServers;
    assert.equal(second.credential, passwordOf('north', second.username));
    assert.ok(now < expiryOf(first) && expiryOf(first) < expiryOf(second));
    while (Date.now() < (expiryOf(first) + 1) * 1000) await new Promise((go) => setTimeout(go, 100));
    assert.equal(await mayRelay(coturn, first), false);
    await session.bye();
  });

  it('are made with the new secret after SIGHUP, or with the old one if that is none', async (t) => {
    const file = secretFile('one');
    const other = await testDaemon(t, { args: options(coturn.url, file) });
    const signedBy = async (secret) => {
      const [{ username, credential }] = await welcomed(other.ws, 'r');
      assert.equal(credential, passwordOf(secret, username));
    };
    await signedBy('one');
    writeFileSync(file, 'two\none\n');
    assert.match(await other.reload(), /reload\.done/);
    await signedBy('two');
    writeFileSync(file, '\n');
    assert.ok((await other.reload()).includes(`--turn-secret: turn-secret \`${file}\`: line 1 is empty`));
    await signedBy('two');
  });
});

describe('a TURN secret that cannot be used stops the start, with a sentence', () => {
  const refuses = async (args, sentence) => {
    for (const check of [[], ['--check']]) {
      const { status, stderr } = await runDaemon([...args, ...check]);
      assert.deepEqual([status, stderr.includes(sentence)], [2, true], `${args.join(' ')}: ${stderr}`);
    }
  };
  const url = 'turn:turn.example';

  it('everybody may read it', () => {
    const file = secretFile('north', 0o644);
    return refuses(options(url, file), `--turn-secret: turn-secret \`${file}\`: everybody may read or change it (mode 0644): chmod o-rw`);
  });

  it('it is not there, or no file', async () => {
    const folder = scratch();
    await refuses(options(url, join(folder, 'none')), 'No such file or directory');
    await refuses(options(url, folder), 'Is a directory');
    await refuses(options(url, '/dev/null'), 'it is no regular file');
  });

  it('a line of it is none', async () => {
    await refuses(options(url, secretFile('north\n\n')), ': line 2 is empty, where a secret must stand');
    await refuses(options(url, secretFile('no\trth')), ': line 1 has a control character in it');
  });

  it('servers without a secret, a secret without servers, or a URL that is none', async () => {
    await refuses(['--turn-server', url], '--turn-server: turn-server needs turn-secret');
    await refuses(['--turn-secret', secretFile('north')], '--turn-secret: turn-secret is for no server');
    for (const wrong of ['stun:turn.example', 'turn:turn.example|u|p', 'turn:turn.example:0', 'turn:', 'turn:turn.example?transport=sctp']) {
      await refuses(options(wrong, secretFile('north')), 'must be turn:HOST[:PORT], or turns: for TLS');
    }
  });
});
