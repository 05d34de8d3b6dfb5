/*
 * share: how much of something bounded each address has, and who has so much that it gives way.
 *
 * An owner is what address_group() makes of an address, and has a network (address_network()); all
 * that come without an address are one owner. Networks are compared first: the one that has most
 * gives way, and in the newcomer's own network its owners are compared. So who has many addresses
 * of one network keeps no more with them than with one.
 * Amounts are in whatever unit the caller counts: seats, bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/base/address.h"

struct save;
struct saved;
struct share_owner; /* stays while it has something */

/* Zeroed memory is a share in which nobody has anything. */
struct share {
	struct share_owner *owners, *networks;
	size_t used; /* by all of them */
};

/* A newcomer, and what its owner and their network would have with what it asks for. */
struct share_newcomer {
	const struct share_owner *network; /* NULL: that has nothing yet */
	size_t own, all;
};

/* The owner has so much more. -ENOMEM: it is not counted. */
int share_add(struct share *share, const struct address *address, size_t amount);
/* Every owner has so much more as it has in `other`; those for whom there is no memory have not. */
void share_add_all(struct share *share, const struct share *other);
/* The owner has so much less, which was added before. */
void share_remove(struct share *share, const struct address *address, size_t amount);
/* How much the owner of that address has. */
size_t share_of(const struct share *share, const struct address *address);
/* That owner. NULL: it has nothing. */
struct share_owner *share_find(const struct share *share, const struct address *address);
/* Are both of one owner? */
bool share_is_same(const struct address *one, const struct address *other);
/* Where the caller may keep a list of what the owner has; NULL at first. */
void **share_list(struct share_owner *owner);
/* The bytes that it takes itself. */
size_t share_size(const struct share *share);
/* Nobody has anything any more. */
void share_clear(struct share *share);

/* The owner that gives way to a newcomer with `amount` more, an address group: the one that has
 * most in the network that has most, if that network has more than the newcomer's would have; else
 * the one that has most in the newcomer's own network, if it has more than the newcomer's owner
 * would have. So it still has no less than the newcomer. False: nobody has to give way. */
bool share_find_yielding(const struct share *share, const struct address *newcomer, size_t amount,
	struct address *ret);
/* That owner. NULL: nobody. */
struct share_owner *share_find_yielding_owner(
	const struct share *share, const struct address *newcomer, size_t amount);
/* The owner that has most in the network that has most. NULL: nobody has anything. */
struct share_owner *share_most(const struct share *share);
/* How much the others have that gives way like that, if all do that have to. */
size_t share_yielding(const struct share *share, const struct address *newcomer, size_t amount);
/* The most that every owner may keep if all together are to have less by `excess`, whatever their
 * networks. 0: they have no more than that. */
size_t share_level(const struct share *share, size_t excess);

/* The same for a caller that looks for itself what can go: who would have what then. */
void share_ask(struct share_newcomer *ret, const struct share *share, const struct address *address,
	size_t amount);
/* So much more of what the owner has would go with what is looked at; taken back by unclaim. */
void share_claim(struct share_owner *owner, size_t amount);
void share_unclaim(struct share_owner *owner, size_t amount);
/* Would the owner have no less than the newcomer without what is claimed? */
bool share_can_spare(const struct share_owner *owner, const struct share_newcomer *newcomer);
/* Has its network more than the other's, or if these have the same, it itself? */
bool share_is_heavier(const struct share_owner *owner, const struct share_owner *other);

/* Into a record for the next process (base/save.h), and back into a share in which nobody has
 * anything. What cannot be makes all bad. 0 or -ENOMEM. */
void share_save(const struct share *share, struct save *save);
int share_restore(struct share *share, struct saved *saved);
