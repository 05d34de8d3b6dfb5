/*
 * One stay in a room: joins what the client says to the parts of the screen. What is sent is in
 * outgoing.js, what a tile shows in peers.js.
 */

import { byId } from '../lib/dom.js';
import { plainText } from '../lib/foreign.js';
import { sayIn } from '../lib/i18n.js';
import { Bar } from './bar.js';
import { ChatView } from './chat.js';
import { Drawer } from './drawer.js';
import { Files } from './files.js';
import { isRaised, watchHands } from './hands.js';
import { stayAboveKeyboard } from './keyboard.js';
import { watchLock } from './lock.js';
import { SMALL } from './media.js';
import { nameOf, ownNameOf, wordsOf } from './names.js';
import { watchNotices } from './notices.js';
import { Outgoing } from './outgoing.js';
import { PeerTiles } from './peers.js';
import { showPeople } from './people.js';
import { askToRemove } from './remove.js';
import { watchServer } from './server.js';
import { Settings } from './settings.js';
import { announce, clearStatus } from './status.js';
import { keepStay } from './stay.js';
import { clearStrip, showStrip } from './strip.js';
import { Stage } from './stage.js';
import { watchUnheard } from './unheard.js';
import { stayAwake } from './wake.js';

/** @typedef {import('../client.js').Peer} Peer */
/** @typedef {import('../client.js').Room} Room */
/** @typedef {import('../client.js').SignalError} SignalError */

const MANY = 4; // cameras; each is sent to everybody
const LARGE = 720; // lines of a picture that is sent to one alone
/** @type {Partial<Record<string, string>>} */
const LEFT = { bye: 'room.left', kicked: 'room.removed' };

export class Call {
  #room;
  #own;
  #onEnd;
  #end = new AbortController();
  #drawer;
  #files;
  #outgoing;
  #stage;
  #peers;
  #settings;
  #note;
  #unread = 0;
  #hasWarned = false;

  /**
   * @param {Room} room
   * @param {import('./own-media.js').OwnMedia} own
   * @param {import('./signals.js').Signals} signals
   * @param {(error?: SignalError) => void} onEnd left, or thrown out
   */
  constructor(room, own, signals, onEnd) {
    const { signal } = this.#end;
    this.#room = room;
    this.#own = own;
    this.#onEnd = onEnd;
    byId('room', HTMLElement).hidden = false;
    byId('room-name', HTMLElement).textContent = plainText(room.name);
    this.#drawer = new Drawer(signal);
    this.#drawer.addEventListener('change', () => this.#onDrawer(signals));
    this.#outgoing = new Outgoing(room, own, signal);
    this.#stage = new Stage(signal);
    this.#peers = new PeerTiles(room, this.#stage, own, signal);
    this.#settings = new Settings(room, own, signal);
    this.#note = watchNotices(room, signal);
    const onChat = () => this.#onChat();
    this.#files = new Files(room, () => this.#drawer.open('chat'), onChat, signal);
    new ChatView(room, onChat, signal);
    const leave = () => this.leave();
    const [outgoing, stage, drawer] = [this.#outgoing, this.#stage, this.#drawer];
    const openSettings = () => this.#settings.open();
    new Bar({ own, outgoing, stage, drawer, room, openSettings, leave }, signal);
    watchUnheard(own, signal);
    watchLock(room, signal);
    watchServer(room, signal);
    this.#watchOwn();
    this.#watchRoom();
    room.peers.forEach((peer) => this.#add(peer));
    stayAwake(signal);
    stayAboveKeyboard(signal);
    addEventListener('pagehide', () => this.#onHide(), { signal });
    this.#showUnread();
    signal.addEventListener('abort', () => signals.close());
    this.#show();
    byId('stage', HTMLElement).focus();
  }

  async leave() {
    this.#close();
    this.#own.stop();
    await this.#room.leave();
    this.#onEnd();
  }

  /** The others need not wait to see whether it comes back: if it does, it comes anew. */
  #onHide() {
    const { isOn, tracks } = this.#own;
    const [mic, cam] = [isOn.mic && Boolean(tracks.mic), isOn.cam && Boolean(tracks.cam)];
    keepStay({ room: this.#room.name, mic, cam });
    this.#room.leave();
  }

  #close() {
    this.#end.abort();
    byId('room', HTMLElement).hidden = true;
    ['server', 'token', 'media', 'many', 'hear'].forEach(clearStrip);
  }

  #watchOwn() {
    const { signal } = this.#end;
    const tile = this.#stage.add('self', 'self');
    const show = () => {
      tile.setName(ownNameOf(this.#room.self));
      tile.setHand(isRaised(this.#room.self));
      const { cam, mic } = this.#own.tracks;
      if (cam !== (tile.track ?? null)) {
        tile.play(cam && new MediaStream([cam]));
      }
      tile.showPicture(Boolean(cam));
      tile.mirror(this.#own.side !== 'environment');
      tile.setMuted(!mic || !this.#own.isOn.mic);
      this.#show();
    };
    this.#own.addEventListener('change', show, { signal });
    this.#room.on('self', show, { signal });
    this.#outgoing.addEventListener('change', () => this.#showOwnScreen(), { signal });
    show();
  }

  #showOwnScreen() {
    const { screen } = this.#outgoing;
    this.#stage.remove('self-screen');
    if (screen) {
      const tile = this.#stage.add('self-screen', 'self-screen');
      tile.setName({ key: 'screen.own', params: {}, plain: '' });
      tile.play(screen);
      tile.showPicture(true);
    }
  }

  #watchRoom() {
    const { signal } = this.#end;
    const room = this.#room;
    room.on('peer', ({ peer }) => {
      this.#add(peer);
      announce('room.joined', { name: wordsOf(nameOf(peer)) });
      this.#show();
    }, { signal });
    room.on('leave', ({ peer, reason }) => {
      this.#peers.remove(peer);
      announce(LEFT[reason] ?? 'room.lost', { name: wordsOf(nameOf(peer)) });
      this.#show();
    }, { signal });
    room.on('update', () => this.#show(), { signal });
    watchHands(room, (peer) => {
      announce('hand.raised', { name: wordsOf(nameOf(peer)) });
      this.#note('said');
    }, signal);
    room.on('track', () => this.#show(), { signal });
    room.on('error', ({ code }) => {
      if (code !== 'unknown-peer') { // who left in this moment
        announce('strip.refused', { code });
      }
    }, { signal });
    room.on('state', ({ state, error }) => {
      if (state === 'closed') {
        this.#close();
        this.#own.stop();
        this.#onEnd(error);
      } else {
        this.#show(); // what one may can have changed
      }
    }, { signal });
  }

  /** @param {Peer} peer */
  #add(peer) {
    this.#peers.add(peer);
    this.#files.watch(peer);
    peer.on('state', () => this.#show(), { signal: this.#end.signal });
  }

  #show() {
    this.#peers.show();
    this.#own.setLines(this.#room.peers.size === 1 ? LARGE : SMALL);
    showPeople(this.#room, this.#own, {
      sendFile: (peer) => {
        this.#drawer.open('chat');
        this.#files.pick([peer]);
      },
      remove: (peer) => askToRemove(this.#room, peer),
      rename: () => this.#settings.rename(),
    });
    const cams = [...this.#room.peers.values()].filter(({ sources }) => sources.cam).length
      + Number(Boolean(this.#own.tracks.cam));
    if (cams > MANY && !this.#hasWarned) {
      this.#hasWarned = true;
      const way = { key: 'strip.dismiss', act: () => clearStrip('many') };
      showStrip('many', 'strip.many', { way });
    }
    if (cams <= MANY) {
      clearStrip('many');
    }
  }

  /** @returns {boolean} whether the chat is looked at */
  #onChat() {
    const isSeen = this.#drawer.isOpen && this.#drawer.tab === 'chat';
    this.#note('said');
    this.#unread = isSeen ? 0 : this.#unread + 1;
    this.#showUnread();
    return isSeen;
  }

  /** @param {import('./signals.js').Signals} signals */
  #onDrawer(signals) {
    if (this.#drawer.isOpen && this.#drawer.tab === 'chat') {
      this.#unread = 0;
      this.#showUnread();
      clearStatus();
    }
    if (this.#drawer.isOpen && this.#drawer.tab === 'signals') {
      signals.show(this.#room);
    }
  }

  #showUnread() {
    const badge = byId('unread', HTMLElement);
    badge.hidden = !this.#unread;
    badge.textContent = String(this.#unread);
    sayIn(byId('open-chat', HTMLElement), 'aria-label', this.#unread ? 'chat.unread' : 'chat', {
      count: this.#unread,
    });
  }
}
