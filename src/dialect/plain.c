/* plain: see the header. The room's name comes from the path, else from ?room=, else it is "". */
#include "nakodo/dialect/plain.h"

#include <errno.h>
#include <string.h>

#include "nakodo/base/problem.h"
#include "nakodo/base/query.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/event.h"

static int parse_frames(const char *text, enum frame_choice *ret)
{
	if (!strcmp(text, "text")) {
		*ret = FRAME_AS_TEXT;
	} else if (!strcmp(text, "binary")) {
		*ret = FRAME_AS_BINARY;
	} else {
		return -EINVAL;
	}
	return 0;
}

int plain_check(const struct mount *mount, const char *const *names, struct problem *problem)
{
	enum frame_choice choice;
	char value[16];
	long len = query_get(mount->parameters, "frames", value, sizeof(value));

	if (len != -ENOENT && (len < 0 || parse_frames(value, &choice))) {
		return problem_set(problem, -EINVAL, "frames must be `text` or `binary`");
	}
	return mount_check(mount, names, problem);
}

bool plain_choose_frames(struct peer *peer, const struct request *request)
{
	char frames[16];
	long len = request_get(request, "frames", frames, sizeof(frames));
	enum frame_choice choice = FRAME_AS_SENT;

	if (len != -ENOENT && (len < 0 || parse_frames(frames, &choice))) {
		hub_close(peer, PLAIN_CLOSE_BAD_REQUEST, "frames must be text or binary");
		return false;
	}
	peer->choice = choice;
	return true;
}

int plain_join(struct peer *peer, const struct request *request)
{
	char room[HUB_NAME_MAX + 1] = "";
	const char *name = request->room;
	struct member *seat;
	long len;
	int error;

	if (!plain_choose_frames(peer, request)) {
		return -EINVAL;
	}
	if (!*name) {
		len = request_get(request, "room", room, sizeof(room));
		error = len < 0 && len != -ENOENT ? -EINVAL : 0;
		name = room;
	} else {
		error = 0;
	}
	if (!error) {
		error = hub_join(request->mount->space, name, peer, NULL, &seat);
	}
	if (!error) {
		peer->state_of_dialect = (void *)request->mount;
		event_join(request->mount, seat->room, peer, NULL);
		return 0;
	}
	if (error == -EINVAL) {
		hub_close(peer, PLAIN_CLOSE_BAD_REQUEST, "a room's name has at most 128 bytes");
	} else if (error != -ENOSPC) {
		hub_close(peer, 1011, "out of memory");
	}
	return error;
}

void plain_close(struct peer *peer)
{
	if (peer->state_of_dialect) {
		event_close(peer->state_of_dialect, peer);
	}
}
