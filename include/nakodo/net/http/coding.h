/*
 * coding: what a client says of the content codings (RFC 9110 section 12.5.3), or of a media type.
 */
#pragma once

/* How much the client wants a body in that coding ("gzip", "identity"), in thousandths; 0: it does
 * not take it. `accept` is its Accept-Encoding, NULL for none: then it may be of a time that knows
 * no coding. What it does not name comes last if it is "identity", and is not taken otherwise; a
 * weight that is none counts as 0.
 * As well: whether its Accept names a media type, without parameters, and not by a wildcard. */
unsigned coding_weight(const char *accept, const char *coding);
/* The same for a media type, whatever its parameters are; a wildcard does not name it. */
unsigned coding_media_weight(const char *accept, const char *type);
