/*
 * options_table: owns the rows. Groups appear in --help, in --print-config and in the man page in
 * this order.
 */
#include "options_table.h"

#include "nakodo/config.h"
#include "options_check.h"
#include "options_number.h"

#define FIELD(field) .offset = offsetof(struct options, field)
#define FIXED(field) FIELD(field), .fixed = true

/* In the order of the enums in options.h. */
static const char *const auths[] = {"none", "token", NULL};
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"auto", "text", "json", "journal", NULL};

const struct option_row options_table[] = {
	{
		.group = "Listening",
		.name = "listen",
		.placeholder = "WHERE",
		.type = OPTION_LIST,
		FIELD(listen),
		.standard = "localhost:3000",
		.check = options_check_listen,
		.help = "Accept connections at HOST:PORT, tls:HOST:PORT, proxy:HOST:PORT (each "
			"connection begins with a PROXY protocol header), unix:PATH, or systemd "
			"(the sockets of a socket unit; ?name= takes those of one name). HOST is a "
			"name, an IPv4 address, an IPv6 address in brackets, or * for every "
			"address; localhost is both families. WebSocket and HTTP share the port; "
			"a tls: port sends plain HTTP to https. ?origin=, ?dialect= and ?auth= "
			"behind it, joined by &, set these for one listener; ?metrics adds "
			"/metrics for Prometheus and opens /status, off loopback for tokens with "
			"admin.",
	},
	{
		.name = "trusted-proxy",
		.placeholder = "ADDRESS[/BITS]|unix",
		.type = OPTION_LIST,
		FIELD(trusted_proxy),
		.standard = "",
		.check = options_check_trusted_proxy,
		.help = "A reverse proxy to believe: a connection from there counts as one from "
			"the last address in its X-Forwarded-For that is not a trusted proxy "
			"itself, and a request without that header is refused. unix is whoever "
			"connects to a unix: listener. A proxy: listener that other machines reach "
			"needs this, and takes connections from nobody else.",
	},
	{
		.name = "tls-cert",
		.placeholder = "FILE",
		.type = OPTION_TEXT,
		FIELD(tls_cert),
		.standard = "",
		.help = "The certificate and its chain for tls: listeners, in PEM.",
	},
	{
		.name = "tls-key",
		.placeholder = "FILE",
		.type = OPTION_TEXT,
		FIELD(tls_key),
		.standard = "",
		.help = "The private key that belongs to tls-cert, in PEM, which not everybody may "
			"read.",
	},
	{
		.name = "tls-self-signed",
		.placeholder = "DIR",
		.type = OPTION_TEXT,
		FIELD(tls_self_signed),
		.standard = "",
		.help = "For a local network, in place of tls-cert and tls-key: keep a certificate "
			"authority for this machine in DIR, made at the first start, and a "
			"certificate by it for localhost, this machine's name and its private "
			"addresses, made anew when these change. /trust tells how devices come to "
			"trust it. A certificate of your own in DIR is used as it is.",
	},
	{
		.group = "Pages and protocols",
		.name = "web-root",
		.placeholder = "DIR",
		.type = OPTION_TEXT,
		FIELD(web_root),
		.standard = NAKODO_WEB_ROOT,
		.help = "The directory of the pages that are served.",
	},
	{
		.name = "mount",
		.placeholder = "PATH=DIALECT",
		.type = OPTION_TABLE,
		FIELD(mount),
		.standard = "/=signal /relay=relay /chat=chat /ws=chat /echo=echo "
			    "/video_chat/signaling=named-room "
			    "/gst=gstreamer /signaling=ayame /libdatachannel=libdatachannel "
			    "/matchbox=matchbox /peerjs=peerjs "
			    "/pixel-streaming=pixel-streaming /v1=nakodo.v1 "
			    "/webtorrent=webtorrent /y-webrtc=y-webrtc",
		.check = options_check_mount,
		.help = "Speak DIALECT with clients that connect to PATH. Entries are added to the "
			"default ones, the same path replaces, PATH=off removes. Parameters go "
			"behind the dialect, as in /others=relay?frames=binary.",
	},
	{
		.name = "subprotocol",
		.placeholder = "NAME",
		.type = OPTION_LIST,
		FIXED(subprotocol),
		.standard = "",
		.check = options_check_subprotocol,
		.help = "A WebSocket subprotocol that the dialects signal, relay, chat, echo and "
			"named-room answer. The first known one that a client offers is selected; "
			"a client that offers only others is refused.",
	},
	{
		.name = "ice-server",
		.placeholder = "SERVER",
		.type = OPTION_LIST,
		FIELD(ice_server),
		.standard = "",
		.check = options_check_ice_server,
		.secret = true,
		.help = "A server that pages are told to find their way through NAT with: "
			"stun:HOST[:PORT] or turn:HOST[:PORT][?transport=udp|tcp]|USER|PASSWORD, "
			"with stuns: or turns: for TLS. Pages of the same host read them from "
			"/ice.json.",
	},
	{
		.name = "turn-server",
		.placeholder = "URL",
		.type = OPTION_LIST,
		FIELD(turn_server),
		.standard = "",
		.check = options_check_turn_server,
		.help = "A TURN server that shares turn-secret with this daemon: "
			"turn:HOST[:PORT][?transport=udp|tcp], or turns: for TLS. Each peer is "
			"told a name and a password of its own, which expire.",
	},
	{
		.name = "turn-secret",
		.placeholder = "FILE",
		.type = OPTION_TEXT,
		FIELD(turn_secret),
		.standard = "",
		.help = "The file with that secret (coturn: use-auth-secret, static-auth-secret), "
			"which not everybody may read. Of several lines the first is used.",
	},
	{
		.name = "turn-ttl",
		.placeholder = "TIME",
		.type = OPTION_SECONDS,
		FIELD(turn_ttl),
		.standard = "1h",
		.min = 1,
		.max = 86400,
		.help = "How long these names let a peer begin to relay. Participants of nakodo.v1 "
			"are told new ones after three quarters of it.",
	},
	{
		.group = "Who may come in",
		.name = "origin",
		.placeholder = "ORIGIN",
		.type = OPTION_LIST,
		FIELD(origin),
		.standard = "same-host",
		.check = options_check_origin,
		.help = "From which pages browsers may connect: same-host (this server's own, by "
			"scheme, name and port, or on a loopback listener by name alone; and "
			"clients that are no browsers), null (pages opened from disk), an exact "
			"origin such as https://example.org, or any.",
	},
	{
		.name = "server-name",
		.placeholder = "NAME",
		.type = OPTION_LIST,
		FIELD(server_name),
		.standard = "",
		.check = options_check_server_name,
		.help = "A host name of this server. Loopback listeners answer to no other but "
			"localhost; elsewhere its pages may connect and read private files under "
			"these names, IP addresses, the machine's names and the certificate's. "
			"Others are refused against DNS rebinding.",
	},
	{
		.name = "auth",
		.placeholder = "WHAT",
		.type = OPTION_CHOICE,
		FIELD(auth),
		.standard = "none",
		.choices = auths,
		.help = "What a client has to show: none, or a token, a JWT that is signed with "
			"one of the keys below and names the room. It stands in ?token= or in "
			"Authorization: Bearer; with Ayame it may be the signalingKey. A mount for "
			"which something else holds gets a listener of its own (?dialect=, "
			"?auth=).",
	},
	{
		.name = "auth-key",
		.placeholder = "KID:ALG:FILE",
		.type = OPTION_LIST,
		FIELD(auth_key),
		.standard = "",
		.help = "A key whose tokens are believed, and the only algorithm it is for: HS256, "
			"HS384, HS512 (FILE holds the secret), RS256, PS256, ES256 or EdDSA (FILE "
			"holds the public key in PEM). A secret that everybody may read is "
			"refused.",
	},
	{
		.name = "auth-jwks",
		.placeholder = "FILE",
		.type = OPTION_TEXT,
		FIELD(auth_jwks),
		.standard = "",
		.help = "More such keys, as a JWK set.",
	},
	{
		.name = "auth-issuer",
		.placeholder = "NAME",
		.type = OPTION_TEXT,
		FIELD(auth_issuer),
		.standard = "",
		.help = "The iss that tokens must have.",
	},
	{
		.name = "auth-audience",
		.placeholder = "NAME",
		.type = OPTION_TEXT,
		FIELD(auth_audience),
		.standard = "",
		.help = "The aud that tokens must have; without this, those that have one are "
			"refused.",
	},
	{
		.name = "auth-webhook",
		.placeholder = "URL",
		.type = OPTION_TEXT,
		FIELD(auth_webhook),
		.standard = "",
		.check = options_check_webhook,
		.secret = true,
		.help = "Who is asked by HTTP POST, signed, whether each newcomer may come in, and "
			"under which name and with which rights: http://HOST[:PORT]/PATH or "
			"https. Whom it does not let in, or for whom it does not answer within "
			"2 s, stays out. An ayame mount asks as Ayame does.",
	},
	{
		.group = "Who is told",
		.name = "event-webhook",
		.placeholder = "URL",
		.type = OPTION_TEXT,
		FIELD(event_webhook),
		.standard = "",
		.check = options_check_webhook,
		.secret = true,
		.help = "Where the daemon tells by HTTP POST who joins and leaves which room and "
			"when rooms open and close, signed: http://HOST[:PORT]/PATH or https. "
			"Nobody waits for it; what it does not take is told again, and the oldest "
			"given up.",
	},
	{
		.name = "webhook-secret",
		.placeholder = "FILE",
		.type = OPTION_TEXT,
		FIELD(webhook_secret),
		.standard = "",
		.help = "The file with the secret that webhooks are signed with, which not "
			"everybody may read. Of several lines the first is used. SIGHUP reads it "
			"anew.",
	},
	{
		.group = "Limits",
		.name = "max-message",
		.placeholder = "SIZE",
		.type = OPTION_SIZE,
		FIELD(max_message),
		.standard = "64KiB",
		.min = 1,
		.max = 16 * MIB,
		.help = "The longest message; a longer one closes the connection with 1009.",
	},
	{
		.name = "workers",
		.placeholder = "NUMBER",
		.type = OPTION_NUMBER,
		FIXED(workers),
		.standard = "1",
		.min = 0,
		.max = 64,
		.help = "How many processes serve; 0 is one for each processor. With more than "
			"one another process accepts the connections and passes each to the "
			"worker that has its room. What a room or a mount without rooms in its "
			"URL needs is one worker's.",
	},
	{
		.name = "cluster",
		.placeholder = "URL",
		.type = OPTION_TEXT,
		FIXED(cluster),
		.standard = "",
		.check = options_check_cluster,
		.secret = true,
		.help = "The Redis or Valkey by which several nodes serve as one: "
			"redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], rediss:// for TLS, "
			"redis+unix:///PATH or redis+sentinel://HOST,HOST/MASTER.",
	},
	{
		.name = "cluster-name",
		.placeholder = "NAME",
		.type = OPTION_TEXT,
		FIXED(cluster_name),
		.standard = "nakodo",
		.check = options_check_cluster_name,
		.help = "Which nodes belong together, of those with the same Redis.",
	},
	{
		.name = "cluster-durable",
		.type = OPTION_YES_NO,
		FIXED(cluster_durable),
		.standard = "yes",
		.help = "Record sessions of nakodo.v1 in Redis, so that they go on when their node "
			"is killed. What a client is sent waits for that.",
	},
	{
		.name = "cluster-listen",
		.placeholder = "ADDRESS:PORT",
		.type = OPTION_TEXT,
		FIXED(cluster_listen),
		.standard = "",
		.check = options_check_cluster_listen,
		.help = "Where other nodes bring connections to this one, in a network that only "
			"they reach. By default the address by which this machine reaches Redis, "
			"and a port that is free.",
	},
	{
		.name = "max-peers",
		.placeholder = "NUMBER",
		.type = OPTION_NUMBER,
		FIELD(max_peers),
		.standard = "10000",
		.min = 1,
		.max = 1000000,
		.help = "How many connections there may be at a time. It is lowered, with a "
			"warning, to what the limit of open files allows.",
	},
	{
		.name = "max-peers-per-room",
		.placeholder = "NUMBER",
		.type = OPTION_NUMBER,
		FIELD(max_peers_per_room),
		.standard = "256",
		.min = 2,
		.max = 1000000,
		.help = "How many peers there may be in one room.",
	},
	{
		.name = "max-peers-per-address",
		.placeholder = "NUMBER",
		.type = OPTION_NUMBER,
		FIELD(max_peers_per_address),
		.standard = "256",
		.max = 1000000,
		.help = "How many connections one IPv4 address or IPv6 /64 network may have at a "
			"time, and an IPv4 /24 or IPv6 /48 network eight times as many; 0 is no "
			"limit. Unix sockets have none, unless trusted-proxy has unix.",
	},
	{
		.name = "connect-rate",
		.placeholder = "NUMBER",
		.type = OPTION_NUMBER,
		FIELD(connect_rate),
		.standard = "100",
		.max = 1000000,
		.help = "How many connections per second one IPv4 address or IPv6 /64 network may "
			"make, with bursts of ten times as many; an IPv4 /24 or IPv6 /48 eight "
			"times that. What comes faster waits for its turn; 0 is no limit.",
	},
	{
		.name = "max-memory",
		.placeholder = "SIZE",
		.type = OPTION_SIZE,
		FIELD(max_memory),
		.standard = "0",
		.max = 1024 * GIB,
		.help = "How much may be held for all clients together; 0 is a quarter of what the "
			"machine or the control group has. Beyond it the addresses that hold most "
			"lose of it: participants who lost their connection, the oldest first, "
			"then the heaviest peers (4508); only then is nobody new let in.",
	},
	{
		.name = "message-rate",
		.placeholder = "NUMBER",
		.type = OPTION_NUMBER,
		FIELD(message_rate),
		.standard = "50",
		.max = 1000000,
		.help = "Messages per second of each peer, with bursts of four times as many; who "
			"sends "
			"more is read more slowly, 30 s of it close with 4429; 0 is no limit.",
	},
	{
		.name = "byte-rate",
		.placeholder = "SIZE",
		.type = OPTION_SIZE,
		FIELD(byte_rate),
		.standard = "1MiB",
		.max = GIB,
		.help = "The same in bytes; 0 is no limit.",
	},
	{
		.name = "send-queue",
		.placeholder = "SIZE",
		.type = OPTION_SIZE,
		FIELD(send_queue),
		.standard = "256KiB",
		.min = 4 * KIB,
		.max = GIB,
		.help = "How much may wait for one peer. Over half of it, its senders are read "
			"more slowly; over it, who reads too slowly is closed with 4508.",
	},
	{
		.group = "Rooms of nakodo.v1",
		.name = "room-peers",
		.placeholder = "NUMBER",
		.type = OPTION_NUMBER,
		FIELD(room_peers),
		.standard = "16",
		.min = 2,
		.max = 1000000,
		.help = "How many participants there may be in one room, those who lost their "
			"connection included.",
	},
	{
		.name = "rooms-max",
		.placeholder = "NUMBER",
		.type = OPTION_NUMBER,
		FIELD(rooms_max),
		.standard = "10000",
		.min = 1,
		.max = 1000000,
		.help = "How many rooms there may be at a time.",
	},
	{
		.name = "room-history",
		.placeholder = "NUMBER",
		.type = OPTION_NUMBER,
		FIELD(room_history),
		.standard = "50",
		.max = 1000,
		.help = "How many chat messages, of 64 KiB altogether, a room keeps for those who "
			"come later.",
	},
	{
		.name = "max-meta",
		.placeholder = "SIZE",
		.type = OPTION_SIZE,
		FIELD(max_meta),
		.standard = "4KiB",
		.min = 2,
		.max = 64 * KIB,
		.help = "The longest object with which a participant may describe itself.",
	},
	{
		.name = "resume-seconds",
		.placeholder = "TIME",
		.type = OPTION_SECONDS,
		FIELD(resume_seconds),
		.standard = "30s",
		.min = 1,
		.max = 3600,
		.help = "How long a participant may take to come back after a lost connection.",
	},
	{
		.name = "resume-messages",
		.placeholder = "NUMBER",
		.type = OPTION_NUMBER,
		FIELD(resume_messages),
		.standard = "1024",
		.min = 16,
		.max = 65536,
		.help = "How many messages are kept until a participant says that it has them.",
	},
	{
		.name = "resume-bytes",
		.placeholder = "SIZE",
		.type = OPTION_SIZE,
		FIELD(resume_bytes),
		.standard = "1MiB",
		.min = 8 * KIB,
		.max = 2 * GIB,
		.help = "How much is kept so; at least twice send-queue.",
	},
	{
		.name = "state-dir",
		.placeholder = "DIR",
		.type = OPTION_TEXT,
		FIXED(state_dir),
		.standard = "",
		.help = "Keep rooms and participants over a restart in a file in DIR, which is "
			"deleted when it has been read. Without DIR systemd keeps them, if it has "
			"started the daemon.",
	},
	{
		.group = "Times",
		.name = "ping-interval",
		.placeholder = "TIME",
		.type = OPTION_SECONDS,
		FIELD(ping_interval),
		.standard = "25s",
		.min = 1,
		.max = 3600,
		.help = "How long a peer may be silent before it is sent a ping.",
	},
	{
		.name = "ping-timeout",
		.placeholder = "TIME",
		.type = OPTION_SECONDS,
		FIELD(ping_timeout),
		.standard = "10s",
		.min = 1,
		.max = 600,
		.help = "How long a peer has to answer a ping before its connection is ended.",
	},
	{
		.name = "slow-seconds",
		.placeholder = "TIME",
		.type = OPTION_SECONDS,
		FIELD(slow_seconds),
		.standard = "10s",
		.min = 1,
		.max = 3600,
		.help = "How long a peer may take nothing of what waits for it.",
	},
	{
		.name = "handshake-timeout",
		.placeholder = "TIME",
		.type = OPTION_SECONDS,
		FIXED(handshake_timeout),
		.standard = "5s",
		.min = 1,
		.max = 60,
		.help = "How long a new connection has to say what it wants, TLS included.",
	},
	{
		.name = "drain-seconds",
		.placeholder = "TIME",
		.type = OPTION_SECONDS,
		FIELD(drain_seconds),
		.standard = "5s",
		.max = 600,
		.help = "Over how long the peers are sent away after SIGTERM, so that they do not "
			"all come back at once.",
	},
	{
		.group = "Control",
		.name = "ctl",
		.placeholder = "PATH",
		.type = OPTION_TEXT,
		FIXED(ctl),
		.standard = "",
		.check = options_check_ctl,
		.help = "Answer `nakodo ctl` at a unix socket PATH, which only the daemon's user "
			"and group may use. It looks for /run/nakodo/ctl by itself.",
	},
	{
		.group = "Log",
		.name = "log-level",
		.placeholder = "LEVEL",
		.type = OPTION_CHOICE,
		FIELD(log_level),
		.standard = "info",
		.choices = log_levels,
		.help = "How much is logged.",
	},
	{
		.name = "log-format",
		.placeholder = "FORMAT",
		.type = OPTION_CHOICE,
		FIELD(log_format),
		.standard = "auto",
		.choices = log_formats,
		.help = "How a line looks. auto is journal under systemd and text elsewhere.",
	},
	{
		.name = "log-file",
		.placeholder = "FILE",
		.type = OPTION_TEXT,
		FIELD(log_file),
		.standard = "",
		.help = "Where lines are appended; unset is the standard error. SIGHUP reopens it, "
			"whatever else is wrong.",
	},
	{
		.name = "show-messages",
		.type = OPTION_YES_NO,
		FIELD(show_messages),
		.standard = "no",
		.help = "For learning and debugging: print each connection and each message, cut "
			"at 200 bytes. Only when every listener is loopback.",
	},
	{.name = NULL},
};
