/* A server has settled when the CPU clock of its process stands still, or nearly so. */
#include "settle.h"

#include "conn.h"
#include "meter.h"

#define TURN_MS 10
#define QUIET_NS 500000000u /* a server that used no CPU for so long has settled */
#define QUIET_CPU_NS 2000000u /* this much is no use */
#define LONGEST_NS 5000000000u

void settle_wait(pid_t pid, struct net *net)
{
	uint64_t now = meter_now(), end = now + LONGEST_NS, since = now, cpu = meter_cpu(pid);

	while (now < end && now - since < QUIET_NS) {
		net_turn(net, TURN_MS);
		now = meter_now();
		if (meter_cpu(pid) - cpu > QUIET_CPU_NS) {
			cpu = meter_cpu(pid);
			since = now;
		}
	}
}
