/* meter: owns the values and the table of their names. */
#include "nakodo/base/meter.h"

#include <stdbool.h>
#include <string.h>

#define REFUSED "refused_"

static uint64_t own_values[METER_COUNT];
uint64_t *meter_values = own_values;

const struct meter_row meter_rows[METER_COUNT] = {
	[METER_CONNECTIONS] = {"connections", "Accepted connections that are open.", METER_GAUGE},
	[METER_PEERS] = {"peers", "WebSocket peers that are open.", METER_GAUGE},
	[METER_PLACES_KEPT] = {"places_kept",
		"Places of max-peers kept for those who lost their connection.", METER_GAUGE},
	[METER_MEMORY_SHORT] = {"memory_short",
		"Processes that let nobody new in, since they hold too much.", METER_GAUGE},
	[METER_ROOMS] = {"rooms", "Rooms that somebody is in, or that are kept for somebody.",
		METER_GAUGE},
	[METER_V1_ROOMS] = {"v1_rooms", "Those of them that are of nakodo.v1.", METER_GAUGE},
	[METER_CLUSTER_REDIS] = {"cluster_redis", "1 while Redis is there.", METER_GAUGE},
	[METER_CLUSTER_CUT_OFF] = {"cluster_cut_off",
		"1 while Redis has been away for a minute or more.", METER_GAUGE},
	[METER_CLUSTER_UNITS] = {"cluster_units", "Rooms and mounts that are this node's.",
		METER_GAUGE},
	[METER_SWARMS] = {"swarms", "Torrents of webtorrent that somebody takes part in.",
		METER_GAUGE},
	[METER_SWARM_MEMBERS] = {"swarm_members", "Members of these, each in each torrent.",
		METER_GAUGE},
	[METER_HANDSHAKES_QUEUED] = {"handshakes_queued",
		"New connections and requests that wait for their turn.", METER_GAUGE},
	[METER_MEMORY_CONNECTIONS] = {"memory_connections", "Bytes held for connections as such.",
		METER_GAUGE},
	[METER_MEMORY_FRAMES] = {"memory_frames",
		"Bytes of frames that wait to be sent or are kept for a session.", METER_GAUGE},
	[METER_MEMORY_RECEIVED] = {"memory_received",
		"Bytes of messages that came in part or are not due yet.", METER_GAUGE},
	[METER_MEMORY_ROOMS] = {"memory_rooms",
		"Bytes of members, sessions, chat and queues of rooms.", METER_GAUGE},
	[METER_MEMORY_ANSWERS] = {"memory_answers",
		"Bytes of HTTP answers that slow clients have not taken yet.", METER_GAUGE},
	[METER_MEMORY_EVENTS] = {"memory_events",
		"Bytes of events that event-webhook has not been told yet, of questions to "
		"auth-webhook and of its answers.",
		METER_GAUGE},
	[METER_EVENTS_WAITING] = {"events_waiting",
		"Events that event-webhook has not been told yet.", METER_GAUGE},
	[METER_ADMISSIONS_WAITING] = {"admissions_waiting",
		"Newcomers for whom auth-webhook has not answered yet.", METER_GAUGE},
	[METER_ACCEPTED] = {"accepted", "Connections that were accepted.", METER_COUNTER},
	[METER_ANSWERS_LATE] = {"answers_late",
		"HTTP answers, or pieces of large files, that were not taken within a minute.",
		METER_COUNTER},
	[METER_FILES_BROKEN_OFF] = {"files_broken_off",
		"Large files that ended early because their client sent on, or ended its side.",
		METER_COUNTER},
	[METER_FILES_REFUSED] = {"files_refused",
		"Large files that were not sent because too many were on their way.",
		METER_COUNTER},
	[METER_ACCEPT_PAUSED] = {"accept_paused",
		"Times that accepting paused for want of descriptors.", METER_COUNTER},
	[METER_LISTENERS_BROKEN] = {"listeners_broken",
		"Listening sockets that broke and were opened again.", METER_COUNTER},
	[METER_ACCEPT_CAPPED] = {"accept_capped",
		"Connections closed because their address has too many.", METER_COUNTER},
	[METER_FLOODS] = {"floods", "Peers closed for what no rate counts: pings and empty frames.",
		METER_COUNTER},
	[METER_SENT_ON] = {"sent_on",
		"Connections ended at once since they sent on after their close frame.",
		METER_COUNTER},
	[METER_TLS_MESSAGES] = {"tls_messages",
		"Connections ended for their many key updates or renegotiations of TLS.",
		METER_COUNTER},
	[METER_WORKERS_ENDED] = {"workers_ended",
		"Processes of several that ended unasked and were started again.", METER_COUNTER},
	[METER_CLUSTER_CLAIMS] = {"cluster_claims",
		"Times that Redis was asked whose a room or a mount is.", METER_COUNTER},
	[METER_CLUSTER_RELAYED] = {"cluster_relayed",
		"Connections that were passed to another node.", METER_COUNTER},
	[METER_CLUSTER_GUESTS] = {"cluster_guests", "Connections that came by another node.",
		METER_COUNTER},
	[METER_CLUSTER_UNREACHABLE] = {"cluster_unreachable",
		"Connections answered with 503 since the node of their room could not be reached.",
		METER_COUNTER},
	[METER_CLUSTER_STRANGERS] = {"cluster_strangers",
		"Connections to cluster-listen that were not those of a node.", METER_COUNTER},
	[METER_CLUSTER_LOST] = {"cluster_lost",
		"Rooms and mounts that another node had taken meanwhile.", METER_COUNTER},
	[METER_CLUSTER_RECORDED] = {"cluster_recorded",
		"Times that Redis has recorded what had changed in a room.", METER_COUNTER},
	[METER_CLUSTER_RESTORED] = {"cluster_restored",
		"Rooms that were given to this node with what Redis had recorded of them.",
		METER_COUNTER},
	[METER_HANDSHAKES_GAVE_WAY] = {"handshakes_gave_way",
		"Connections ended since they did not go on while others of their network waited.",
		METER_COUNTER},
	[METER_QR_DRAWN] = {"qr_drawn", "QR codes that were drawn, not taken from the cache.",
		METER_COUNTER},
	[METER_QR_REFUSED] = {"qr_refused",
		"QR codes that were not drawn since too many were due at once.", METER_COUNTER},
	[METER_ACCEPT_DELAYED] = {"accept_delayed",
		"Connections that waited for their turn by connect-rate.", METER_COUNTER},
	[METER_ACCEPT_TOO_OFTEN] = {"accept_too_often",
		"Connections closed since their turn by connect-rate was more than 10 s away.",
		METER_COUNTER},
	[METER_ACCEPT_UNTRUSTED] = {"accept_untrusted",
		"Connections to a proxy: listener that did not come from a trusted proxy.",
		METER_COUNTER},
	[METER_ACCEPT_LATE] = {"accept_late",
		"Connections that sent neither TLS nor a whole request within handshake-timeout.",
		METER_COUNTER},
	[METER_ACCEPT_BAD_HEADER] = {"accept_bad_header",
		"Connections without a valid PROXY protocol header where one is due.",
		METER_COUNTER},
	[METER_REFUSED] = {"refused", "Requests that were answered with a refusal.", METER_COUNTER},
	[METER_REFUSED_BAD_REQUEST] = {"refused_bad_request",
		"Refused: a request line that is none.", METER_COUNTER},
	[METER_REFUSED_BAD_HOST] = {"refused_bad_host",
		"Refused: a Host that is missing, malformed or not ours.", METER_COUNTER},
	[METER_REFUSED_BAD_PROXY] = {"refused_bad_proxy",
		"Refused: a trusted proxy that names no client.", METER_COUNTER},
	[METER_REFUSED_BAD_ORIGIN] = {"refused_bad_origin",
		"Refused: a page that may not connect or read.", METER_COUNTER},
	[METER_REFUSED_BAD_TARGET] = {"refused_bad_target",
		"Refused: a room that two workers read differently.", METER_COUNTER},
	[METER_REFUSED_NO_TOKEN] = {"refused_no_token", "Refused: no token where one is asked for.",
		METER_COUNTER},
	[METER_REFUSED_BAD_TOKEN] = {"refused_bad_token", "Refused: a token that is not good.",
		METER_COUNTER},
	[METER_REFUSED_NOT_GRANTED] = {"refused_not_granted",
		"Refused: a room that the token does not name.", METER_COUNTER},
	[METER_REFUSED_BAD_METHOD] = {"refused_bad_method",
		"Refused: a method that is not answered.", METER_COUNTER},
	[METER_REFUSED_BAD_HANDSHAKE] = {"refused_bad_handshake",
		"Refused: a WebSocket handshake without its headers.", METER_COUNTER},
	[METER_REFUSED_BAD_VERSION] = {"refused_bad_version",
		"Refused: a WebSocket version other than 13.", METER_COUNTER},
	[METER_REFUSED_BAD_SUBPROTOCOL] = {"refused_bad_subprotocol",
		"Refused: subprotocols of which none is known.", METER_COUNTER},
	[METER_REFUSED_BODY_REFUSED] = {"refused_body_refused", "Refused: a request with a body.",
		METER_COUNTER},
	[METER_REFUSED_TLS_REQUIRED] = {"refused_tls_required",
		"Refused: a WebSocket without TLS where TLS is due.", METER_COUNTER},
	[METER_REFUSED_NOT_FOUND] = {"refused_not_found", "Refused: a path where there is nothing.",
		METER_COUNTER},
	[METER_REFUSED_UPGRADE_REQUIRED] = {"refused_upgrade_required",
		"Refused: a plain request where WebSockets are spoken.", METER_COUNTER},
	[METER_REFUSED_TOO_FAST] = {"refused_too_fast",
		"Refused: an address that was sent too much.", METER_COUNTER},
	[METER_REFUSED_TOO_MANY_CONNECTS] = {"refused_too_many_connects",
		"Refused: connect-rate, behind a proxy.", METER_COUNTER},
	[METER_REFUSED_TOO_MANY_PEERS] = {"refused_too_many_peers",
		"Refused: max-peers-per-address.", METER_COUNTER},
	[METER_REFUSED_SERVER_FULL] = {"refused_server_full", "Refused: max-peers or max-memory.",
		METER_COUNTER},
	[METER_REFUSED_DRAINING] = {"refused_draining", "Refused: a server that is stopping.",
		METER_COUNTER},
	[METER_REFUSED_BUSY] = {"refused_busy", "Refused: too much that waits for slow clients.",
		METER_COUNTER},
	[METER_MESSAGES_IN] = {"messages_in", "Messages received from peers.", METER_COUNTER},
	[METER_BYTES_IN] = {"bytes_in", "Bytes of payload received from peers.", METER_COUNTER},
	[METER_MESSAGES_WRONG] = {"messages_wrong",
		"Messages that a dialect answered with an error.", METER_COUNTER},
	[METER_MESSAGES_PASSED_OVER] = {"messages_passed_over",
		"Messages of libdatachannel and pixel-streaming that go nowhere.", METER_COUNTER},
	[METER_MESSAGES_QUEUED] = {"messages_queued", "Frames queued for peers.", METER_COUNTER},
	[METER_MESSAGES_REFUSED] = {"messages_refused",
		"Frames that a peer's full queue did not take, which closes the peer.",
		METER_COUNTER},
	[METER_MESSAGES_OUT] = {"messages_out", "Frames handed to the kernel for peers.",
		METER_COUNTER},
	[METER_BYTES_OUT] = {"bytes_out", "Bytes of frames handed to the kernel for peers.",
		METER_COUNTER},
	[METER_MESSAGES_DROPPED] = {"messages_dropped",
		"Frames that were queued for a peer and never written.", METER_COUNTER},
	[METER_HELD] = {"held", "Times that a peer was left unread for its rate.", METER_COUNTER},
	[METER_HELD_FOR_READERS] = {"held_for_readers",
		"Times that a peer was left unread since too much waited for one it sends to.",
		METER_COUNTER},
	[METER_HELD_FOR_OTHERS] = {"held_for_others",
		"Times that a peer was left unread since its address had its time of a turn.",
		METER_COUNTER},
	[METER_READ_LATER] = {"read_later",
		"Reads by TLS that waited for a later turn of the loop, since their address had "
		"its time of this one.",
		METER_COUNTER},
	[METER_ADMITTED_LATER] = {"admitted_later",
		"Peers that waited for a later turn of the loop to be admitted, since their "
		"address "
		"had had its time.",
		METER_COUNTER},
	[METER_LEFT_LATER] = {"left_later",
		"Peers that left in a later turn of the loop than their connection ended, since "
		"their address had had its time.",
		METER_COUNTER},
	[METER_STALLED] = {"stalled", "Peers closed since they took nothing for slow-seconds.",
		METER_COUNTER},
	[METER_SEATS_YIELDED] = {"seats_yielded",
		"Seats of nakodo.v1 without a connection that gave way to a newcomer.",
		METER_COUNTER},
	[METER_PEER_BUSY] = {"peer_busy",
		"Messages of nakodo.v1 refused for one who is away and has enough waiting.",
		METER_COUNTER},
	[METER_LOCKED_OUT] = {"locked_out",
		"Newcomers of nakodo.v1 refused since the room was locked.", METER_COUNTER},
	[METER_MODERATION_REFUSED] = {"moderation_refused",
		"Locks and kicks of nakodo.v1 refused, since only a moderator may.", METER_COUNTER},
	[METER_KICKED] = {"kicked", "Participants of nakodo.v1 that a moderator removed.",
		METER_COUNTER},
	[METER_ENTRIES_YIELDED] = {"entries_yielded",
		"Entries of gstreamer's lists, and streamers, that gave way to a newcomer.",
		METER_COUNTER},
	[METER_ENTRIES_REFUSED] = {"entries_refused",
		"Producers and consumers of gstreamer, and streamers, for whom the list was full.",
		METER_COUNTER},
	[METER_PLAYERS_YIELDED] = {"players_yielded",
		"Players of a full streamer that gave way to a newcomer.", METER_COUNTER},
	[METER_PLAYERS_REFUSED] = {"players_refused", "Players for whom the streamer was full.",
		METER_COUNTER},
	[METER_TOPICS_YIELDED] = {"topics_yielded",
		"Subscribers of a y-webrtc topic that gave way to a newcomer.", METER_COUNTER},
	[METER_TOPICS_REFUSED] = {"topics_refused",
		"Subscriptions of y-webrtc to a topic that was full.", METER_COUNTER},
	[METER_SWARM_EXPIRED] = {"swarm_expired",
		"Members of swarms that did not announce themselves for too long.", METER_COUNTER},
	[METER_SWARM_REFUSED] = {"swarm_refused",
		"Messages of webtorrent that were answered with a failure reason.", METER_COUNTER},
	[METER_SWARM_OFFERS_REFUSED] = {"swarm_offers_refused",
		"Offers of webtorrent that were passed over because they are none.", METER_COUNTER},
	[METER_SWARM_ANSWERS_REFUSED] = {"swarm_answers_refused",
		"Answers of webtorrent that nobody waits for.", METER_COUNTER},
	[METER_LETTERS_YIELDED] = {"letters_yielded",
		"Messages of PeerJS for an id that nobody holds that gave way to a newcomer's.",
		METER_COUNTER},
	[METER_LETTERS_REFUSED] = {"letters_refused",
		"Messages of PeerJS for an id that nobody holds that were not kept.",
		METER_COUNTER},
	[METER_SHED_LINES] = {"shed_lines",
		"Chat messages kept for latecomers that were forgotten for want of memory.",
		METER_COUNTER},
	[METER_SHED_LETTERS] = {"shed_letters",
		"Messages of PeerJS for an id that nobody holds that were forgotten for want of "
		"memory.",
		METER_COUNTER},
	[METER_SHED_EVENTS] = {"shed_events",
		"Events that event-webhook will not be told for want of memory.", METER_COUNTER},
	[METER_SHED_SESSIONS] = {"shed_sessions",
		"Sessions without a connection that were ended for want of memory.", METER_COUNTER},
	[METER_SHED_PEERS] = {"shed_peers",
		"Peers that were closed for want of memory, for what was kept for them.",
		METER_COUNTER},
	[METER_SHED_ANSWERS] = {"shed_answers",
		"HTTP answers that slow clients had not taken, and that were ended for want of "
		"memory.",
		METER_COUNTER},
	[METER_SHED_NEWCOMERS] = {"shed_newcomers",
		"WebSockets that were refused for want of memory.", METER_COUNTER},
	[METER_CLOSED_1000] = {"closed_1000", "Peers closed with 1000 (normal).", METER_COUNTER},
	[METER_CLOSED_1001] = {"closed_1001", "Peers closed with 1001 (the server stops).",
		METER_COUNTER},
	[METER_CLOSED_1002] = {"closed_1002", "Peers closed with 1002 (bad close frame).",
		METER_COUNTER},
	[METER_CLOSED_1005] = {"closed_1005", "Peers closed with 1005 (by a frame without a code).",
		METER_COUNTER},
	[METER_CLOSED_1007] = {"closed_1007", "Peers closed with 1007 (not UTF-8).", METER_COUNTER},
	[METER_CLOSED_1009] = {"closed_1009", "Peers closed with 1009 (message too large).",
		METER_COUNTER},
	[METER_CLOSED_1011] = {"closed_1011",
		"Peers closed with 1011 (out of memory, or by their streamer).", METER_COUNTER},
	[METER_CLOSED_1012] = {"closed_1012",
		"Peers closed with 1012 (another node has the room; the server stops: players of "
		"pixel-streaming).",
		METER_COUNTER},
	[METER_CLOSED_4400] = {"closed_4400",
		"Peers closed with 4400 (a bad request of a dialect).", METER_COUNTER},
	[METER_CLOSED_4401] = {"closed_4401",
		"Peers closed with 4401 (no token, a bad or an expired one).", METER_COUNTER},
	[METER_CLOSED_4403] = {"closed_4403",
		"Peers closed with 4403 (a room that the token does not name, or that is locked; "
		"or "
		"kicked).",
		METER_COUNTER},
	[METER_CLOSED_4408] = {"closed_4408", "Peers closed with 4408 (no answer to pings).",
		METER_COUNTER},
	[METER_CLOSED_4409] = {"closed_4409",
		"Peers closed with 4409 (a newer connection took its place).", METER_COUNTER},
	[METER_CLOSED_4413] = {"closed_4413", "Peers closed with 4413 (room full).", METER_COUNTER},
	[METER_CLOSED_4429] = {"closed_4429", "Peers closed with 4429 (too many messages).",
		METER_COUNTER},
	[METER_CLOSED_4503] = {"closed_4503",
		"Peers closed with 4503 (auth-webhook did not answer).", METER_COUNTER},
	[METER_CLOSED_4508] = {"closed_4508", "Peers closed with 4508 (too slow).", METER_COUNTER},
	[METER_CLOSED_OTHER] = {"closed_other", "Peers closed with any other code.", METER_COUNTER},
	[METER_MESSAGES_FORGOTTEN] = {"messages_forgotten",
		"Messages that are not kept for a participant any more, which has not confirmed "
		"them: "
		"resume-messages or resume-bytes are passed.",
		METER_COUNTER},
	[METER_SESSIONS_SAVED] = {"sessions_saved",
		"Participants of nakodo.v1 that were kept for the next process.", METER_COUNTER},
	[METER_SESSIONS_RESTORED] = {"sessions_restored",
		"Participants of nakodo.v1 that the process before has left.", METER_COUNTER},
	[METER_SAVED_REFUSED] = {"saved_refused",
		"Times that what a process before has left could not be used.", METER_COUNTER},
	[METER_EVENTS] = {"events", "Events for event-webhook.", METER_COUNTER},
	[METER_EVENTS_DELIVERED] = {"events_delivered",
		"Events that event-webhook has been told, and has said so.", METER_COUNTER},
	[METER_EVENTS_GIVEN_UP] = {"events_given_up", "Events that event-webhook will not be told.",
		METER_COUNTER},
	[METER_EVENTS_FAILURES] = {"events_failures",
		"Requests to event-webhook that failed and were or will be made again.",
		METER_COUNTER},
	[METER_ADMISSIONS] = {"admissions", "Newcomers who were let in or not by auth-webhook.",
		METER_COUNTER},
	[METER_ADMISSIONS_ALLOWED] = {"admissions_allowed", "Newcomers whom auth-webhook let in.",
		METER_COUNTER},
	[METER_ADMISSIONS_REFUSED] = {"admissions_refused",
		"Newcomers whom auth-webhook did not let in.", METER_COUNTER},
	[METER_ADMISSIONS_FAILED] = {"admissions_failed",
		"Newcomers who were not let in since auth-webhook gave no answer.", METER_COUNTER},
	[METER_ADMISSIONS_EXPIRED] = {"admissions_expired",
		"Newcomers who were not let in since too many waited for auth-webhook before them.",
		METER_COUNTER},
	[METER_ADMISSIONS_CACHED] = {"admissions_cached",
		"Of all these, newcomers for whom an answer was still good.", METER_COUNTER},
	[METER_TURN_CREDENTIALS] = {"turn_credentials",
		"Names and passwords for TURN servers that were made.", METER_COUNTER},
	[METER_CTL_REFUSED] = {"ctl_refused",
		"Clients of ctl that were turned away or did nothing for 60 s.", METER_COUNTER},
	[METER_LOG_DROPPED] = {"log_dropped",
		"Lines left out of the log because it could not be written at once.",
		METER_COUNTER},
	[METER_SHOW_DROPPED] = {"show_dropped",
		"Lines left out of standard output because it could not be written at once.",
		METER_COUNTER},
	[METER_PEERS_UNLOGGED] = {"peers_unlogged",
		"Peers that the log does not have because their address or network had very many.",
		METER_COUNTER},
	[METER_HEAP_TRIMS] = {"heap_trims",
		"Times that memory which was freed went back to the system.", METER_COUNTER},
};

/* Is this the meter of refusals with that code? The names have underscores for its hyphens. */
static bool is_of_refusal(const char *name, const char *code)
{
	if (strncmp(name, REFUSED, strlen(REFUSED)) != 0) {
		return false;
	}
	for (name += strlen(REFUSED); *name && (*name == *code || (*name == '_' && *code == '-'));
		name++) {
		code++;
	}
	return !*name && !*code;
}

void meter_refused(const char *code)
{
	meter_add(METER_REFUSED, 1);
	for (int i = 0; i < METER_COUNT; i++) {
		if (is_of_refusal(meter_rows[i].name, code)) {
			meter_add((enum meter)i, 1);
			break;
		}
	}
}

static enum meter of_code(unsigned code)
{
	switch (code) {
	case 1000:
		return METER_CLOSED_1000;
	case 1001:
		return METER_CLOSED_1001;
	case 1002:
		return METER_CLOSED_1002;
	case 1005:
		return METER_CLOSED_1005;
	case 1007:
		return METER_CLOSED_1007;
	case 1009:
		return METER_CLOSED_1009;
	case 1011:
		return METER_CLOSED_1011;
	case 1012:
		return METER_CLOSED_1012;
	case 4400:
		return METER_CLOSED_4400;
	case 4401:
		return METER_CLOSED_4401;
	case 4403:
		return METER_CLOSED_4403;
	case 4408:
		return METER_CLOSED_4408;
	case 4409:
		return METER_CLOSED_4409;
	case 4413:
		return METER_CLOSED_4413;
	case 4429:
		return METER_CLOSED_4429;
	case 4503:
		return METER_CLOSED_4503;
	case 4508:
		return METER_CLOSED_4508;
	default:
		return METER_CLOSED_OTHER;
	}
}

void meter_closed(unsigned code)
{
	meter_add(of_code(code), 1);
}
