/* local_ca: which names a certificate gets, which are left out, and when it does not fit any more.
 */
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/machine.h"
#include "nakodo/net/tls/local_ca.h"

#define ALWAYS "DNS:localhost,IP:127.0.0.1,IP:::1"

static struct machine machine_of(const char *host, const char *const *addresses)
{
	struct machine machine = {.count = 0};

	snprintf(machine.host, sizeof(machine.host), "%s", host);
	for (; *addresses; addresses++) {
		assert_true(address_parse(
			&machine.addresses[machine.count++], *addresses, strlen(*addresses)));
	}
	return machine;
}

static void assert_names(const struct local_ca *ca, const char *host, const char *const *addresses,
	const char *wanted, const char *wanted_left_out)
{
	struct machine machine = machine_of(host, addresses);
	char *names, *left_out;

	assert_int_equal(local_ca_names(ca->cert, &machine, &names, &left_out), 0);
	assert_string_equal(names, wanted);
	assert_string_equal(left_out, wanted_left_out);
	free(names);
	free(left_out);
}

static void names_are_the_same_in_whatever_order_the_addresses_come(void **state)
{
	static const char *const one[] = {"192.168.1.5", "10.0.0.1", "fd00::1", NULL};
	static const char *const other[] = {"fd00::1", "10.0.0.1", "192.168.1.5", NULL};
	struct local_ca ca;

	(void)state;
	assert_int_equal(local_ca_make(&ca, "laptop"), 0);
	for (int i = 0; i < 2; i++) {
		assert_names(&ca, "laptop", i ? one : other,
			ALWAYS ",DNS:laptop.local,IP:10.0.0.1,IP:192.168.1.5,IP:fd00::1", "");
	}
	local_ca_finish(&ca);
}

static void public_addresses_and_a_later_name_are_left_out(void **state)
{
	static const char *const addresses[] = {"8.8.8.8", "192.168.1.5", "2001:db8::1", NULL};
	static const char *const none[] = {NULL};
	struct local_ca ca;

	(void)state;
	assert_int_equal(local_ca_make(&ca, "laptop.home.example"), 0);
	assert_names(&ca, "desk.home.example", addresses, ALWAYS ",DNS:desk.local,IP:192.168.1.5",
		"desk.home.example 8.8.8.8 2001:db8::1");
	assert_names(&ca, "desk.local", none, ALWAYS ",DNS:desk.local", "");
	assert_names(&ca, "laptop.home.example", none,
		ALWAYS ",DNS:laptop.home.example,DNS:laptop.local", "");
	assert_names(&ca, "a.laptop.home.example", none,
		ALWAYS ",DNS:a.laptop.home.example,DNS:a.local", "");
	assert_names(&ca, "xlaptop.home.example", none, ALWAYS ",DNS:xlaptop.local",
		"xlaptop.home.example");
	assert_names(&ca, "", none, ALWAYS, "");
	local_ca_finish(&ca);
}

/* A machine may be called as a top-level domain is. */
static void a_name_without_a_dot_is_vouched_for_below_local_only(void **state)
{
	static const char *const none[] = {NULL};
	struct local_ca ca;

	(void)state;
	assert_int_equal(local_ca_make(&ca, "dev"), 0);
	assert_names(&ca, "dev", none, ALWAYS ",DNS:dev.local", "");
	assert_names(&ca, "web.dev", none, ALWAYS ",DNS:web.local", "web.dev");
	local_ca_finish(&ca);
}

static void an_authority_without_a_host_name_can_be_made(void **state)
{
	static const char *const none[] = {NULL};
	char host[256];
	struct local_ca ca;

	(void)state;
	assert_int_equal(local_ca_make(&ca, ""), 0);
	assert_names(&ca, "later", none, ALWAYS ",DNS:later.local", "");
	local_ca_finish(&ca);
	memset(host, 'x', sizeof(host));
	host[63] = '\0';
	assert_int_equal(local_ca_make(&ca, host), 0);
	local_ca_finish(&ca);
}

static void a_certificate_fits_its_authority_key_and_names_only(void **state)
{
	static const char more[] = ALWAYS ",IP:10.0.0.1";
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other_key = EVP_EC_gen("P-256");
	struct local_ca ca, other;
	X509 *cert;

	(void)state;
	assert_int_equal(local_ca_make(&ca, "laptop"), 0);
	assert_int_equal(local_ca_make(&other, "laptop"), 0);
	cert = local_ca_issue(&ca, key, more);
	assert_non_null(cert);
	assert_true(local_ca_fits(ca.cert, cert, key, more));
	assert_false(local_ca_fits(other.cert, cert, key, more));
	assert_false(local_ca_fits(ca.cert, cert, other_key, more));
	assert_false(local_ca_fits(ca.cert, cert, key, ALWAYS));
	assert_true(local_ca_is_ours(cert));
	assert_true(local_ca_is_ours(ca.cert));
	assert_false(local_ca_ends(cert, 823));
	assert_true(local_ca_ends(cert, 825));
	X509_free(cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other_key);
	local_ca_finish(&ca);
	local_ca_finish(&other);
}

/* As a machine makes it whose clock is ahead for once. */
static void a_certificate_that_has_not_begun_is_due(void **state)
{
	struct local_ca ca;

	(void)state;
	assert_int_equal(local_ca_make(&ca, ""), 0);
	assert_false(local_ca_ends(ca.cert, 30));
	X509_gmtime_adj(X509_getm_notBefore(ca.cert), 86400L);
	assert_true(local_ca_ends(ca.cert, 30));
	local_ca_finish(&ca);
}

static void no_certificate_outlives_its_authority(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct local_ca ca;
	X509 *cert;

	(void)state;
	assert_int_equal(local_ca_make(&ca, "laptop"), 0);
	X509_gmtime_adj(X509_getm_notAfter(ca.cert), 100 * 86400L);
	cert = local_ca_issue(&ca, key, ALWAYS);
	assert_non_null(cert);
	assert_int_equal(
		ASN1_TIME_compare(X509_get0_notAfter(cert), X509_get0_notAfter(ca.cert)), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
	local_ca_finish(&ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_the_same_in_whatever_order_the_addresses_come),
		cmocka_unit_test(public_addresses_and_a_later_name_are_left_out),
		cmocka_unit_test(a_name_without_a_dot_is_vouched_for_below_local_only),
		cmocka_unit_test(an_authority_without_a_host_name_can_be_made),
		cmocka_unit_test(a_certificate_fits_its_authority_key_and_names_only),
		cmocka_unit_test(a_certificate_that_has_not_begun_is_due),
		cmocka_unit_test(no_certificate_outlives_its_authority),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
