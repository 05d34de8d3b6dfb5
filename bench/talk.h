/* Workload: rooms whose members introduce themselves to each other, again and again, in the words
 * of a signaling protocol. A round of a room of n members is
 *
 *   for each member k: k speaks to the room (announce), if the protocol has it;
 *                      each member j before k calls k (offer, candidates);
 *                      as soon as k has the offer, it answers (answer, candidates)
 *
 * and the next member's turn comes when all have got all of that. Of the lines that one says to
 * another o->window are in flight. */
#ifndef BENCH_TALK_H
#define BENCH_TALK_H

#include <stdbool.h>

struct load_options;

#define TALK_LINES 8

/* The values of the texts below (text.h). Peers are numbered through all rooms. */
enum talk_value { TALK_ROOM, TALK_FROM, TALK_TO, TALK_ROUND };

/* What is sent and what must come. `before` (or NULL) leaves with it and is not passed on. */
struct talk_line {
	char *before, *sent, *received;
};

enum talk_part { TALK_ANNOUNCE, TALK_CALL, TALK_ANSWER, TALK_PARTS };

struct talk_script {
	bool to_all; /* every member gets every line, its sender too; else TALK_TO alone does */
	char *path; /* of the WebSocket of peer TALK_FROM */
	char *hello[2]; /* what it sends first; NULL for none */
	char *welcome; /* what it then gets */
	struct talk_line lines[TALK_PARTS][TALK_LINES]; /* up to the first without `sent` */
};

/* Ends a script whose members are all allocated. */
void talk_script_finish(struct talk_script *s);

/* Prints the figures as one JSON line on stdout; every fault also as a sentence on stderr.
 * Returns 0, or 1 when anything was lost, doubled, out of order, changed, refused or closed. */
int talk_run(const struct load_options *o, const struct talk_script *script);

/* The protocols: the clients of PeerJS (o->size must be 2) and of y-webrtc. */
int talk_peerjs(const struct load_options *o);
int talk_y_webrtc(const struct load_options *o);

#endif
