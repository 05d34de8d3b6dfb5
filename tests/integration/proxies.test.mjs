// Goal: behind nginx, HAProxy and Caddy, each configured as docs/operations.md says, the daemon serves as it does
// without them: pages, ws and wss, each client by its own address, and sessions outlive the proxy. So it does by itself
// at port 443, as it says there.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { open, refused } from '../lib/client.mjs';
import { root, scratch, testDaemon } from '../lib/daemon.mjs';
import { dial } from '../lib/http.mjs';
import { freePorts } from '../lib/ports.mjs';
import { HOST, blocks, certificate, replaced, startCaddy, startHaproxy, startNginx } from '../lib/proxies.mjs';
import { Key } from '../lib/tokens.mjs';
import { Session } from '../lib/v1.mjs';

const [behind, proxied] = blocks('ini');
const tls = certificate();
const hook = join(root, 'packaging/certbot-deploy');
/** As somebody elsewhere, who knows the server by its name. */
const as = (more = {}) => ({ headers: { host: HOST }, servername: HOST, localAddress: '127.0.0.9', ...more });

/** The daemon with that configuration of the documentation, line by line. */
function configured(t, text, args = [], more = {}) {
  const lines = text.split('\n').filter((line) => /^[^#]/.test(line));
  return testDaemon(t, { args: [...lines.map((line) => `--${line.replace(' = ', '=')}`), ...args], ...more });
}

const daemonBehind = (t, args) => configured(t, replaced(behind, { '127.0.0.1:3000': '127.0.0.1:0', '[::1]:3001': '[::1]:0' }), args);

const proxies = {
  nginx: async (t, daemon) => {
    const [ports, log] = [await freePorts(2), join(scratch(), 'log')];
    return startNginx(t, replaced(blocks('nginx')[0], {
      '/var/log/nginx/meet.log': log,
      '127.0.0.1:3000': `127.0.0.1:${daemon.ports[0]}`,
      'listen 80;': `listen ${ports[0]};`, 'listen [::]:80;': '',
      'listen 443 ssl;': `listen ${ports[1]} ssl;`, 'listen [::]:443 ssl;': '',
      [`/etc/letsencrypt/live/${HOST}/fullchain.pem`]: tls.cert,
      [`/etc/letsencrypt/live/${HOST}/privkey.pem`]: tls.key,
    }), ports, log);
  },
  HAProxy: async (t, daemon) => {
    const ports = await freePorts(2);
    return startHaproxy(t, replaced(blocks('haproxy')[0], {
      '127.0.0.1:3000': `127.0.0.1:${daemon.ports[0]}`,
      'bind :80\n': `bind 127.0.0.1:${ports[0]}\n`,
      'bind :443 ssl': `bind 127.0.0.1:${ports[1]} ssl`,
      [`/etc/haproxy/${HOST}.pem`]: tls.both,
    }), ports);
  },
  Caddy: async (t, daemon) => {
    const ports = await freePorts(2);
    return startCaddy(t, replaced(blocks('caddy')[0], {
      '127.0.0.1:3000': `127.0.0.1:${daemon.ports[0]}`,
      [`\n${HOST} {\n`]: `\n${HOST} {\n\ttls ${tls.cert} ${tls.key}\n`, // the test's certificate, not Let's Encrypt's
    }), ports);
  },
};

/** GET over TLS: { status, headers, body } */
function get(proxy, path) {
  return new Promise((done, fail) => {
    https.get({ host: '127.0.0.1', port: proxy.ports[1], path, servername: HOST, headers: { host: HOST }, rejectUnauthorized: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => done({ status: answer.statusCode, headers: answer.headers, body }));
    }).on('error', fail);
  });
}

for (const [name, start] of Object.entries(proxies)) {
  describe(`behind ${name}`, () => {
    it('pages come over TLS, and who asks without it is sent there', async (t) => {
      const daemon = await daemonBehind(t);
      const proxy = await start(t, daemon);
      const page = await get(proxy, '/r/asakai');
      assert.equal(page.status, 200);
      assert.match(page.body, /<title>/);
      const plain = await fetch(`http://127.0.0.1:${proxy.ports[0]}/r/asakai`, { redirect: 'manual', headers: { host: HOST } });
      assert.equal(plain.status, 308);
    });

    it('ws and wss meet, and each is known by its own address, whatever it says of itself', async (t) => {
      const daemon = await daemonBehind(t);
      const proxy = await start(t, daemon);
      const [a, b] = [
        await open(`${proxy.wss}/`, as({ localAddress: '127.0.0.21', origin: `https://${HOST}` })),
        await open(`${proxy.ws}/`, as({ localAddress: '127.0.0.22', headers: { host: HOST, 'x-forwarded-for': '198.51.100.7' } })),
      ];
      a.send('{"type":"offer"}');
      assert.equal(await b.next(), '{"type":"offer"}');
      await daemon.logged('peer.open', 'address=127.0.0.21');
      await daemon.logged('peer.open', 'address=127.0.0.22');
      assert.deepEqual(daemon.lines('198.51.100.7'), []);
      await Promise.all([a.close(), b.close()]);
    });

    it('a page of somewhere else is refused as it is without a proxy', async (t) => {
      const daemon = await daemonBehind(t);
      const proxy = await start(t, daemon);
      assert.equal((await refused(`${proxy.wss}/`, as({ origin: 'https://evil.example' }))).status, 403);
    });

    it('a session outlives the restart of the proxy, and nothing is lost', async (t) => {
      const daemon = await daemonBehind(t);
      const proxy = await start(t, daemon);
      const [here, there] = [await Session.join(proxy.wss, 'r', as()), await Session.join(proxy.wss, 'r', as())];
      await here.find('peer-joined');
      await proxy.stop();
      await Promise.all([here.closed, there.closed]);
      here.send({ type: 'message', data: 'while nobody was there' });
      await proxy.start();
      for (const session of [here, there]) assert.equal((await session.connect()).type, 'resumed');
      assert.equal((await there.find('message')).data, 'while nobody was there');
      await Promise.all([here.bye(), there.bye()]);
    });

    it('no token gets into its log', async (t) => {
      const key = new Key(scratch());
      const daemon = await daemonBehind(t, ['--auth', 'token', '--auth-key', key.option]);
      const proxy = await start(t, daemon);
      const token = key.token({ sub: 'hana', room: '*' });
      for (const [path, more] of [[`/?token=${token}`, {}], ['/v1/r', { headers: { host: HOST, authorization: `Bearer ${token}` } }]]) {
        await (await open(proxy.wss + path, as(more))).close();
      }
      await refused(`${proxy.wss}/?token=${token}x`, as());
      await proxy.stop(); // what it writes at the end of a connection is written
      assert.match(proxy.log, /\/v1\/r/);
      assert.ok(!proxy.log.includes(token.slice(-40)), proxy.log);
    });
  });
}

for (const [name, signal] of [['nginx', 'SIGHUP'], ['HAProxy', 'SIGUSR2']]) {
  it(`a reload of ${name} ends no connection`, async (t) => {
    const daemon = await daemonBehind(t);
    const proxy = await proxies[name](t, daemon);
    const [a, b] = [await open(`${proxy.wss}/`, as()), await open(`${proxy.wss}/`, as())];
    proxy.child.kill(signal);
    const c = await open(`${proxy.wss}/`, as());
    a.send('{"type":"offer"}');
    for (const each of [b, c]) assert.equal(await each.next(), '{"type":"offer"}');
    await Promise.all([a, b, c].map((each) => each.close()));
  });
}

describe('behind HAProxy with the PROXY protocol', () => {
  it('a client is known by its own address, and no header of its own matters', async (t) => {
    const daemon = await configured(t, replaced(proxied, { 'proxy:127.0.0.1:3002': 'proxy:127.0.0.1:0' }));
    const [port] = await freePorts(1);
    const proxy = await startHaproxy(t, replaced(blocks('haproxy')[1], {
      '127.0.0.1:3002': `127.0.0.1:${daemon.ports[0]}`,
      'bind :443 ssl': `bind 127.0.0.1:${port} ssl`,
      [`/etc/haproxy/${HOST}.pem`]: tls.both,
    }), [port]);
    const client = await open(`${proxy.wss}/echo`, as({ localAddress: '127.0.0.23', headers: { host: HOST, 'x-forwarded-for': '198.51.100.7' } }));
    assert.equal(await client.send('there and back').next(), 'there and back');
    await daemon.logged('peer.open', 'address=127.0.0.23');
    await client.close();
  });
});

describe('without a proxy', () => {
  it('nakodo has the port from nakodo.socket, and speaks TLS there', async (t) => {
    const server = net.createServer().listen(0, '::'); // as ListenStream= with a port alone
    await once(server, 'listening');
    const { port } = server.address();
    const [, name] = /^FileDescriptorName=(.+)$/m.exec(readFileSync(join(root, 'packaging/nakodo.socket'), 'utf8'));
    await configured(t, replaced(blocks('conf')[0], { '/etc/nakodo/tls/fullchain.pem': tls.cert, '/etc/nakodo/tls/privkey.pem': tls.key }), [], {
      wrap: ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh'],
      env: { LISTEN_FDS: '1', LISTEN_FDNAMES: name },
      fds: [server._handle.fd],
    });
    server.close(); // the daemon's is its own
    const client = await open(`wss://127.0.0.1:${port}/echo`, as({ origin: `https://${HOST}` }));
    assert.equal(await client.send('there and back').next(), 'there and back');
    await client.close();
  });
});

describe('beside the proxy', () => {
  it('what is asked on this machine gets metrics and health, which come through no proxy', async (t) => {
    const daemon = await daemonBehind(t);
    const [, own] = daemon.ports;
    for (const path of ['/metrics', '/healthz', '/readyz']) assert.equal((await fetch(`http://[::1]:${own}${path}`)).status, 200, path);
    const proxy = await proxies.nginx(t, daemon);
    assert.equal((await get(proxy, '/metrics')).status, 404);
  });
});

describe('the deploy hook for certbot', () => {
  it('brings a renewed certificate into use, and drops nobody', async (t) => {
    const [folder, bin] = [join(scratch(), 'tls'), scratch()];
    const environment = { ...process.env, NAKODO_TLS: folder, NAKODO_GROUP: String(process.getgid()), PATH: `${bin}:${process.env.PATH}` };
    let daemon;
    // What systemd does for a reload of the unit, since none runs here.
    const systemctl = () => writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\n[ "$*" = "reload nakodo" ] && ${daemon ? `kill -HUP ${daemon.pid}` : ':'}\n`, { mode: 0o755 });
    const deploy = ({ folder: lineage }) => execFileSync(hook, { env: { ...environment, RENEWED_LINEAGE: lineage } });
    const shown = async () => {
      const wire = await dial({ port: daemon.tlsPort, tls: true });
      const { fingerprint256 } = wire.socket.getPeerX509Certificate();
      wire.socket.destroy();
      return fingerprint256;
    };
    const fingerprint = ({ cert }) => new X509Certificate(readFileSync(cert)).fingerprint256;

    systemctl();
    deploy(tls);
    daemon = await testDaemon(t, { args: ['--listen', 'tls:127.0.0.1:0', '--tls-cert', join(folder, 'fullchain.pem'), '--tls-key', join(folder, 'privkey.pem')] });
    systemctl();
    assert.equal(await shown(), fingerprint(tls));
    const client = await open(`${daemon.wss}/echo`);
    const renewed = certificate();
    deploy(renewed);
    await daemon.logged('reload.done');
    assert.equal(await shown(), fingerprint(renewed));
    assert.equal(await client.send('still here').next(), 'still here');
    await client.close();
    for (const name of ['fullchain.pem', 'privkey.pem']) assert.equal((statSync(join(folder, name)).mode & 0o777).toString(8), '640', name);
  });
});
