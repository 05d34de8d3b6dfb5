/* listener_hold: owns how long a listener lives. */
#include <stdlib.h>

#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/socket/listener.h"

void listener_hold(const struct listener *listener)
{
	((struct listener *)listener)->holders++;
}

void listener_let_go(const struct listener *held)
{
	struct listener *listener = (struct listener *)held;

	if (--listener->holders) {
		return;
	}
	if (listener->own) {
		dialect_table_let_go(listener->own);
	}
	free(listener);
}
