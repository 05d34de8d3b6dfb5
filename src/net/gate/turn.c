/* turn: measures each message. What the census knows of an address says what it has used. */
#include "nakodo/net/gate/turn.h"

#include <uv.h>

#include "nakodo/net/gate/census.h"
#include "nakodo/net/loop/deadlines.h"

#define SHARED 2000000 /* ns of a turn for one address while others have something to say, */
#define ALONE 25000000 /* and while nobody has: there is only who comes newly */
#define OTHERS 1000 /* ms for which an address that said something is awaited */
#define FRAME 250 /* ns that writing a frame takes later, */
#define BYTES 2 /* and how many of its bytes take one more; TLS and the kernel's copy */

void turn_start(struct turn *turn, const struct hub *hub, const struct deadlines *deadlines)
{
	*turn = (struct turn){.hub = hub, .deadlines = deadlines, .number = 1};
}

void turn_next(struct turn *turn)
{
	turn->number++;
}

bool turn_has_room(const struct turn *turn, struct census_group *group)
{
	uint64_t others = turn->speaker == group ? turn->others : turn->spoke;
	bool is_shared = others + OTHERS > deadlines_now(turn->deadlines);

	if (census_worked(group, turn->number) < (is_shared ? SHARED : ALONE)) {
		return true;
	}
	census_use_up(group, turn->number); /* others may have been silent for long by then */
	return false;
}

static void begin(struct turn *turn)
{
	turn->busy = true;
	turn->queued = hub_queued(turn->hub);
	if (!turn->goes_on) {
		turn->began = uv_hrtime();
	}
}

void turn_begin(struct turn *turn, const struct census_group *group)
{
	turn->spoke = deadlines_now(turn->deadlines);
	if (turn->speaker != group) {
		turn->speaker = group;
		turn->others = turn->spoke;
	}
	begin(turn);
}

bool turn_begin_aside(struct turn *turn)
{
	if (turn->busy) {
		return false;
	}
	turn_interrupt(turn);
	begin(turn);
	return true;
}

void turn_interrupt(struct turn *turn)
{
	turn->goes_on = false;
}

void turn_spend(struct turn *turn, struct census_group *group, uint64_t ns)
{
	census_work(group, turn->number, ns);
}

void turn_end(struct turn *turn, struct census_group *group)
{
	struct queued queued = hub_queued(turn->hub);
	uint64_t frames = queued.frames - turn->queued.frames;
	uint64_t bytes = queued.bytes - turn->queued.bytes;
	uint64_t now = uv_hrtime();

	census_work(group, turn->number, now - turn->began + frames * FRAME + bytes / BYTES);
	turn->busy = false;
	turn->began = now;
	turn->goes_on = true;
}
