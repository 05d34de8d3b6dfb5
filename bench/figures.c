/* Knows neither what the messages are nor where they go: rooms.c and talk.c do. */
#include "figures.h"

#include <err.h>
#include <stdio.h>

#include "conn.h"
#include "load.h"
#include "meter.h"

#define SECOND 1000000000u
#define TURN_MS 10
#define FAULTS_TOLD 10

uint64_t figures_faults(const struct figures *f)
{
	const struct faults *all = &f->faults;

	return all->lost + all->doubled + all->reordered + all->changed + all->closed;
}

void figures_fault(struct figures *f, uint64_t *counter, uint64_t count, const char *what)
{
	if (figures_faults(f) < FAULTS_TOLD) {
		warnx("%s", what);
	}
	*counter += count;
}

bool figures_order(struct figures *f, struct order *order, uint64_t seq)
{
	uint64_t back;

	if (seq >= order->next) {
		back = seq - order->next;
		if (back) {
			figures_fault(f, &f->faults.lost, back, "a message was skipped");
		}
		order->absent =
			back < 63 ? order->absent << (back + 1) | ((1ull << back) - 1) << 1 : 0;
		order->next = seq + 1;
		return true;
	}
	back = order->next - 1 - seq;
	if (back < 64 && order->absent >> back & 1) {
		order->absent &= ~(1ull << back);
		f->faults.lost--;
		figures_fault(f, &f->faults.reordered, 1, "a message came out of order");
		return true;
	}
	figures_fault(f, &f->faults.doubled, 1, "a message came twice");
	return false;
}

void figures_delivered(struct figures *f, uint64_t ns)
{
	f->total++;
	if (f->measuring) {
		f->deliveries++;
		histogram_add(&f->latency, ns);
	}
}

static void figures_wait(const struct figures *f, struct net *net, double seconds)
{
	uint64_t end = meter_now() + (uint64_t)(seconds * SECOND);

	while (meter_now() < end && !f->faults.closed) {
		net_turn(net, TURN_MS);
	}
}

static void figures_read(struct reading *ret_reading, pid_t server)
{
	ret_reading->server_cpu = meter_cpu(server);
	ret_reading->own_cpu = meter_cpu(0);
	ret_reading->time = meter_now();
}

void figures_measure(struct figures *f, struct net *net, const struct load_options *o)
{
	figures_wait(f, net, o->warmup);
	figures_read(&f->from, o->pid);
	f->measuring = true;
	figures_wait(f, net, o->seconds);
	f->measuring = false;
	figures_read(&f->to, o->pid);
}

int figures_print(const struct figures *f, const char *more)
{
	double n = (double)f->deliveries;
	double ns = (double)(f->to.time - f->from.time);
	double cpu = (double)(f->to.server_cpu - f->from.server_cpu);
	const struct faults *all = &f->faults;

	if (!f->deliveries) {
		warnx("nothing was delivered in the measured time");
		return 1;
	}
	printf("{\"deliveries\":%ju,\"total\":%ju,\"seconds\":%.3f,\"per_second\":%.0f,"
	       "\"cpu_us\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
	       "\"server_busy\":%.3f,\"load_busy\":%.3f,"
	       "\"lost\":%ju,\"doubled\":%ju,\"reordered\":%ju,\"changed\":%ju,\"closed\":%ju%s}\n",
		(uintmax_t)f->deliveries, (uintmax_t)f->total, ns / SECOND, n / ns * SECOND,
		cpu / n / 1000, (double)histogram_at(&f->latency, 0.5) / 1000,
		(double)histogram_at(&f->latency, 0.99) / 1000, cpu / ns,
		(double)(f->to.own_cpu - f->from.own_cpu) / ns, (uintmax_t)all->lost,
		(uintmax_t)all->doubled, (uintmax_t)all->reordered, (uintmax_t)all->changed,
		(uintmax_t)all->closed, more);
	return figures_faults(f) ? 1 : 0;
}
