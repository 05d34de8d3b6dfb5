/*
 * asking: auth-webhook is asked whether newcomers may come in (service/admission.h). Until it has
 * answered they are held (ws/pace.h); who is not let in is closed in the words of its dialect.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct peer;
struct request;
struct admission_text;
struct admissions;

#define ASKING_REFUSED 4403 /* close codes: it said no; nobody knows */
#define ASKING_FAILED 4503

struct asking {
	struct admissions *admissions;
	uint64_t told; /* ms: the log has been told lately of an answer that is none, until then */
};

/* The peer has connected: is somebody to be asked now? Then it is pending, or closed already. If
 * its dialect asks itself, or has yet to see a token, it is not asked for now. */
bool asking_open(struct conn *conn, const struct request *request);
/* The same for one that has shown its token in a message. */
bool asking_begin(struct conn *conn, const struct request *request);
/* The same in the words of its dialect, whose .answered is called, perhaps before this returns;
 * until then what the peer says is kept. False: nobody is to be asked. */
bool asking_begin_in(struct conn *conn, const struct admission_text *text);
