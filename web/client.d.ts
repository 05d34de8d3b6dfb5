/// <reference lib="esnext.disposable" />
/*
 * The nakodo client: rooms over nakodo.v1 (docs/protocols/nakodo.v1.md) and the RTCPeerConnections
 * between their members. No dependency, no DOM; the signaling half also runs in Node 22 and workers.
 *
 *     import { connect } from 'https://HOST/client.js';
 *     const room = await connect('wss://HOST').join('asakai', { name: 'Hana', stream });
 *     room.on('track', ({ peer, stream }) => { video.srcObject = stream; });
 */

/** Why something failed: `error` codes of nakodo.v1, or one of the client's own. */
export type SignalErrorCode =
  | 'bad-json' | 'bad-message' | 'not-text' | 'unknown-peer' | 'peer-busy' | 'bad-room' | 'unauthorized'
  | 'forbidden' | 'kicked' | 'not-admitted' | 'room-full' | 'room-locked' | 'unavailable'
  /** The server's other refusals and closes. */
  | 'too-large' | 'replaced' | 'refused'
  /** The server has no rooms at this path (404). */
  | 'not-found'
  /** The server has forgotten the session that a message was said in. */
  | 'lost'
  /** 1000 messages wait already for the server to come back. */
  | 'unreachable'
  /** The room was left, or the message would not fit `limits.message`. */
  | 'closed' | 'message-too-large';

export class SignalError extends Error {
  readonly name: 'SignalError';
  readonly code: SignalErrorCode;
  /** The close code of the WebSocket, if there was one. */
  readonly closeCode?: number;
  constructor(code: SignalErrorCode, message?: string, closeCode?: number);
}

/** Anything that JSON can carry. Messages of your own kind: `client.join<MyMessage>(name)`. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Where a session is kept over a reload: `sessionStorage` fits. */
export interface SessionStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Of the server's administrator, if it asks for one; a function is asked whenever the server asks: at each connect,
 *  and in time before the token expires. It never stands in a URL. A join rejects with what the function throws;
 *  who was inside tries again. */
export type Token = string | (() => string | Promise<string>);

export interface ConnectOptions {
  token?: Token;
  /** Aborting it leaves every room; a pending join rejects with its reason. */
  signal?: AbortSignal;
  /** Default: the global one. Node 22 has it; older ones take the class of the package `ws`. */
  WebSocket?: typeof WebSocket;
  /** Default: the global one. Without any the room is signaling only. */
  RTCPeerConnection?: typeof RTCPeerConnection;
  /** Default: none, and then a reload is a new participant until the old one times out. One place for
   *  each room: of two joins of a room only the first uses it (two clients: give it to one of them). */
  storage?: SessionStore;
}

/** url: ws(s):// or http(s):// of the server, default the page's own; its path is kept (`/v1` if none). */
export function connect(url?: string | URL, options?: ConnectOptions): Client;

type Listener<E> = (event: E) => void;
type EventListenerOf<E> = Listener<CustomEvent<E>> | EventListenerObject | null;
interface Listening { signal?: AbortSignal; once?: boolean }

/** An EventTarget whose events are CustomEvents; `on` hands over their `detail` and returns the way back. */
export interface Emitter<Events> extends EventTarget {
  on<K extends keyof Events & string>(type: K, listener: Listener<Events[K]>, options?: Listening): () => void;
  addEventListener<K extends keyof Events & string>(
    type: K, listener: EventListenerOf<Events[K]>, options?: AddEventListenerOptions | boolean,
  ): void;
  addEventListener(
    type: string, listener: EventListenerOrEventListenerObject | null, options?: AddEventListenerOptions | boolean,
  ): void;
  removeEventListener<K extends keyof Events & string>(
    type: K, listener: EventListenerOf<Events[K]>, options?: EventListenerOptions | boolean,
  ): void;
  removeEventListener(
    type: string, listener: EventListenerOrEventListenerObject | null, options?: EventListenerOptions | boolean,
  ): void;
}

export interface Client extends Emitter<ClientEvents> {
  readonly url: string;
  join<Message = Json>(room: string, options?: JoinOptions): Promise<Room<Message>>;
  /** Leaves every room; resolves when all sockets are closed. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface ClientEvents {
  /** Every message on the wire and every change of a connection, as it happens. */
  trace: Trace;
}

export interface JoinOptions {
  name?: string;
  /** An object of at most the server's `max-meta`, shown to the others. */
  meta?: { [name: string]: Json };
  /** Published as `mic` and `cam` before the first offer. */
  stream?: MediaStream;
  /** Default: that of `connect()`. */
  token?: Token;
  /** Take the place of the session of this page before a reload, if `storage` has one. Default true. */
  resume?: boolean;
  /** Aborting it gives up joining, with its reason; once inside it means nothing. Without a signal
   *  a join tries for ever. */
  signal?: AbortSignal;
  /** Merged over what the server says; its iceServers are used unless given here. */
  rtc?: RTCConfiguration;
  /** `vanilla`: candidates are collected first and sent inside the SDP. Default `trickle`. */
  ice?: 'trickle' | 'vanilla';
}

/** `reconnecting`: the connection to the server is lost; calls go on, messages wait. */
export type RoomState = 'open' | 'reconnecting' | 'closed';
/** What a track is for; the other side is told. `screen-audio`: what a shared tab sounds like. Or a name of
 *  your own: 1 to 32 letters, digits and `-`. */
export type Source = 'mic' | 'cam' | 'screen' | 'screen-audio' | (string & {});

/** How a track is sent. */
export interface Sending {
  /** To each peer, in bit/s. Default: 1.2 Mb/s for a picture, or less to many; a sound is not held. */
  maxBitrate?: number;
  /** Which are preferred, the best first, such as `video/VP9`. Those that a browser lacks are passed over, and
   *  all others come after them. */
  codecs?: readonly string[];
}

export interface Room<Message = Json> extends Emitter<RoomEvents<Message>> {
  /** The room's name. */
  readonly name: string;
  /** Name and meta are those that the server has accepted. */
  readonly self: { readonly id: string; readonly name?: string; readonly meta?: { [name: string]: Json } };
  readonly peers: ReadonlyMap<string, Peer>;
  readonly state: RoomState;
  readonly limits: { readonly message: number; readonly peers: number };
  /** What was said before: the server's last messages, oldest first. */
  readonly history: readonly Chat[];
  /** Nobody new comes in. */
  readonly locked: boolean;
  /** What the server lets us do: `lock` everybody inside, or with tokens only moderators; `kick` only these. */
  readonly can: readonly Right[];
  /** Through the server: needs no peer connection, and waits while reconnecting. What can be known
   *  at once is thrown at once: `closed`, `message-too-large`, `unreachable`, a TypeError. The promise
   *  resolves when the server has it (within about a second, if it is there), and rejects with its refusal,
   *  which comes as `error`, too, so nobody must wait for it. `lost`: nobody knows whether it arrived. */
  send(data: Message, options?: { to?: string }): Promise<void>;
  /** The same. */
  chat(text: string, options?: { to?: string }): Promise<void>;
  /** The same; `self` is changed, and its event comes, when the server has accepted it. */
  update(change: { name?: string; meta?: { [name: string]: Json } }): Promise<void>;
  /** The same; nobody new comes in (`room-locked`), who is inside may come back. Rejects with `forbidden`. */
  lock(locked: boolean): Promise<void>;
  /** The same; that one is removed, and its room ends with `kicked`. Rejects with `forbidden` or `unknown-peer`. */
  kick(peer: Peer): Promise<void>;
  /** Sends a track to everybody, those who come later included. One for each source: another
   *  takes its place, also the same track with another `maxBitrate` or other `codecs`. `mic` and `cam` arrive in one
   *  stream, `screen` and `screen-audio` in another, any other in its own. Tracks are never stopped: that is for
   *  whoever opened them. Throws a TypeError for a track that cannot be that, or what is no name, bit rate or
   *  codec; a RangeError for more than 16 sources at a time. */
  publish(track: MediaStreamTrack, options: { as: Source } & Sending): Publication;
  /** Sends `bye`, closes everything, resolves when the socket is closed. While `reconnecting` no `bye`
   *  gets through: the place is left to time out, or to the next join if there is a `storage`. */
  leave(): Promise<void>;
  /** For a debugger: cuts the connection to the server without a goodbye; it comes back by itself. */
  dropSignaling(): void;
}

export interface Publication {
  readonly source: Source;
  readonly track: MediaStreamTrack | null;
  /** No renegotiation. null: nothing is sent until the next replace (a camera that is off). Rejects
   *  with a TypeError for a track of the other kind, and when a connection cannot take it. */
  replace(track: MediaStreamTrack | null): Promise<void>;
  stop(): void;
}

export type Right = 'lock' | 'kick';

export interface Chat { from: string; name?: string; at: number; text: string; to?: string }

interface RoomEvents<Message = Json> {
  /** Somebody came (those who were there first are in `peers`, without an event). */
  peer: { peer: Peer };
  leave: { peer: Peer; reason: 'bye' | 'gone' | 'kicked' | 'lost' };
  /** The server has forgotten everybody, and the connection outlived that: this one is in the room again,
   *  the same object with the same `pc` and streams, under a new id. */
  again: { peer: Peer; oldId: string };
  /** Name, meta, away or sources changed. */
  update: { peer: Peer };
  /** The server has accepted an `update()`, or a fresh token: what one `can` may be something else. */
  self: Room['self'];
  /** The room was locked or opened: `by` us or a peer, or an administrator, or while we were not there. */
  lock: { locked: boolean; by?: string };
  message: { from: string; peer?: Peer; data: Message };
  chat: Chat;
  /** A remote track of a peer; also after a rebuild, in a new stream. */
  track: { peer: Peer; track: MediaStreamTrack; stream: MediaStream; as: Source };
  state: { state: RoomState; error?: SignalError; /** The server is back without our session: ids are new. Who is in `peers` then is `away` until `again`. */ fresh?: boolean };
  /** The server is about to close on purpose. Seconds until we come back. */
  closing: { reason: string; retryAfter: number };
  /** A message of ours was refused; nothing ends by it. */
  error: SignalError;
}

/** `interrupted`: was connected, is being repaired. */
export type PeerState = 'connecting' | 'connected' | 'interrupted' | 'gone';

export interface Peer extends Emitter<PeerEvents> {
  /** As the server calls it; another one after `again`. What belongs to a peer goes by the object. */
  readonly id: string;
  readonly name?: string;
  /** Who its token says that it is; nobody can make that up. */
  readonly user?: string;
  readonly meta?: { [name: string]: Json };
  /** Its connection to the server is lost; media may still flow. */
  readonly away: boolean;
  readonly state: PeerState;
  /** Escape hatch; another object after a rebuild. null: no connection was begun yet. */
  readonly pc: RTCPeerConnection | null;
  /** `cam` is that of `mic` and `cam`, `screen` that of `screen` and `screen-audio`; others go by the source. */
  readonly streams: Readonly<Partial<Record<'cam' | 'screen' | (string & {}), MediaStream>>>;
  /** What it says of its sources: a `cam` that is false is switched off, not broken. */
  readonly sources: Readonly<Partial<Record<Source, boolean>>>;
  /** A new channel of `pc`, gone with it: open another after a rebuild (`state` tells). Throws `closed`
   *  where there is no `pc`. */
  channel(label: string, init?: RTCDataChannelInit): RTCDataChannel;
  /** Over a data channel of its own, in order; resolves when it is in the channel's buffer, which
   *  is kept below 1 MiB. What is in the buffer when a connection breaks is lost. To who has no WebRTC it waits
   *  until that peer leaves, and then rejects with `closed`. Anything else rejects with a TypeError. */
  send(data: string | ArrayBuffer | ArrayBufferView): Promise<void>;
  /** Rates are since the last call. Rejects with `closed` while there is no `pc`. */
  stats(): Promise<PeerStats>;
  /** For a debugger: what the recovery would do by itself. */
  restart(): void;
  rebuild(): void;
}

interface PeerEvents {
  /** `sources` changed. */
  update: undefined;
  state: { state: PeerState };
  track: { track: MediaStreamTrack; stream: MediaStream; as: Source };
  data: { data: string | ArrayBuffer };
  /** A channel that the other side opened with `channel()`. */
  channel: { channel: RTCDataChannel };
}

export interface PeerStats {
  /** null: not known yet. */
  rttMs: number | null;
  lossPct: number | null;
  kbpsIn: number;
  kbpsOut: number;
  path: 'host' | 'srflx' | 'prflx' | 'relay' | null;
  /** Video frames decoded since the last call, per second. */
  fps: number;
}

export interface Trace {
  /** ms since the epoch */
  t: number;
  dir: 'in' | 'out' | 'state';
  /** The message's type; for `state` one of: socket, signaling, gathering, ice, connection, recovery. */
  type: string;
  /** The room that it belongs to. */
  room: string;
  /** A peer's id; absent: the server. */
  from?: string;
  to?: string;
  bytes?: number;
  /** A line for a person. */
  summary: string;
  /** The message as it went over the wire. */
  raw?: string;
}
