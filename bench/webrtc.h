/* What browsers put into signaling messages, of the usual size and with the usual characters to
 * escape, as the inside of JSON strings. The caller frees what is returned. */
#ifndef BENCH_WEBRTC_H
#define BENCH_WEBRTC_H

#include <stdbool.h>
#include <stddef.h>

/* A session description (RFC 8866): of a data channel alone when `len` is 0, else with video too,
 * and with as many codecs as make it `len` bytes long. */
char *webrtc_sdp(bool offer, size_t len);

/* The candidate attribute (RFC 8839) of a side's candidate number n. */
char *webrtc_candidate(bool offerer, unsigned n);

#endif
