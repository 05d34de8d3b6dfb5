// Options: where they come from and which source wins, what is said about them, and that whatever
// is wrong costs one clear sentence and starts nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { binary, root, runDaemon, scratch } from '../lib/daemon.mjs';

const web = ['--web-root', join(root, 'web')];
const directory = scratch();
let files = 0;

function file(content) {
  const path = join(directory, `${++files}.conf`);
  writeFileSync(path, content);
  return path;
}

/** The effective configuration, as {name: [values]}. */
async function configuration(args, options) {
  const { status, stdout, stderr } = await runDaemon(['--print-config', ...args], options);
  assert.deepEqual([status, stderr], [0, '']);
  const all = {};
  for (const [, name, value] of stdout.matchAll(/^([a-z-]+) = (.*)$/gm)) (all[name] ??= []).push(value);
  return all;
}

describe('the sources of options', () => {
  it('the later one wins: default, file, environment, command line', async () => {
    const config = ['--config', file('max-peers = 20\n')];
    const env = { NAKODO_MAX_PEERS: '30' };
    assert.deepEqual((await configuration([]))['max-peers'], ['10000']);
    assert.deepEqual((await configuration(config))['max-peers'], ['20']);
    assert.deepEqual((await configuration(config, { env }))['max-peers'], ['30']);
    assert.deepEqual((await configuration(['--max-peers', '40', ...config], { env }))['max-peers'], ['40']);
    assert.deepEqual((await configuration(['--max-peers=50', '--max-peers=60']))['max-peers'], ['60']);
  });

  it('a repeatable option in a later source replaces the list of the earlier one', async () => {
    const config = ['--config', file('origin = null\norigin = https://a.example\n')];
    const env = { NAKODO_ORIGIN: 'https://b.example https://c.example' };
    const args = ['--origin', 'https://d.example', '--origin', 'https://e.example'];
    assert.deepEqual((await configuration([])).origin, ['same-host']);
    assert.deepEqual((await configuration(config)).origin, ['null', 'https://a.example']);
    assert.deepEqual((await configuration(config, { env })).origin, ['https://b.example', 'https://c.example']);
    assert.deepEqual((await configuration([...config, ...args], { env })).origin, ['https://d.example', 'https://e.example']);
  });

  it('mount is a table by path: entries add, the same path replaces, off removes', async () => {
    const config = ['--config', file('mount = /others=relay?frames=binary\nmount = /ws=off\nmount = /chat=relay\n')];
    const { mount } = await configuration([...config, '--mount', '/chat=echo', '--mount', '/=off'], { env: { NAKODO_MOUNT: '/chat=chat /late=chat' } });
    assert.deepEqual(mount, [
      '/chat=echo', '/echo=echo', '/gst=gstreamer', '/late=chat', '/libdatachannel=libdatachannel', '/matchbox=matchbox',
      '/others=relay?frames=binary', '/peerjs=peerjs', '/pixel-streaming=pixel-streaming', '/relay=relay', '/signaling=ayame',
      '/v1=nakodo.v1', '/video_chat/signaling=named-room', '/webtorrent=webtorrent', '/y-webrtc=y-webrtc', '/=off', '/ws=off',
    ]);
  });

  it('NAKODO_CONFIG names the file unless --config does', async () => {
    const env = { NAKODO_CONFIG: file('max-peers = 70\n') };
    assert.deepEqual((await configuration([], { env }))['max-peers'], ['70']);
    assert.deepEqual((await configuration(['--config', file('max-peers = 80\n')], { env }))['max-peers'], ['80']);
  });

  it('a file may have comments, blank lines, quotes, CR LF and no end of line', async () => {
    const config = await configuration(['--config', file([
      '# a comment', '   # another', '', 'max-peers=7#7', '  log-file\t=  /var/log/a b  # why', 'web-root = " #\\"\\\\ "', 'show-messages = on',
    ].join('\r\n').replace('7#7', '7 # seven'))]);
    assert.deepEqual([config['max-peers'], config['log-file'], config['web-root'], config['show-messages']],
      [['7'], ['"/var/log/a b"'], ['" #\\"\\\\ "'], ['yes']]);
  });

  it('--print-config can be read back and then gives the same', async () => {
    const args = [
      '--listen', 'localhost:1?origin=null&dialect=relay', '--listen', 'unix:/a b', '--web-root', ' "#\\ ', '--mount', '/chat=off',
      '--ice-server', 'turn:turn.example:3478?transport=tcp|me|p#a "ss\\|word', '--origin', 'any', '--max-message', '1000', '--send-queue', '2MiB', '--resume-bytes', '4MiB',
      '--ping-interval', '90', '--handshake-timeout', '1m', '--log-level', 'debug', '--log-format', 'json', '--subprotocol', 'a', '--server-name', 'b.example',
      '--trusted-proxy', 'fd00::/8',
    ];
    const first = await runDaemon(['--print-config', ...args]);
    assert.equal(first.status, 0);
    const again = await runDaemon(['--print-config', '--config', file(first.stdout)]);
    assert.deepEqual(again, first);
  });
});

describe('what is said about options', () => {
  const names = async () => [...(await runDaemon(['--print-config'])).stdout.matchAll(/^(?:# )?([a-z-]+) = /gm)].map((m) => m[1]);

  it('--version is the version, whatever else is wrong', async () => {
    for (const flag of ['--version', '-V']) {
      const { status, stdout, stderr } = await runDaemon([flag, '--nonsense'], { env: { NAKODO_NONSENSE: '1' } });
      assert.equal(status, 0);
      assert.match(stdout, /^nakodo \d+\.\d+\.\d+\n$/);
      assert.equal(stderr, '');
    }
  });

  it('--help has every option and fits a terminal', async () => {
    for (const flag of ['--help', '-h']) {
      const { status, stdout, stderr } = await runDaemon([flag]);
      assert.deepEqual([status, stderr], [0, '']);
      for (const name of await names()) assert.match(stdout, new RegExp(`^ {2}--${name}\\b`, 'm'));
      assert.deepEqual(stdout.split('\n').filter((line) => line.length > 80), []);
    }
  });

  /** What man(1) shows of the file beside the daemon, which is what the argument prints. */
  async function readPage(name, argument) {
    const page = readFileSync(join(dirname(binary), name), 'utf8');
    assert.equal(page, (await runDaemon([argument])).stdout);
    const groff = spawnSync('groff', ['-man', '-ww', '-Tutf8', '-P-cbou'], { input: page, encoding: 'utf8' });
    assert.deepEqual([groff.status, groff.stderr], [0, '']);
    return groff.stdout.replaceAll('‐', '-').replaceAll('−', '-');
  }

  it('the man page of the daemon has every option and no mistakes', async () => {
    const text = await readPage('nakodo.8', '--man');
    for (const name of await names()) assert.match(text, new RegExp(`^ +--${name}\\b`, 'm'));
    for (const heading of ['NAME', 'OPTIONS', 'SIGNALS', 'ENVIRONMENT', 'FILES', 'EXIT STATUS']) assert.match(text, new RegExp(`^${heading}$`, 'm'));
  });

  it('the man page of the configuration file has every option and no mistakes', async () => {
    const text = await readPage('nakodo.conf.5', '--man-config');
    for (const name of await names()) assert.match(text, new RegExp(`^ {7}${name}( |$)`, 'm'));
  });

  it('the packaged configuration has every option with its default, as a comment, and says where ctl is', async () => {
    const whole = readFileSync(join(dirname(binary), 'nakodo.conf'), 'utf8');
    const text = whole.replace(/^ctl = .*\n/m, '');
    assert.deepEqual(whole.match(/^[^#\n].*/gm), ['ctl = /run/nakodo/ctl']);
    assert.deepEqual([...new Set([...text.matchAll(/^#([a-z-]+) = \S/gm)].map((m) => m[1]))], [...new Set(await names())]);
    const set = text.replace(/^#([a-z-]+ = (?![A-Z]{2}))/gm, '$1'); // all but the placeholders
    const plain = (config) => config.split('\n').filter((line) => !/^#|= ""$/.test(line)).join('\n');
    assert.equal(plain((await runDaemon(['--print-config', '--config', file(set)])).stdout), plain((await runDaemon(['--print-config'])).stdout));
  });

  it('--check finds nothing wrong with the packaged configuration, and makes nothing', async () => {
    const certificates = join(directory, 'certificates');
    const { status, stdout, stderr } = await runDaemon([
      ...web, '--check', '--config', join(dirname(binary), 'nakodo.conf'), '--listen', 'tls:localhost:0', '--tls-self-signed', certificates,
    ]);
    assert.deepEqual([status, stdout, stderr], [0, 'nakodo: the configuration is fine\n', '']);
    assert.throws(() => readFileSync(join(certificates, 'cert.pem')), { code: 'ENOENT' });
  });
});

describe('one clear sentence and nothing started', { concurrency: 2 }, () => {
  /** Both with and without --check. */
  async function refuses(args, sentence, options) {
    for (const check of [[], ['--check']]) {
      const { status, stdout, stderr } = await runDaemon([...check, ...web, ...args], options);
      assert.deepEqual([status, stdout], [2, ''], stderr);
      assert.match(stderr, /^nakodo: [^\n]+\n$/);
      assert.ok(stderr.startsWith(`nakodo: ${sentence}`), `${stderr}is not\nnakodo: ${sentence}`);
    }
  }

  const long = (length) => 'x'.repeat(length);
  const originRule = 'must be same-host, null, any, or exactly what the browser sends: SCHEME://HOST[:PORT] in lower case and without a path, as in https://example.org';
  const dialects = 'there are: ayame, chat, echo, ';

  const commandLines = [
    [['--max-peer', '3'], 'command line: there is no option `--max-peer`; did you mean `--max-peers`?'],
    [['--frobnicate', '3'], 'command line: there is no option `--frobnicate`; `nakodo --help` shows them all'],
    [['stray'], 'command line: `stray` stands alone; options begin with --, and `nakodo --help` shows them all'],
    [['--check=1'], '--check takes no value'],
    [['--max-peers'], '--max-peers needs a value'],
    [['--max-peers', '--origin'], '--max-peers needs a value'],
    [['--max-peers', ''], '--max-peers: max-peers needs a value'],
    [['--max-peers', '0'], '--max-peers: max-peers `0`: must be a whole number from 1 to 1000000'],
    [['--max-peers', '1000001'], '--max-peers: max-peers `1000001`: must be a whole number from 1 to 1000000'],
    [['--max-peers', '99999999999999999999'], '--max-peers: max-peers `99999999999999999999`: must be a whole number'],
    [['--max-peers', '3s'], '--max-peers: max-peers `3s`: must be a whole number'],
    [['--max-peers-per-room', '1'], '--max-peers-per-room: max-peers-per-room `1`: must be a whole number from 2 to 1000000'],
    [['--max-message', '17M'], '--max-message: max-message `17M`: must be a size from 1 to 16MiB, in bytes or with KiB or MiB behind it'],
    [['--send-queue', '4095'], '--send-queue: send-queue `4095`: must be a size from 4KiB to 1GiB'],
    [['--ping-interval', '0'], '--ping-interval: ping-interval `0`: must be a time from 1s to 1h, in seconds or with s, m or h behind it'],
    [['--drain-seconds', '-1'], '--drain-seconds: drain-seconds `-1`: must be a time from 0s to 10m'],
    [['--log-level', 'loud'], '--log-level: log-level `loud`: must be one of error, warn, info, debug'],
    [['--log-format', 'xml'], '--log-format: log-format `xml`: must be one of auto, text, json, journal'],
    [['--show-messages=perhaps'], '--show-messages: show-messages `perhaps`: must be yes or no'],
    [['--log-file', 'a\u0001b'], '--log-file: only UTF-8 text without control characters can stand here'],
    [['--log-file', long(2001)], '--log-file: log-file has a value of more than 2000 bytes'],
    [Array(1025).fill('--origin=any'), '--origin: that is more than 1024 values for one option'],
    [['--origin', 'https://Example.org'], `--origin: origin \`https://Example.org\`: ${originRule}`],
    [['--origin', 'https://example.org/'], `--origin: origin \`https://example.org/\`: ${originRule}`],
    [['--origin', 'example.org'], `--origin: origin \`example.org\`: ${originRule}`],
    [['--mount', 'chat=chat'], '--mount: mount `chat=chat`: must be PATH=DIALECT or PATH=off, as in /chat=chat; PATH begins with / and has no white space, ?, #, empty segment or / at its end'],
    [['--mount', '/chat/=chat'], '--mount: mount `/chat/=chat`: must be PATH=DIALECT'],
    [['--mount', '/chat=gossip'], `--mount: mount \`/chat=gossip\`: there is no dialect \`gossip\`; ${dialects}`],
    [['--mount', '/chat=chat?color=red'], '--mount: mount `/chat=chat?color=red`: chat has no parameter `color`'],
    [['--mount', '/chat=chat?frames=blue'], '--mount: mount `/chat=chat?frames=blue`: frames must be `text` or `binary`'],
    [['--mount', `/echo=echo?prefix=${long(65)}`], `--mount: mount \`/echo=echo?prefix=${long(65)}\`: prefix must be at most 64 bytes`],
    [['--subprotocol', 'a b'], "--subprotocol: subprotocol `a b`: must be one word of letters, digits and !#$%&'*+-.^_`|~"],
    [['--server-name', 'a:80'], '--server-name: server-name `a:80`: must be a host name without scheme and port, as in rtc.example.org'],
    [['--trusted-proxy', '10.0.0.0/33'], '--trusted-proxy: trusted-proxy `10.0.0.0/33`: must be ADDRESS, ADDRESS/BITS or unix, as in 192.0.2.1, 10.0.0.0/8 or fd00::/8'],
    [['--max-message', '300k'], '--max-message: max-message is larger than send-queue, which must hold at least one message: raise send-queue or lower max-message'],
    [['--send-queue', '1MiB'], '--send-queue: resume-bytes is smaller than twice send-queue, so that who was too slow could not resume: raise resume-bytes or lower send-queue'],
    [['--tls-cert', 'a'], '--tls-cert: tls-cert and tls-key come together: set tls-key too, or neither'],
    [['--tls-key', 'a'], '--tls-key: tls-cert and tls-key come together: set tls-cert too, or neither'],
    [['--tls-cert', 'a', '--tls-key', 'b', '--tls-self-signed', 'c'], '--tls-cert: tls-cert and tls-self-signed exclude each other: leave one of them out'],
    [['--config', '/nonexistent'], '--config: cannot read /nonexistent: No such file or directory'],
    [['--config', '/'], '--config: cannot read /: Is a directory'],
    [['--show-messages', '--listen', '*:0'], '--listen: listen `*:0` lets other machines in, whose messages show-messages must not print: listen on localhost only, or leave show-messages out'],
    [['--show-messages', '--listen', 'localhost:0', '--listen', 'proxy:localhost:0'], '--listen: listen `proxy:localhost:0` lets other machines in'],
    [['--show-messages', '--listen', 'systemd'], '--listen: listen `systemd` lets other machines in'],
  ];
  const listeners = [
    ['3000', 'the host or the port is missing: write HOST:PORT, as in localhost:3000'],
    ['localhost:', 'the port must be a number from 0 to 65535, as in localhost:3000'],
    ['localhost:65536', 'the port must be a number from 0 to 65535, as in localhost:3000'],
    ['a:b:3000', 'there are too many colons: write HOST:PORT, as in localhost:3000, and an IPv6 address in brackets, as in [::1]:3000'],
    [':3000', 'the host is missing: write * for every address, as in *:3000'],
    ['[::1]', 'behind the IPv6 address a bracket and the port are missing, as in [::1]:3000'],
    ['[zz]:3000', 'what stands in brackets must be an IPv6 address, as in [::1]:3000'],
    ['127.1:3000', 'the host must be a name, an IPv4 address, an IPv6 address in brackets or *, as in localhost:3000'],
    ['unix:', 'the path is missing: write unix:PATH, as in unix:/run/nakodo/socket'],
    [`unix:/${long(107)}`, 'the path is longer than the 107 bytes that the system allows for a socket: take a short one, as in unix:/run/nakodo/socket'],
    ['tls:proxy:localhost:3000', 'only one of tls:, proxy: and unix: can stand in front, as in tls:localhost:3443'],
    ['localhost:3000?color=red', 'only the parameters auth, dialect, origin and metrics are known, as in localhost:3000?origin=any&dialect=relay'],
    ['localhost:3000?origin=any&origin=null', 'the parameter origin stands twice: write it once, as in localhost:3000?origin=any&dialect=relay'],
    ['localhost:3000?origin=%zz', 'the parameter origin must have a value of at most 255 bytes, in which % stands before two hex digits'],
    ['localhost:3000?origin=Example', `the origin in it ${originRule}`],
    [`${long(600)}:3000`, 'it is too long to be an address: write HOST:PORT, as in localhost:3000'],
  ];
  for (const [args, sentence] of commandLines) {
    it(`${JSON.stringify(args).slice(0, 60)}: ${sentence}`, () => refuses(args, sentence));
  }
  for (const [value, sentence] of listeners) {
    it(`--listen ${value.slice(0, 60)}: ${sentence}`, () => refuses(['--listen', value], `--listen: listen \`${value.slice(0, 80)}\`: ${sentence}`));
  }

  it('a tls: listener without a certificate', () => refuses(['--listen', 'tls:localhost:0'],
    '--listen: listen `tls:localhost:0` needs a certificate: set tls-cert and tls-key, or tls-self-signed'));
  it('a listener for a dialect that there is not', () => refuses(['--listen', 'localhost:0?dialect=gossip'],
    `--listen: there is no dialect \`gossip\`; ${dialects}`));

  it('an ice-server is not repeated, since it may hold a password', async () => {
    for (const value of ['turn:turn.example|me', 'stun:turn.example|me|hunter2', 'turn:turn.example:0|me|hunter2']) {
      await refuses(['--ice-server', value], "--ice-server: ice-server: the value must be stun:HOST[:PORT] or turn:HOST[:PORT]|USER|PASSWORD, with stuns: or turns: for TLS, and behind a turn server's port perhaps ?transport=udp or ?transport=tcp\n");
    }
  });

  const lines = [
    ['max-peers 3\n', 1, 'the line must be `name = value` or a # comment'],
    ['# one\n\nmax-peer = 3\n', 3, 'there is no option `max-peer`; did you mean `max-peers`?'],
    ['log-file = "abc\n', 1, 'the closing quote is missing'],
    ['log-file = "abc" def\n', 1, 'nothing but a comment can stand behind the closing quote; write \\" for a quote inside of quotes'],
    ['max-peers = 3\nlog\0file\n', 2, 'a NUL byte: this is not a text file'],
    [`log-file = ${long(4096)}\n`, 1, 'the line is too long'],
    ['origin = any\nmax-peers = none\n', 2, 'max-peers `none`: must be a whole number from 1 to 1000000'],
    ['log-file = a\u0001b\n', 1, 'only UTF-8 text without control characters can stand here'],
    [Buffer.from('log-file = \xff\n', 'latin1'), 1, 'only UTF-8 text without control characters can stand here'],
    ['mount = /chat=chat\nmount = /x=gossip\n', 2, `mount \`/x=gossip\`: there is no dialect \`gossip\`; ${dialects}`],
    ['\nlisten = tls:localhost:0\n', 2, 'listen `tls:localhost:0` needs a certificate: set tls-cert and tls-key, or tls-self-signed'],
    ['listen = localhost:0?dialect=gossip\n', 1, `there is no dialect \`gossip\`; ${dialects}`],
    ['\ntls-cert = a\n', 2, 'tls-cert and tls-key come together: set tls-key too, or neither'],
    ['tls-self-signed = c\ntls-key = b\ntls-cert = a\n', 3, 'tls-cert and tls-self-signed exclude each other: leave one of them out'],
    ['\n\nsend-queue = 1MiB\n', 3, 'resume-bytes is smaller than twice send-queue, so that who was too slow could not resume: raise resume-bytes or lower send-queue'],
    ['send-queue = 1MiB\nresume-bytes = 1MiB\n', 2, 'resume-bytes is smaller than twice send-queue'],
    ['max-peers = 5\nmax-message = 300k\n', 2, 'max-message is larger than send-queue'],
    ['check = yes\n', 1, 'there is no option `check`'],
  ];
  for (const [content, number, sentence] of lines) {
    it(`line ${number} of a file: ${sentence}`, () => {
      const path = file(content);
      return refuses(['--config', path], `${path}:${number}: ${sentence}`);
    });
  }

  it('a file of more than 1 MiB is refused before it is read', () => {
    const path = file('#\n'.repeat(600000));
    return refuses(['--config', path], `--config: ${path} is too large: a configuration has at most 1 MiB`);
  });

  const variables = [
    [{ NAKODO_MAX_PEERS: '0' }, 'NAKODO_MAX_PEERS: max-peers `0`: must be a whole number from 1 to 1000000'],
    [{ NAKODO_MAX_PEER: '1' }, 'environment: there is no option `NAKODO_MAX_PEER`; did you mean `NAKODO_MAX_PEERS`?'],
    [{ NAKODO_FROBNICATE: '1' }, 'environment: there is no option `NAKODO_FROBNICATE`; `nakodo --help` shows them all'],
    [{ NAKODO_CONFIG: '/nonexistent' }, 'NAKODO_CONFIG: cannot read /nonexistent: No such file or directory'],
  ];
  for (const [env, sentence] of variables) {
    it(sentence, () => refuses([], sentence, { env }));
  }
});
