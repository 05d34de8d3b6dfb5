/*
 * relays: the STUN and TURN servers that the server tells its clients of.
 */
#pragma once

struct cJSON;
struct probing;

/* Try each of a JSON array of RTCIceServer dictionaries (W3C WebRTC section 4.2.2), and report each
 * URL. */
void relays_try(struct probing *probing, const struct cJSON *servers);
