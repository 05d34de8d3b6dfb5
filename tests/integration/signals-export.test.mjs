// What leaves the signals view and what it opens: redaction, mermaid, files that a person chooses,
// and the reading of descriptions behind them. No daemon, no browser: the modules as they are.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTrace, writeTrace } from '../../web/signals/file.js';
import { toMermaid } from '../../web/signals/mermaid.js';
import { EVENTS_MAX, Model } from '../../web/signals/model.js';
import { redact } from '../../web/signals/redact.js';
import { diff, diffLines, glance, readCandidate, sections } from '../../web/signals/sdp.js';
import { States } from '../../web/signals/states.js';

const SDP = [
  'v=0', 'o=- 4611731400430051336 2 IN IP4 198.51.100.9', 's=-', 't=0 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=ice-ufrag:Fr4g', 'a=ice-pwd:Pa55word',
  'a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35', 'a=mid:0', 'a=sendrecv',
  'a=candidate:1 1 udp 1677729535 192.168.1.23 46154 typ host generation 0 ufrag Fr4g',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=recvonly',
  'a=candidate:2 1 udp 1 2001:db8::7:1 46155 typ srflx raddr 10.1.2.3 rport 9', '',
].join('\r\n');

let time = 0;
/** An event as the client tells it. */
function event(dir, message, more = {}) {
  const { type, from, to } = message;
  const raw = dir === 'state' ? undefined : JSON.stringify(message);
  return { t: time += 10, dir, type, room: 'asakai', from, to, summary: type, raw, ...more };
}

const state = (type, from, summary) => event('state', { type, from }, { summary });
const candidate = (text, more) => ({
  type: 'candidate', to: 'p1', candidate: { candidate: text, sdpMid: '0', ...more },
});

describe('redaction', () => {
  const secrets = [
    'Pa55word', 'Fr4g', 'T0ken', 'Turnpa55', 'turnuser', '198.51.100.9', '192.168.1.23',
    '2001:db8::7:1', '10.1.2.3', '3f6f4c88-7c2e-4a73-8f0e-2b1b7a0c1d2e', '203.0.113.4', 'fe80::1',
  ];
  const mdns = '3f6f4c88-7c2e-4a73-8f0e-2b1b7a0c1d2e.local';
  const servers = { urls: ['turn:203.0.113.4:3478'], username: 'turnuser', credential: 'Turnpa55' };
  const events = [
    event('in', { type: 'welcome', session: 'T0ken-a', iceServers: [servers] }),
    event('out', { type: 'offer', to: 'p1', sdp: SDP, g: 1 }),
    event('out', candidate(`candidate:1 1 udp 1 ${mdns} 9 typ host`, { usernameFragment: 'Fr4g' }), {
      summary: `candidate:1 1 udp 1 ${mdns} 9 typ host`,
    }),
    event('in', { type: 'chat', from: 'p1', text: 'I am at 192.168.1.23 and [fe80::1]:80' }),
    event('in', { type: 'odd' }, { raw: `{"session":"T0ken-b", broken\na=ice-pwd:Pa55word` }),
    state('socket', undefined, 'open wss://203.0.113.4/v1/asakai?session=T0ken-c&n=4'),
  ];

  it('leaves no password, user fragment, token, TURN credential or address', () => {
    const text = writeTrace(redact(events));
    assert.deepEqual(secrets.filter((secret) => text.includes(secret)), []);
  });

  it('finds every one of them in what is not redacted', () => {
    const text = writeTrace(events);
    assert.deepEqual(secrets.filter((secret) => !text.includes(secret)), []);
  });

  it('gives the same address the same stand-in', () => {
    const text = writeTrace(redact(events));
    const [, own] = /udp 1677729535 (address-\d+) /.exec(text);
    assert.ok(text.includes(`I am at ${own} and`));
  });

  it('keeps what a debugger needs: ports, types, fingerprints, hidden names as hidden', () => {
    const text = writeTrace(redact(events));
    for (const kept of ['46154 typ host', '7B:8B:F0:65', 'hidden-1.local 9 typ host', '0.0.0.0']) {
      assert.ok(text.includes(kept), kept);
    }
  });

  it('does not touch the events themselves, and changes nothing when done again', () => {
    const before = JSON.stringify(events);
    const once = redact(events);
    assert.equal(JSON.stringify(events), before);
    assert.deepEqual(redact(once), once);
  });

  it('knows a secret by its name in any case, in JSON within JSON and in a piece of it', () => {
    const inner = JSON.stringify({ Credential: 'hidden"1', deep: JSON.stringify({ PASSWORD: 'hidden2' }) });
    const more = [
      event('in', { type: 'message', data: { headers: { Authorization: 'Bearer hidden3' }, access_token: 'hidden4' } }),
      event('in', { type: 'message', data: inner, Urls: 'turn:x', UserName: 'hidden5' }),
      event('in', { type: 'chat', text: `the server said ${inner}` }),
      event('in', { type: 'chat', text: 'Authorization: Basic hidden6\r\nand "Token": 7001, "a": 1' }),
      event('in', { type: 'odd' }, { raw: '{"data":"{\\"Pwd\\":\\"hidden\\\\\\"8\\"}", "SECRET":"hidden9' }),
      state('socket', undefined, 'open wss://x/?a=1&Token=hidden10'),
    ];
    const text = writeTrace(redact(more));
    assert.deepEqual(text.match(/hidden\S*|7001/g), null);
    const said = redact(more).slice(2, 4).map(({ raw }) => JSON.parse(raw).text);
    assert.match(said[0], /^the server said \{"Credential":"redacted"/);
    assert.match(said[1], /and "Token": "redacted", "a": 1$/);
    assert.deepEqual(redact(redact(more)), redact(more));
  });

  it('takes no time or version number for an address', () => {
    const [{ summary }] = redact([state('socket', undefined, 'open 10:12:33 v1.2.3 a::b::c 1.2.3.4.5')]);
    assert.equal(summary, 'open 10:12:33 v1.2.3 a::b::c 1.2.3.4.5');
  });
});

describe('the mermaid diagram', () => {
  const names = { me: '自分', server: 'Server' };
  const LINE = /^ {2}(participant p\d+ as [^;#]+|(p\d+->>p\d+|Note over p\d+): \S[^;\n]*)$/;
  /** Entity codes are the only place where # and ; may stand. */
  const plain = (line) => line.replace(/#\d+;/g, '');
  const parses = (text) => {
    const [head, ...lines] = text.trimEnd().split('\n');
    assert.equal(head, 'sequenceDiagram');
    for (const line of lines) assert.match(plain(line), LINE);
    const declared = new Set(lines.flatMap((line) => /participant (p\d+)/.exec(line)?.[1] ?? []));
    const used = lines.filter((line) => !line.includes('participant'));
    for (const line of used) {
      for (const [lane] of line.split(': ')[0].matchAll(/p\d+/g)) assert.ok(declared.has(lane), line);
    }
    return lines;
  };

  it('has the messages in order, with names and the time between them', () => {
    time = 0;
    const text = toMermaid([
      event('in', { type: 'welcome', id: 'me', peers: [{ id: 'p1', name: 'Hana' }] }),
      event('out', { type: 'offer', to: 'p1', sdp: SDP }),
      event('in', { type: 'answer', from: 'p1', sdp: SDP }),
      state('ice', 'p1', 'checking'),
    ], names);
    parses(text);
    assert.deepEqual(text.trimEnd().split('\n'), [
      'sequenceDiagram',
      '  participant p0 as Server',
      '  participant p1 as 自分',
      '  participant p2 as Hana',
      '  p0->>p1: welcome · Hana · +0 ms',
      '  p1->>p2: offer · audio video · 2 candidates · +10 ms',
      '  p2->>p1: answer · audio video · 2 candidates · +10 ms',
      '  Note over p1: ice · checking · +10 ms',
    ]);
  });

  it('parses whatever peers call themselves and write', () => {
    const nasty = 'end; #9; %%{init: {}}%%\nNote over p0: x\r\n<script> "a"->>b: c\u2028d';
    const text = toMermaid([
      event('in', { type: 'peer-joined', peer: { id: 'p1', name: nasty } }),
      event('in', { type: 'chat', from: 'p1', text: nasty }, { summary: nasty }),
      event('in', { type: nasty, from: 'loop\nend', raw: 'x' }, { raw: 'x' }),
    ], names);
    assert.equal(parses(text).length, 4 + 3);
    assert.ok(!/\bend\b/.test(text));
  });
});

describe('a trace that a person opens', () => {
  const good = [event('out', { type: 'offer', to: 'p1', sdp: SDP }), state('ice', 'p1', 'new')];

  it('comes back as it was saved', () => {
    const { events, observed } = readTrace(writeTrace(good, true));
    assert.deepEqual(events, JSON.parse(JSON.stringify(good)));
    assert.equal(observed, true);
  });

  const damaged = (change) => {
    const file = JSON.parse(writeTrace(good));
    change(file.events[1], file);
    return JSON.stringify(file);
  };
  const bad = { key: 'signals.badEvent', params: { at: 2 } };
  for (const [what, text, problem] of [
    ['no JSON', 'v=0', { key: 'signals.notJson' }],
    ['nothing', '', { key: 'signals.notJson' }],
    ['null', 'null', { key: 'signals.notTrace' }],
    ['an array', '[]', { key: 'signals.notTrace' }],
    ['another format', '{"format":"har","events":[]}', { key: 'signals.notTrace' }],
    ['no events', damaged((_, file) => { file.events = {}; }), { key: 'signals.notTrace' }],
    ['another version', damaged((_, file) => { file.version = 2; }), { key: 'signals.newer' }],
    ['an event that is null', damaged((_, file) => { file.events[1] = null; }), bad],
    ['a time that is text', damaged((e) => { e.t = '1'; }), bad],
    ['a time out of bounds', damaged((e) => { e.t = 1e300; }), bad],
    ['an unknown direction', damaged((e) => { e.dir = 'sideways'; }), bad],
    ['no summary', damaged((e) => { delete e.summary; }), bad],
    ['a type that is a list', damaged((e) => { e.type = ['ice']; }), bad],
    ['a type as long as a book', damaged((e) => { e.type = 'x'.repeat(10_000); }), bad],
    ['a negative size', damaged((e) => { e.bytes = -1; }), bad],
    ['too many events', damaged((e, file) => { file.events = Array(EVENTS_MAX + 1).fill(e); }),
      { key: 'signals.tooMany', params: { most: EVENTS_MAX } }],
  ]) {
    it(`is refused with a sentence: ${what}`, () => {
      assert.deepEqual(readTrace(text), { problem });
    });
  }

  it('loses members that nobody knows', () => {
    const text = damaged((e) => Object.assign(e, { __proto__: null, evil: 1 }));
    assert.ok(!('evil' in readTrace(text).events[1]));
  });
});

describe('descriptions and candidates', () => {
  it('are cut into sections by their m-lines', () => {
    assert.deepEqual(sections(SDP).map(({ title, lines }) => [title, lines.length]), [
      ['session', 4], ['audio · mid 0 · sendrecv', 8], ['video · mid 1 · recvonly', 4],
    ]);
    assert.equal(glance(SDP), 'audio video · 2 candidates');
  });

  it('differ by lines, section by section', () => {
    const after = SDP.replace('a=sendrecv', 'a=inactive').replace(' 2 IN IP4', ' 3 IN IP4')
      .replace(/m=video[^]*$/, '');
    assert.deepEqual(diff(SDP, after).map(({ title, changes }) => [title, changes]), [
      ['session', 2], ['audio · mid 0 · inactive', 2], ['video · mid 1 · recvonly', 4],
    ]);
    const marks = diffLines(['a', 'b', 'c', 'd'], ['a', 'c', 'x', 'd']);
    assert.equal(marks.map(({ mark, text }) => mark + text).join(), ' a,-b, c,+x, d');
  });

  it('of a size that no browser makes are compared all the same', () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => `a=x:${i}`);
    const found = diffLines(lines, [...lines.slice(1), 'a=new']).filter(({ mark }) => mark !== ' ');
    assert.deepEqual(found, [{ mark: '-', text: 'a=x:0' }, { mark: '+', text: 'a=new' }]);
  });

  it('are read from the words of a candidate', () => {
    assert.deepEqual(readCandidate('candidate:1 1 UDP 1 x-y.local 50 typ host generation 0'), {
      type: 'host', protocol: 'udp', address: 'x-y.local', port: '50', hidden: true,
    });
    for (const none of ['', 'candidate:1', 'nonsense typ host', 'a=candidate:1 1 udp 1 h 1 typ host']) {
      assert.equal(readCandidate(none), null);
    }
  });
});

describe('the events of a trace', () => {
  it('tell each peer’s states with their times', () => {
    time = 0;
    const states = new States();
    states.add(state('ice', 'p1', 'new'));
    states.add(state('ice', 'p1', 'checking'));
    states.add(state('ice', 'p1', 'checking'));
    states.add(state('recovery', 'p1', 'restart'));
    states.add(state('socket', undefined, 'closed'));
    states.add(state('gathering', 'p2', 'gathering'));
    assert.deepEqual(states.of('p1').ice, [{ t: 10, state: 'new' }, { t: 20, state: 'checking' }]);
    assert.deepEqual(states.of('p2').gathering, [{ t: 60, state: 'gathering' }]);
    assert.equal(states.of(''), undefined);
  });

  it('are filtered by peer and by type; an `ice` message is not the state of that name', () => {
    const model = new Model();
    model.add(event('in', { type: 'ice', iceServers: [] }));
    model.add(state('ice', 'p1', 'new'));
    model.add(event('out', { type: 'offer', to: 'p2', sdp: SDP }));
    model.hidden.add('state ice');
    model.refilter();
    assert.deepEqual(model.shown.map(({ dir, type }) => `${dir} ${type}`), ['in ice', 'out offer']);
    model.peer = 'p2';
    model.refilter();
    assert.deepEqual(model.shown.map(({ type }) => type), ['offer']);
    assert.deepEqual(model.lanes, ['me', 'server', '=p2']);
  });

  it('are compared with the description before on the same way, not with another’s', () => {
    const model = new Model();
    const offers = ['one', 'two', 'three'].map((s, i) => (
      event('out', { type: 'offer', to: i === 1 ? 'p2' : 'p1', sdp: `v=0\r\ns=${s}\r\n` })
    ));
    offers.forEach((offer) => model.add(offer));
    assert.equal(model.previousDescription(offers[0]), '');
    assert.equal(model.previousDescription(offers[1]), '');
    assert.equal(model.previousDescription(offers[2]), 'v=0\r\ns=one\r\n');
  });

  it('are forgotten, the oldest first, when there are too many', () => {
    const model = new Model({ most: 3000 });
    for (let i = 0; i <= 3000; i++) model.add(event('out', { type: 'ack', n: i }));
    assert.equal(model.events.length, 1001);
    assert.equal(JSON.parse(model.shown[0].raw).n, 2000);
  });
});
