/*
 * nakodo_v1_ice: the STUN and TURN servers that participants are told of, again before what they
 * were told expires.
 */
#pragma once

struct nakodo_v1_seat;
struct text;

/* Write "iceServers":[…] for the message that the seat is sent. */
void nakodo_v1_ice_print(struct nakodo_v1_seat *seat, struct text *out);
