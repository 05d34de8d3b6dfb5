/*
 * ice: the STUN and TURN servers that peers are told of. Those of `ice-server` are the same for
 * everybody; to those of `turn-server` each peer gets credentials of its own, which expire.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ice;
struct options;
struct problem;
struct text;

/* Read turn-secret, if there is one. 0, or -EINVAL / -ENOMEM with a sentence that names the place.
 */
int ice_create(struct ice **ret, const struct options *options, struct problem *problem);
void ice_destroy(struct ice *ice);

/* Write a JSON array of RTCIceServer dictionaries (W3C WebRTC section 4.2.2), `urls` always an
 * array, with credentials made for whoever is told. NULL: "[]". */
void ice_print(const struct ice *ice, struct text *out);
/* Is that "[]"? */
bool ice_is_empty(const struct ice *ice);
/* So long after ice_print() it is time to tell the peer again, in ms: at 75 % of turn-ttl. 0: what
 * it was told does not expire. */
uint64_t ice_renewal(const struct ice *ice);
