/* Made-up values in the form that Chromium gives them. */
#include "webrtc.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

#define EOL "\\r\\n"

static const char head[] =
	"v=0" EOL "o=- 4611731400430051336 2 IN IP4 127.0.0.1" EOL "s=-" EOL "t=0 0" EOL
	"a=group:BUNDLE 0%s" EOL "a=extmap-allow-mixed" EOL "a=msid-semantic: WMS" EOL
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel" EOL "c=IN IP4 0.0.0.0" EOL
	"a=ice-ufrag:%s" EOL "a=ice-pwd:by5GZGG1lw+040DWA6hXM5Bz" EOL "a=ice-options:trickle" EOL
	"a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:"
	"C2:43:F0:A1:58:D0:A1:2C:19:08" EOL "a=setup:%s" EOL "a=mid:0" EOL "a=sctp-port:5000" EOL
	"a=max-message-size:262144" EOL;

static const char video[] = "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 102 103" EOL
			    "c=IN IP4 0.0.0.0" EOL "a=rtcp:9 IN IP4 0.0.0.0" EOL "a=mid:1" EOL
			    "a=extmap:1 urn:ietf:params:rtp-hdrext:toffset" EOL "a=sendrecv" EOL
			    "a=rtcp-mux" EOL "a=rtcp-rsize" EOL;

static const char codec[] = "a=rtpmap:%1$u VP8/90000" EOL "a=rtcp-fb:%1$u goog-remb" EOL
			    "a=rtcp-fb:%1$u ccm fir" EOL "a=rtcp-fb:%1$u nack pli" EOL
			    "a=fmtp:%1$u level-asymmetry-allowed=1;packetization-mode=1" EOL;

static const char *webrtc_ufrag(bool offerer)
{
	return offerer ? "Jx4B" : "q7Zs";
}

static void stream_write(FILE *out, bool offer, size_t len)
{
	unsigned type;

	fprintf(out, head, len ? " 1" : "", webrtc_ufrag(offer), offer ? "actpass" : "active");
	if (len) {
		fputs(video, out);
		for (type = 96; (size_t)ftell(out) < len; type++) {
			fprintf(out, codec, type);
		}
	}
}

char *webrtc_sdp(bool offer, size_t len)
{
	size_t written;
	char *sdp;
	FILE *out = open_memstream(&sdp, &written);

	if (!out) {
		err(2, "session description");
	}
	stream_write(out, offer, len);
	if (fclose(out) == EOF) {
		err(2, "session description");
	}
	return sdp;
}

char *webrtc_candidate(bool offerer, unsigned n)
{
	return text_format("candidate:%u 1 udp 2113937151 192.168.1.%u %u typ host generation 0 "
			   "ufrag %s network-cost 999",
		842163049 + n, offerer ? 17 : 23, 50000 + n, webrtc_ufrag(offerer));
}
