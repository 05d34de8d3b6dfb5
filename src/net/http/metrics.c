/* metrics: see the header. The names, and what each means, are the table's of base/meter.c. */
#include "nakodo/net/http/metrics.h"

#include <inttypes.h>
#include <libwebsockets.h>
#include <stdbool.h>
#include <string.h>

#include "nakodo/base/board.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/text.h"
#include "nakodo/config.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/http/answer.h"
#include "nakodo/net/http/coding.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/tls/tls.h"

#define NS_PER_S 1000000000
#define PLAIN "text/plain; version=0.0.4; charset=utf-8"
#define OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Meters whose names begin alike are samples of one family; the rest of the name is the label. */
static const struct family {
	const char *prefix, *name, *label, *help;
} families[] = {
	{"memory_", "memory_bytes", "kind", "Bytes held for clients."},
	{"bytes_", "bytes", "direction",
		"Bytes of payload received from peers, or of frames handed to the kernel for "
		"them."},
	{"refused_", "refused", "code", "Requests that were answered with a refusal."},
	{"closed_", "closed", "code", "Peers that were closed, by the close frame's code."},
	{"shed_", "shed", "what", "What was given up for want of memory."},
};

#define FAMILIES (sizeof(families) / sizeof(*families))

struct page {
	struct text text;
	bool open; /* OpenMetrics */
};

/* In OpenMetrics a counter is named without what its sample has at the end. */
static void write_head(
	struct page *page, const char *name, const char *help, const char *type, const char *suffix)
{
	suffix = page->open ? "" : suffix;
	text_print(&page->text, "# HELP nakodo_%s%s %s\n# TYPE nakodo_%s%s %s\n", name, suffix,
		help, name, suffix, type);
}

static const char *type_of(enum meter_kind kind)
{
	return kind == METER_COUNTER ? "counter" : "gauge";
}

static const char *suffix_of(enum meter_kind kind)
{
	return kind == METER_COUNTER ? "_total" : "";
}

static void write_gauge(struct page *page, const char *name, const char *help, uint64_t value)
{
	write_head(page, name, help, "gauge", "");
	text_print(&page->text, "nakodo_%s %" PRIu64 "\n", name, value);
}

static bool is_of(const struct meter_row *row, const struct family *family)
{
	return !strncmp(row->name, family->prefix, strlen(family->prefix));
}

/* A meter that sums up a family would be counted twice. */
static bool is_in_family(const struct meter_row *row)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		if (is_of(row, &families[i]) || !strcmp(row->name, families[i].name)) {
			return true;
		}
	}
	return false;
}

/* As the codes are written elsewhere: with hyphens. */
static void write_label(struct page *page, const struct family *family, const char *name)
{
	text_print(&page->text, "{%s=\"", family->label);
	for (name += strlen(family->prefix); *name; name++) {
		text_add_bytes(&page->text, *name == '_' ? "-" : name, 1);
	}
	text_add(&page->text, "\"}");
}

static void write_family(struct page *page, const struct family *family)
{
	bool is_first = true;

	for (int i = 0; i < METER_COUNT; i++) {
		const struct meter_row *row = &meter_rows[i];

		if (!is_of(row, family)) {
			continue;
		}
		if (is_first) {
			write_head(page, family->name, family->help, type_of(row->kind),
				suffix_of(row->kind));
			is_first = false;
		}
		text_print(&page->text, "nakodo_%s%s", family->name, suffix_of(row->kind));
		write_label(page, family, row->name);
		text_print(&page->text, " %" PRIu64 "\n", board_sum((enum meter)i));
	}
}

static void write_histogram(struct page *page, enum histogram which)
{
	const struct histogram_values values = board_histogram(which);
	const char *name = histogram_rows[which].name;
	uint64_t count = 0;

	text_print(&page->text, "# HELP nakodo_%s_seconds %s\n# TYPE nakodo_%s_seconds histogram\n",
		name, histogram_rows[which].help, name);
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		count += values.counts[i];
		text_print(&page->text, "nakodo_%s_seconds_bucket{le=\"%s\"} %" PRIu64 "\n", name,
			histogram_bounds[i], count);
	}
	text_print(&page->text,
		"nakodo_%s_seconds_sum %" PRIu64 ".%09" PRIu64 "\nnakodo_%s_seconds_count %" PRIu64
		"\n",
		name, values.sum / NS_PER_S, values.sum % NS_PER_S, name, count);
}

static void write_meters(struct page *page)
{
	for (int i = 0; i < METER_COUNT; i++) {
		const struct meter_row *row = &meter_rows[i];

		if (!is_in_family(row)) {
			write_head(page, row->name, row->help, type_of(row->kind),
				suffix_of(row->kind));
			text_print(&page->text, "nakodo_%s%s %" PRIu64 "\n", row->name,
				suffix_of(row->kind), board_sum((enum meter)i));
		}
	}
	for (size_t i = 0; i < FAMILIES; i++) {
		write_family(page, &families[i]);
	}
	for (int i = 0; i < HISTOGRAM_COUNT; i++) {
		write_histogram(page, (enum histogram)i);
	}
}

static void write_processor(struct page *page)
{
	uint64_t ns = board_processor_time();

	write_head(page, "cpu_seconds", "Seconds of processor time used.", "counter", "_total");
	text_print(&page->text, "nakodo_cpu_seconds_total %" PRIu64 ".%09" PRIu64 "\n",
		ns / NS_PER_S, ns % NS_PER_S);
}

/* What the process is and may have. */
static void write_process(
	struct page *page, const struct sockets *sockets, const struct tls *tls, int64_t started)
{
	int64_t expiry = tls_expiry(tls);

	write_head(page, "build_info", "The version that runs; always 1.", "gauge", "");
	text_print(&page->text,
		"nakodo_build_info{version=\"" NAKODO_VERSION "\",libwebsockets=\"%.*s\"} 1\n",
		(int)strcspn(lws_get_library_version(), "\"\\\n-"), lws_get_library_version());
	write_gauge(page, "start_time_seconds", "When the process started, in seconds since 1970.",
		(uint64_t)started);
	write_processor(page);
	write_gauge(page, "max_connections", "Connections that file descriptors allow.",
		sockets->max_count);
	write_gauge(page, "max_peers", "Peers that max-peers and file descriptors allow.",
		sockets->gate->max_peers);
	write_gauge(page, "max_memory_bytes", "Bytes that max-memory allows to be held.",
		sockets->gate->max_memory);
	if (expiry > 0) {
		write_gauge(page, "certificate_expiry_seconds",
			"When the TLS certificate ends, in seconds since 1970.", (uint64_t)expiry);
	}
}

void metrics_look(const struct sockets *sockets)
{
	if (!sockets->passes_on) {
		meter_set(METER_CONNECTIONS, sockets->count);
	}
}

void metrics_answer(const struct sockets *sockets, const struct tls *tls, int64_t started,
	const char *accept, struct reply *ret)
{
	unsigned weight = coding_media_weight(accept, "application/openmetrics-text");
	struct page page = {.open = weight && weight >= coding_media_weight(accept, "text/plain")};

	metrics_look(sockets);
	write_process(&page, sockets, tls, started);
	write_meters(&page);
	if (page.open) {
		text_add(&page.text, "# EOF\n");
	}
	reply_set_owned(ret, page.open ? OPEN : PLAIN, text_take(&page.text, NULL));
}
