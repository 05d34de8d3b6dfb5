/*
 * census: how many connections and peers each address has, and whom the log has told of lately.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address;
struct census;

struct census *census_create(void); /* NULL: no memory */
void census_destroy(struct census *census);

/* Count one more connection (or WebSocket peer) of the address's group, unless it has `most`
 * already (0: no bound). False: not counted. An unknown address is never counted nor refused. */
bool census_add_connection(struct census *census, const struct address *address, size_t most);
bool census_add_peer(struct census *census, const struct address *address, size_t most);
void census_remove_connection(struct census *census, const struct address *address);
void census_remove_peer(struct census *census, const struct address *address);

/* May a refusal of this address be logged? Once a minute for each address; `now` in ms. The memory
 * is bounded, so very many addresses may be logged more often, never less. */
bool census_may_log(struct census *census, const struct address *address, uint64_t now);
