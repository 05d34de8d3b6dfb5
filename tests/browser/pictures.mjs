// The pictures of the READMEs and docs: node tests/browser/pictures.mjs writes them to docs/images, or
// those that its arguments name. The people in them are drawn.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { open as connect, openMany } from '../lib/client.mjs';
import { root, scratch, startDaemon } from '../lib/daemon.mjs';
import { Key, now } from '../lib/tokens.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { RoomPage } from './lib/room-page.mjs';

const SIZE = { width: 1200, height: 700 };
const directory = join(root, 'docs/images');

/** In the page, before its scripts: a camera that shows somebody in front of a wall. */
function prepare() {
  MediaDevices.prototype.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const context = canvas.getContext('2d');
    const wall = context.createLinearGradient(0, 0, 640, 360);
    const hue = Number(localStorage.getItem('hue'));
    wall.addColorStop(0, `hsl(${hue} 45% 72%)`);
    wall.addColorStop(1, `hsl(${hue + 30} 50% 48%)`);
    const disc = (colour, x, y, rx, ry) => {
      context.fillStyle = colour;
      context.beginPath();
      context.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
      context.fill();
    };
    setInterval(() => {
      const sway = 6 * Math.sin(Date.now() / 500);
      context.fillStyle = wall;
      context.fillRect(0, 0, 640, 360);
      disc(`hsl(${hue + 180} 35% 35%)`, 320, 390, 150, 140);
      disc('#2b2230', 320 + sway, 150, 76, 86);
      disc('#f0c9a8', 320 + sway, 165, 62, 76);
      disc('#2b2230', 298 + sway, 158, 6, 7);
      disc('#2b2230', 342 + sway, 158, 6, 7);
      disc('#b5604f', 320 + sway, 202, 18, 5 + Math.abs(sway));
    }, 100);
    return canvas.captureStream(10);
  };
}

async function open(browser, base, name, hue, room = 'asakai') {
  const page = await RoomPage.open(browser, base, { path: '/check', viewport: SIZE, prepare });
  await page.page.evaluate((n) => localStorage.setItem('hue', n), hue);
  await page.page.goto(`${base}/r/${room}`);
  await page.join(name);
  return page;
}

async function shoot(page, name) {
  await page.page.evaluate(async () => { // tiles are on their way still
    for (let frames = 0; frames < 3; frames++) await new Promise(requestAnimationFrame);
    await Promise.allSettled(document.querySelector('#stage').getAnimations({ subtree: true }).map(({ finished }) => finished));
  });
  await page.page.screenshot({ path: join(directory, `${name}.png`) });
  console.log(`docs/images/${name}.png`);
}

/** A room of four, with the chat open. */
async function shootRoom(browser, daemon) {
  const hana = await open(browser, daemon.url, 'Hana', 220);
  const ken = await open(browser, daemon.url, 'Ken', 20);
  const mio = await open(browser, daemon.url, 'Mio', 120);
  const yui = await open(browser, daemon.url, 'Yui', 310);
  for (const name of ['Ken', 'Mio', 'Yui']) await hana.moves(name);
  await hana.page.keyboard.press('c');
  for (const [page, text] of [[ken, 'Good morning!'], [mio, 'おはようございます。'], [hana, 'Can everybody hear me?']]) {
    await page.page.evaluate(() => document.activeElement.blur());
    if (page !== hana) await page.page.keyboard.press('c');
    await page.shows('#chat-text');
    await page.page.type('#chat-text', text);
    await page.page.keyboard.press('Enter');
    await hana.says('#chat-log', text);
  }
  await shoot(hana, 'room');
  for (const page of [hana, ken, mio, yui]) await page.click('#leave');
}

/** The drawer beside a call. */
async function shootSignals(browser, daemon) {
  await open(browser, daemon.url, 'Ken', 20, 'signals');
  const late = await open(browser, daemon.url, 'Hana', 220, 'signals');
  await late.moves('Ken');
  await late.page.keyboard.press('d');
  await late.says('#panel-signals', 'candidate');
  await late.page.$eval('#panel-signals .signals-scroll', (diagram) => { diagram.scrollTop = 0; });
  await late.says('#panel-signals', 'offer');
  await late.page.evaluate(() => document.activeElement.blur());
  await shoot(late, 'signals');
}

/** The page about the server, a minute after people have begun to come, talk and go. */
async function shootStatus(browser, daemon) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1120, height: 780 });
  await page.goto(`${daemon.url}/status#t=${key.token({ room: '*', can: ['admin'], exp: now() + 600 })}`);
  const clients = [];
  for (let second = 0; second < 58; second++) {
    const room = ['asakai', 'design', 'support', 'lab', 'music'][second % 9 % 5];
    clients.push(...await openMany(`${daemon.ws}/relay/${room}`, second < 30 ? 3 : 1));
    if (second % 3 === 0) await clients.shift().close();
    for (const client of clients.slice(second % 7)) client.send('x'.repeat(100 + 40 * (second % 20)));
    if (second % 11 === 5) await fetch(`${daemon.url}/nowhere`);
    if (second % 23 === 9) await (await connect(`${daemon.ws}/relay/lab`)).send('x'.repeat(5000)).closed;
    if (second % 17 === 4) await connect(`${daemon.ws}/nowhere`).catch(() => {});
    await pass(1000);
  }
  await page.screenshot({ path: join(directory, 'status.png') });
  console.log('docs/images/status.png');
}

const key = new Key(scratch());
const shots = { room: shootRoom, signals: shootSignals, status: shootStatus };
const wanted = process.argv.slice(2);

mkdirSync(directory, { recursive: true });
const daemon = await startDaemon({ args: ['--listen', 'localhost:0?metrics&auth=none', '--listen', '*:0?metrics', '--auth-key', key.option,
  '--max-message', '4096', '--max-peers-per-address', '0', '--connect-rate', '0'] });
const browser = await launchChromium();
try {
  for (const name of wanted.length ? wanted : Object.keys(shots)) await shots[name](browser, daemon);
} finally {
  await browser.close();
  await daemon.stop();
}
