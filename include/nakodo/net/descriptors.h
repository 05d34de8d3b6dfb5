/*
 * descriptors: for how many peers there are enough of them.
 */
#pragma once

struct server;

/* At the start: raise the soft limit to what max-peers needs, or let max-peers be no more than
 * there is room for. */
void descriptors_fit(struct server *server);
/* The options have changed: max-peers anew, as far as there is room for it in what was got then. */
void descriptors_share(struct server *server);
