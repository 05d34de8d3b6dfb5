/*
 * nakodo_v1_away: which seats have no connection, by when they lost it and for which address they
 * are kept.
 */
#pragma once

struct nakodo_v1_seat;
struct share_owner;

/* It has lost its connection; it has another, or leaves, and may be confirmed after this at the
 * earliest. */
void nakodo_v1_away_begin(struct nakodo_v1_seat *seat);
void nakodo_v1_away_end(struct nakodo_v1_seat *seat);
/* It is not counted any more as if it were connected (dialect_env.leave_place). */
void nakodo_v1_away_leave_place(struct nakodo_v1_seat *seat);
/* The seats that are kept for that one of `kept`, the oldest first. */
struct nakodo_v1_seat *nakodo_v1_seats_kept(struct share_owner *keeper);
