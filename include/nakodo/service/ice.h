/*
 * ice: the STUN and TURN servers that peers are told of.
 */
#pragma once

struct option_list;

/* The values of the option `ice-server` as the text of a JSON array of RTCIceServer dictionaries
 * (W3C WebRTC section 4.2.2), `urls` always an array; "[]" when there are none. To be freed.
 * NULL: no memory. */
char *ice_print(const struct option_list *servers);
