/*
 * nakodo_v1_ice: the STUN and TURN servers that participants are told of, again before what they
 * were told expires.
 */
#pragma once

struct nakodo_v1;
struct nakodo_v1_seat;
struct text;

/* Write "iceServers":[…] for the message that the seat is sent. */
void nakodo_v1_ice_print(struct nakodo_v1_seat *seat, struct text *out);
/* There may be others now, or their credentials expire at another time: who is there is told when
 * it is due, and at once who was told of none that expire. */
void nakodo_v1_ice_adapt(struct nakodo_v1 *v1);
