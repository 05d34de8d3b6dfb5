/*
 * mount_audit: what the dialects hold beyond rooms and members, for hub/audit.h. In debug builds.
 */
#pragma once

#ifdef NAKODO_AUDIT

struct audit;
struct mount;
struct nakodo_v1;
struct nakodo_v1_seat;
struct nakodo_v1_waiting;
struct peerjs_queue;
struct room;

/* All rooms have been looked at. */
void mount_audit(const struct mount *mount, struct audit *audit);

/* What only its own file knows. */
void nakodo_v1_history_audit(const struct nakodo_v1 *v1, struct audit *audit);
void nakodo_v1_token_audit(const struct nakodo_v1 *v1, struct audit *audit);
/* What of the seat and, with the first of a room, of the room is known to be recorded. */
void nakodo_v1_journal_audit(const struct nakodo_v1_seat *seat, struct audit *audit);
/* Is it recorded as it is? */
void nakodo_v1_record_audit(const struct nakodo_v1_seat *seat, struct audit *audit);
void nakodo_v1_waiting_audit(const struct nakodo_v1_waiting *waiting, struct audit *audit);
void peerjs_queue_audit(const struct peerjs_queue *queue, struct audit *audit);
void y_webrtc_topic_audit(const struct room *room, struct audit *audit);

#endif
