/* way: owns the steps below HTTP. */
#include "nakodo/probe/way.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/asn1.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

#include "nakodo/base/text.h"
#include "nakodo/probe/probing.h"
#include "nakodo/probe/stream.h"

#define DAY (24 * 3600)
#define DAYS_LEFT 14 /* who renews in time has more; Let's Encrypt's clients do so at 30 */

static void format(const struct addrinfo *address, char *buf, size_t size)
{
	if (getnameinfo(address->ai_addr, address->ai_addrlen, buf, (socklen_t)size, NULL, 0,
		    NI_NUMERICHOST)) {
		buf[0] = '\0';
	}
}

static void report_addresses(struct probing *probing, const struct addrinfo *all)
{
	struct text list = {0};
	char *text;

	for (const struct addrinfo *one = all; one; one = one->ai_next) {
		char address[INET6_ADDRSTRLEN + 16];

		format(one, address, sizeof(address));
		text_print(&list, "%s%s", one == all ? "" : ", ", address);
	}
	text = text_take(&list, NULL);
	report_good(
		&probing->report, "name", "%s is %s", probing->target.host, text ? text : "there");
	free(text);
}

static int resolve(struct probing *probing, struct addrinfo **ret)
{
	const struct target *target = &probing->target;
	int error = stream_resolve(
		ret, target->host, target->port, SOCK_STREAM, stream_now() + probing->patience);

	if (error) {
		report_bad(&probing->report, "name",
			"Look at how the name is written, and whether its zone has an A or AAAA "
			"record: dig NAME",
			"%s: %s", target->host, gai_strerror(error));
		return -1;
	}
	report_addresses(probing, *ret);
	return 0;
}

/* One address after the other, as browsers do; each has its part of the time. */
static int connect_any(const struct addrinfo *all, int64_t patience, struct stream *ret,
	const struct addrinfo **ret_address)
{
	int64_t end = stream_now() + patience;
	int64_t count = 0;
	int error = -EADDRNOTAVAIL;

	for (const struct addrinfo *one = all; one; one = one->ai_next) {
		count++;
	}
	for (const struct addrinfo *one = all; one && error; one = one->ai_next, count--) {
		int64_t now = stream_now();

		error = stream_connect(ret, one, now + (end - now) / count);
		*ret_address = one;
	}
	return error;
}

static int connect_to(struct probing *probing, const struct addrinfo *all, struct stream *ret)
{
	const struct target *target = &probing->target;
	const struct addrinfo *address = all;
	char text[INET6_ADDRSTRLEN + 16];
	int64_t begin = stream_now();
	int error = connect_any(all, probing->patience, ret, &address);

	format(address, text, sizeof(text));
	if (error) {
		report_bad(&probing->report, "connect",
			error == -ECONNREFUSED
				? "The machine is there, but nobody listens: does the daemon run, "
				  "and has it a `listen` with this port, and not on localhost only?"
				: "Does the daemon run there? Let the firewalls on the way pass "
				  "TCP to this port.",
			"%s port %s: %s", text, target->port, stream_reason(error));
		return -1;
	}
	report_good(&probing->report, "connect", "%s port %s in %.1f ms", text, target->port,
		(double)(stream_now() - begin) / 1000);
	return 0;
}

/* The names that a certificate is for. */
static void print_names(struct text *out, X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int count = names ? sk_GENERAL_NAME_num(names) : 0;
	const char *comma = "";

	for (int i = 0; i < count && i < 8; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		char address[INET6_ADDRSTRLEN];

		if (name->type == GEN_DNS) {
			text_print(out, "%s%.*s", comma, ASN1_STRING_length(name->d.dNSName),
				(const char *)ASN1_STRING_get0_data(name->d.dNSName));
			comma = ", ";
		} else if (name->type == GEN_IPADD &&
			   inet_ntop(
				   ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6,
				   ASN1_STRING_get0_data(name->d.iPAddress), address,
				   sizeof(address)) &&
			   (ASN1_STRING_length(name->d.iPAddress) == 4 ||
				   ASN1_STRING_length(name->d.iPAddress) == 16)) {
			text_print(out, "%s%s", comma, address);
			comma = ", ";
		}
	}
	if (!*comma) {
		text_add(out, "no name");
	}
	GENERAL_NAMES_free(names);
}

/* In whole days; negative: it has expired. */
static int days_left(const X509 *certificate)
{
	int days = 0;
	int seconds = 0;

	ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate));
	return days || seconds >= 0 ? days : -1;
}

/* One of six days is not late with five. */
static int least_days(const X509 *certificate)
{
	int days = 0;
	int seconds;

	ASN1_TIME_diff(
		&days, &seconds, X509_get0_notBefore(certificate), X509_get0_notAfter(certificate));
	return days / 4 < DAYS_LEFT ? days / 4 : DAYS_LEFT;
}

static const char *find_advice(long result)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "Renew it; the daemon takes the new one on SIGHUP (systemctl reload "
		       "nakodo). See docs/operations.md for a hook that does both.";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "Look at the clocks of both machines.";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "Use one of its names in the URL, or get a certificate for this one.";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "With --tls-self-signed DIR, give --ca DIR/ca.pem, and let each device "
		       "trust "
		       "it (/trust tells how). Else serve the whole chain (fullchain.pem) of a "
		       "public authority.";
	default:
		return "Get another certificate.";
	}
}

static void report_certificate(struct probing *probing, SSL *ssl, X509 *certificate, long result)
{
	struct text names = {0};
	int days = days_left(certificate);
	char *text;

	print_names(&names, certificate);
	text = text_take(&names, NULL);
	if (result != X509_V_OK) {
		report_bad(&probing->report, "tls", find_advice(result),
			"the certificate, for %s, %d days left, is not trusted: %s",
			text ? text : "?", days, X509_verify_cert_error_string(result));
	} else if (days < least_days(certificate)) {
		report_bad(&probing->report, "tls", find_advice(X509_V_ERR_CERT_HAS_EXPIRED),
			"the certificate is good for %d days only", days);
	} else {
		report_good(&probing->report, "tls",
			"%s; the certificate is trusted, for %s, and good for %d days",
			SSL_get_version(ssl), text ? text : "?", days);
	}
	free(text);
}

static int secure(struct probing *probing, struct stream *stream, int *ret_is_trusted)
{
	int error = stream_secure(
		stream, probing->tls, probing->target.host, stream_now() + probing->patience);
	X509 *certificate = error ? NULL : SSL_get1_peer_certificate(stream->ssl);
	long result;

	if (!certificate) {
		report_bad(&probing->report, "tls",
			"Is this the port of a `tls:` listener? One without TLS is asked by ws:// "
			"or "
			"http://.",
			"no TLS: %s", stream_reason(error));
		return -1;
	}
	result = SSL_get_verify_result(stream->ssl);
	report_certificate(probing, stream->ssl, certificate, result);
	*ret_is_trusted = result == X509_V_OK;
	X509_free(certificate);
	return 0;
}

int way_find(struct probing *probing, struct stream *ret, int *ret_is_trusted)
{
	struct addrinfo *addresses;
	struct stream stream;

	if (resolve(probing, &addresses)) {
		return -1;
	}
	if (connect_to(probing, addresses, &stream)) {
		freeaddrinfo(addresses);
		return -1;
	}
	freeaddrinfo(addresses);
	*ret_is_trusted = 1;
	if (probing->target.secure && secure(probing, &stream, ret_is_trusted)) {
		stream_close(&stream);
		return -1;
	}
	*ret = stream;
	return 0;
}

int way_repeat(const struct probing *probing, struct stream *ret)
{
	const struct target *target = &probing->target;
	int64_t deadline = stream_now() + probing->patience;
	const struct addrinfo *address;
	struct addrinfo *all;
	int error;

	if (stream_resolve(&all, target->host, target->port, SOCK_STREAM, deadline)) {
		return -EHOSTUNREACH;
	}
	error = connect_any(all, probing->patience, ret, &address);
	freeaddrinfo(all);
	if (!error && target->secure) {
		error = stream_secure(ret, probing->tls, target->host, deadline);
		if (!error && probing->token && SSL_get_verify_result(ret->ssl) != X509_V_OK) {
			error = -EPROTO;
		}
		if (error) {
			stream_close(ret);
		}
	}
	return error;
}
