/* What PeerJS 1.5.5 writes to PeerServer and gets from it: see docs/protocols/peerjs.md. */
#include <stdlib.h>

#include "talk.h"
#include "text.h"
#include "webrtc.h"

#define CANDIDATES 5 /* of each side */
#define OFFER_BYTES 2500
#define ANSWER_BYTES 2000
#define ID(value) value "-5eed-4bad-9c0d-2b1f5a7c9e10"
#define CONNECTION "\"type\":\"media\",\"connectionId\":\"mc_$3\"}"

/* Takes the payload over. */
static struct talk_line peerjs_line(const char *type, char *payload)
{
	struct talk_line line = {
		.sent = text_format(
			"{\"type\":\"%s\",\"payload\":%s,\"dst\":\"" ID("$2") "\"}", type, payload),
		.received = text_format("{\"type\":\"%s\",\"src\":\"" ID("$1") "\",\"dst\":\"" ID(
						"$2") "\",\"payload\":%s}",
			type, payload),
	};

	free(payload);
	return line;
}

static void peerjs_part(struct talk_line *lines, bool offer)
{
	char *sdp = webrtc_sdp(offer, offer ? OFFER_BYTES : ANSWER_BYTES);
	unsigned i;

	*lines++ = peerjs_line(offer ? "OFFER" : "ANSWER",
		text_format("{\"sdp\":{\"type\":\"%s\",\"sdp\":\"%s\"}," CONNECTION,
			offer ? "offer" : "answer", sdp));
	free(sdp);
	for (i = 0; i < CANDIDATES; i++) {
		char *candidate = webrtc_candidate(offer, i);

		*lines++ = peerjs_line("CANDIDATE",
			text_format("{\"candidate\":{\"candidate\":\"%s\",\"sdpMid\":\"0\","
				    "\"sdpMLineIndex\":0}," CONNECTION,
				candidate));
		free(candidate);
	}
}

int talk_peerjs(const struct load_options *o)
{
	struct talk_script script = {
		.path = text_format(
			"/peerjs?key=peerjs&id=" ID("$1") "&token=4fzzzxjylrx&version=1.5.5"),
		.welcome = text_format("{\"type\":\"OPEN\"}"),
	};
	int status;

	peerjs_part(script.lines[TALK_CALL], true);
	peerjs_part(script.lines[TALK_ANSWER], false);
	status = talk_run(o, &script);
	talk_script_finish(&script);
	return status;
}
