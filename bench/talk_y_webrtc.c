/* What y-webrtc 10.3.0 without a password writes to its server and gets from it: see
 * docs/protocols/y-webrtc.md. */
#include <stdlib.h>

#include "load.h"
#include "talk.h"
#include "text.h"
#include "webrtc.h"

#define CANDIDATES 5 /* of each side */
#define TOPIC "bench-$0"
/* A peer takes a new id in each round, as a page that is loaded again. */
#define ID(value) value "-5eed-4bad-9c0d-c0de$3"
#define SUBSCRIBE "{\"type\":\"subscribe\",\"topics\":[\"" TOPIC "\"]}"

/* Takes the data over. */
static struct talk_line y_webrtc_line(char *data, unsigned clients)
{
	static const char publish[] = "{\"type\":\"publish\",\"topic\":\"" TOPIC "\",\"data\":";
	struct talk_line line = {
		.sent = text_format("%s%s}", publish, data),
		.received = text_format("%s%s,\"clients\":%u}", publish, data, clients),
	};

	free(data);
	return line;
}

/* Takes the signal over. */
static char *y_webrtc_signal(char *signal)
{
	char *data = text_format("{\"to\":\"" ID("$2") "\",\"from\":\"" ID(
					 "$1") "\",\"type\":\"signal\","
					       "\"token\":1763712000123.4568,\"signal\":%s}",
		signal);

	free(signal);
	return data;
}

static void y_webrtc_part(struct talk_line *lines, bool offer, unsigned clients)
{
	char *sdp = webrtc_sdp(offer, 0);
	unsigned i;

	*lines++ = y_webrtc_line(y_webrtc_signal(text_format("{\"type\":\"%s\",\"sdp\":\"%s\"}",
					 offer ? "offer" : "answer", sdp)),
		clients);
	free(sdp);
	for (i = 0; i < CANDIDATES; i++) {
		char *candidate = webrtc_candidate(offer, i);

		*lines++ = y_webrtc_line(
			y_webrtc_signal(text_format(
				"{\"type\":\"candidate\",\"candidate\":{\"candidate\":\"%s\","
				"\"sdpMLineIndex\":0,\"sdpMid\":\"0\"}}",
				candidate)),
			clients);
		free(candidate);
	}
}

int talk_y_webrtc(const struct load_options *o)
{
	struct talk_script script = {
		.to_all = true,
		.path = text_format("/y-webrtc"),
		.hello = {text_format(SUBSCRIBE), text_format("{\"type\":\"ping\"}")},
		.welcome = text_format("{\"type\":\"pong\"}"),
	};
	struct talk_line *announce = script.lines[TALK_ANNOUNCE];
	int status;

	*announce = y_webrtc_line(
		text_format("{\"type\":\"announce\",\"from\":\"" ID("$1") "\"}"), o->size);
	announce->before = text_format(SUBSCRIBE);
	y_webrtc_part(script.lines[TALK_CALL], true, o->size);
	y_webrtc_part(script.lines[TALK_ANSWER], false, o->size);
	status = talk_run(o, &script);
	talk_script_finish(&script);
	return status;
}
