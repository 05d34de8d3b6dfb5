/*
 * share: how much of something bounded each address has, and who has so much that it gives way.
 *
 * An owner is what address_group() makes of an address; all that come without one are one owner.
 * Amounts are in whatever unit the caller counts: seats, bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/base/address.h"

struct share_owner;

/* Zeroed memory is a share in which nobody has anything. */
struct share {
	struct share_owner *owners;
	size_t used; /* by all of them */
};

/* The owner has so much more. -ENOMEM: it is not counted. */
int share_add(struct share *share, const struct address *address, size_t amount);
/* The owner has so much less, which was added before. */
void share_remove(struct share *share, const struct address *address, size_t amount);
/* How much the owner of that address has. */
size_t share_of(const struct share *share, const struct address *address);
/* The owner (an address group) that has most. False: nobody has anything. */
bool share_find_most(const struct share *share, struct address *ret);
/* The owner that has most, if it has more than the newcomer's owner would have with `amount` more:
 * then it can give way and still has no less than the newcomer. False: nobody has to give way. */
bool share_find_yielding(const struct share *share, const struct address *newcomer, size_t amount,
	struct address *ret);
/* How much the others have that gives way like that: all that each has beyond what the newcomer's
 * owner would have. */
size_t share_yielding(const struct share *share, const struct address *newcomer, size_t amount);
/* The most that every owner may keep if all together are to have less by `excess`. 0: they have no
 * more than that. */
size_t share_level(const struct share *share, size_t excess);
/* Are both of one owner? */
bool share_is_same(const struct address *one, const struct address *other);
/* Nobody has anything any more. */
void share_clear(struct share *share);
