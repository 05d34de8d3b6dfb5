/* self_signed: see the header. */
#include "nakodo/net/tls/self_signed.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/base/file.h"
#include "nakodo/base/log.h"
#include "nakodo/base/machine.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/tls/local_ca.h"

#define LOCK_WAIT 500 /* ms */
#define LOCK_TRIES 50

/* What one update has open and found. */
struct work {
	const char *path; /* of the directory, for people */
	int directory, lock; /* -1: not open */
	struct local_ca ca; /* its key only once it is needed */
	X509 *cert;
	EVP_PKEY *key;
	struct problem *problem;
};

static int fail(const struct work *work, const char *name, int error)
{
	return problem_set(work->problem, file_fault(error),
		"cannot keep certificates in `%s`: %s%s%s", work->path, name, *name ? ": " : "",
		error == -EBADMSG ? "it is damaged; without it a new one would be made"
				  : file_error_text(-error));
}

/* *ret is NULL if there is no such file. */
static int read_cert(const struct work *work, const char *name, X509 **ret)
{
	FILE *file = file_open(work->directory, name);

	*ret = NULL;
	if (!file) {
		return errno == ENOENT ? 0 : fail(work, name, -errno);
	}
	*ret = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	ERR_clear_error();
	return *ret ? 0 : fail(work, name, -EBADMSG);
}

static int read_key(const struct work *work, const char *name, EVP_PKEY **ret)
{
	FILE *file = file_open(work->directory, name);
	mode_t mode;

	*ret = NULL;
	if (!file) {
		return errno == ENOENT ? 0 : fail(work, name, -errno);
	}
	mode = file_mode(file);
	if (file_is_open_to_all(mode)) {
		fclose(file);
		return problem_set(work->problem, -EINVAL,
			"everybody may read or change `%s/%s` (mode %04o): chmod o-rw", work->path,
			name, mode);
	}
	*ret = PEM_read_PrivateKey(file, NULL, NULL, (void *)"" /* the pass phrase */);
	fclose(file);
	ERR_clear_error();
	return *ret ? 0 : fail(work, name, -EBADMSG);
}

/* Under a new name first, so that nobody ever reads half of it. `cert` or `key` is NULL. */
static int write_file(const struct work *work, const char *name, X509 *cert, EVP_PKEY *key)
{
	char fresh[32];
	FILE *file = NULL;
	int fd, error = 0;

	snprintf(fresh, sizeof(fresh), "%s.new", name);
	unlinkat(work->directory, fresh, 0);
	fd = openat(
		work->directory, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, key ? 0600 : 0644);
	if (fd < 0 || !(file = fdopen(fd, "w"))) {
		error = -errno;
	} else if (cert ? !PEM_write_X509(file, cert)
			: !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL)) {
		error = -EIO;
	}
	if (!error && (fflush(file) || fsync(fd))) {
		error = -errno;
	}
	if (file && fclose(file) && !error) {
		error = -errno;
	} else if (!file && fd >= 0) {
		close(fd);
	}
	if (!error && renameat(work->directory, fresh, work->directory, name)) {
		error = -errno;
	}
	if (error) {
		unlinkat(work->directory, fresh, 0);
	}
	return error ? fail(work, name, error) : 0;
}

/* Another daemon that starts has it for a moment; who keeps it must not keep our peers waiting. */
static int wait_for_lock(const struct work *work)
{
	const struct timespec pause = {.tv_nsec = LOCK_WAIT / LOCK_TRIES * 1000000L};

	for (int i = 0; flock(work->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK; i++) {
		if (i == LOCK_TRIES) {
			return problem_set(work->problem, -EBUSY,
				"cannot keep certificates in `%s`: another process holds its lock",
				work->path);
		}
		nanosleep(&pause, NULL);
	}
	return 0; /* a file system without locks has to do without */
}

/* The lock is a file of its own that nobody else may open, or any user could keep us waiting. */
static int open_directory(struct work *work)
{
	if (mkdir(work->path, 0755) && errno != EEXIST) {
		return fail(work, "", -errno);
	}
	work->directory = open(work->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work->directory < 0) {
		return fail(work, "", -errno);
	}
	work->lock = openat(work->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return work->lock < 0 ? 0 : wait_for_lock(work);
}

/* Somebody's own certificate in our place is left alone, and used. */
static bool is_foreign(const struct work *work)
{
	return work->cert && !local_ca_is_ours(work->cert);
}

/* With its key, or the key is not there either. */
static int make_ca(struct work *work, const struct machine *machine)
{
	int error = local_ca_make(&work->ca, machine->host);

	if (error) {
		return fail(work, "ca.pem", error);
	}
	/* Without a certificate the key is nothing; the other way round there would be no way on.
	 */
	error = write_file(work, "ca-key.pem", NULL, work->ca.key);
	error = error ? error : write_file(work, "ca.pem", work->ca.cert, NULL);
	if (!error) {
		log_info("certificate.authority", LOG_STR("directory", work->path),
			LOG_STR("result", "made; install it where this machine is to be trusted"));
	}
	return error;
}

static int find_ca(struct work *work, const struct machine *machine)
{
	int error = read_cert(work, "ca.pem", &work->ca.cert);

	if (!error && work->ca.cert && local_ca_ends(work->ca.cert, SELF_SIGNED_RENEW)) {
		log_warn("certificate.authority", LOG_STR("directory", work->path),
			LOG_STR("result", "it is at its end and replaced; install the new one"));
		local_ca_finish(&work->ca);
		/* Should only the clock be wrong, devices trust these still. */
		renameat(work->directory, "ca.pem", work->directory, "ca.pem.old");
		renameat(work->directory, "ca-key.pem", work->directory, "ca-key.pem.old");
	}
	return error || work->ca.cert ? error : make_ca(work, machine);
}

static int need_ca_key(struct work *work)
{
	int error = work->ca.key ? 0 : read_key(work, "ca-key.pem", &work->ca.key);

	if (error) {
		return error;
	}
	if (!work->ca.key) {
		return fail(work, "ca-key.pem", -ENOENT);
	}
	return X509_check_private_key(work->ca.cert, work->ca.key) == 1
		       ? 0
		       : fail(work, "ca-key.pem", -EBADMSG);
}

/* The key stays when the certificate is renewed: else there would be a moment with one of each. */
static int need_key(struct work *work)
{
	if (work->key) {
		return 0;
	}
	work->key = EVP_EC_gen("P-256");
	return work->key ? write_file(work, "key.pem", NULL, work->key)
			 : fail(work, "key.pem", -ENOMEM);
}

static int issue(struct work *work, const char *names, const char *left_out)
{
	bool old = work->cert && X509_NAME_cmp(X509_get_issuer_name(work->cert),
					 X509_get_subject_name(work->ca.cert));
	X509 *cert = NULL;
	int error = need_ca_key(work);

	error = error ? error : need_key(work);
	if (!error) {
		cert = local_ca_issue(&work->ca, work->key, names);
		error = cert ? write_file(work, "cert.pem", cert, NULL)
			     : fail(work, "cert.pem", -ENOMEM);
	}
	X509_free(cert);
	if (error) {
		return error;
	}
	log_info("certificate.issue", LOG_STR("directory", work->path), LOG_STR("names", names),
		LOG_STR("replaces", !work->cert ? "none"
				    : old       ? "one that this authority did not issue"
						: "one with other names or near its end"));
	if (*left_out) {
		log_warn("certificate.leave-out", LOG_STR("names", left_out),
			LOG_STR("reason", "the local authority may vouch for private addresses, "
					  "names below .local and the machine's name when it "
					  "was made"),
			LOG_STR("option", "tls-cert"));
	}
	return 0;
}

static int see_to_cert(struct work *work, const struct machine *machine, struct self_signed *ret)
{
	char *names, *left_out;
	int error = find_ca(work, machine);

	if (error) {
		return error;
	}
	if (local_ca_names(work->ca.cert, machine, &names, &left_out)) {
		return fail(work, "cert.pem", -ENOMEM);
	}
	if (!work->cert || !work->key || local_ca_ends(work->cert, SELF_SIGNED_RENEW) ||
		!local_ca_fits(work->ca.cert, work->cert, work->key, names)) {
		error = issue(work, names, left_out);
	}
	free(left_out);
	if (error) {
		free(names);
		return error;
	}
	X509_up_ref(work->ca.cert);
	*ret = (struct self_signed){work->ca.cert, names};
	return 0;
}

int self_signed_update(const char *directory, struct self_signed *ret, struct problem *problem)
{
	struct work work = {.path = directory, .directory = -1, .lock = -1, .problem = problem};
	struct machine machine;
	int error = open_directory(&work);

	machine_look(&machine);
	*ret = (struct self_signed){NULL, NULL};
	error = error ? error : read_cert(&work, "cert.pem", &work.cert);
	error = error ? error : read_key(&work, "key.pem", &work.key);
	if (!error && !is_foreign(&work)) {
		error = see_to_cert(&work, &machine, ret);
	}
	local_ca_finish(&work.ca);
	X509_free(work.cert);
	EVP_PKEY_free(work.key);
	if (work.lock >= 0) {
		close(work.lock);
	}
	if (work.directory >= 0) {
		close(work.directory);
	}
	return error;
}

bool self_signed_is_due(const struct self_signed *self_signed, const X509 *cert)
{
	struct machine machine;
	char *names, *left_out;
	bool due;

	if (!self_signed->ca) {
		return false;
	}
	machine_look(&machine);
	if (local_ca_names(self_signed->ca, &machine, &names, &left_out)) {
		return false;
	}
	due = strcmp(names, self_signed->names) || local_ca_ends(cert, SELF_SIGNED_RENEW);
	free(names);
	free(left_out);
	return due;
}

void self_signed_finish(struct self_signed *self_signed)
{
	X509_free(self_signed->ca);
	free(self_signed->names);
	*self_signed = (struct self_signed){NULL, NULL};
}
