/* ending: see the header. */
#include "ending.h"

#include <signal.h>
#include <sys/wait.h>

#include "nakodo/base/board.h"
#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/net/workers/tickets.h"
#include "nakodo/net/workers/workers.h"
#include "worker_slot.h"

#define FAILURES 2 /* at the start, one after the other, and it is not tried again */

int ending_reap(struct worker_slot *slot)
{
	siginfo_t info;
	int status = 0;

	kill(slot->pid, SIGKILL); /* it may be that only we could not read on */
	waitid(P_PID, (id_t)slot->pid, &info, WEXITED | WNOWAIT);
	board_leave(slot->index + 1);
	waitpid(slot->pid, &status, 0);
	slot->pid = 0;
	tickets_take_all(&slot->workers->tickets, slot->index);
	return status;
}

void ending_tell(const struct worker_slot *slot, int status)
{
	const struct workers *workers = slot->workers;
	bool kept = !workers->keeps || slot->left >= 0;
	const char *effect = workers->broken ? "the daemon ends"
			     : !workers->stopping
				     ? "its connections are closed; it is started again"
			     : kept ? "none"
				    : "its sessions are lost";

	if (workers->stopping && !status) {
		return;
	}
	meter_add(METER_WORKERS_ENDED, 1);
	log_error("worker.ended", LOG_UINT("worker", slot->index + 1),
		LOG_UINT(WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? (unsigned)WTERMSIG(status)
					    : (unsigned)WEXITSTATUS(status)),
		LOG_STR("effect", effect));
}

bool ending_is_last(struct worker_slot *slot, int status)
{
	bool failed = !slot->was_ready && status;

	slot->failures = failed ? slot->failures + 1 : 0;
	return slot->failures == FAILURES && !slot->workers->all_ready;
}
