/* unit_rooms: see the header. */
#include "nakodo/net/cluster/unit_rooms.h"

#include <string.h>

#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/hub/hub.h"

static const char *room_of(const char *unit, size_t *ret_mount)
{
	*ret_mount = strcspn(unit, "\n");
	return unit + *ret_mount + (unit[*ret_mount] == '\n');
}

struct mount *unit_rooms_mount(
	const struct dialect_table *dialects, const char *unit, const char **ret_room)
{
	size_t len;
	struct mount *mount;

	*ret_room = room_of(unit, &len);
	mount = dialect_table_mount(dialects, unit, len, NULL);
	return mount && mount->dialect->restore_room ? mount : NULL;
}

void unit_rooms_tell(const struct dialect_table *dialects, const char *unit, uint64_t number,
	enum journal_news news)
{
	size_t len;
	const char *room = room_of(unit, &len);
	struct mount *mount = NULL;

	while ((mount = dialect_table_mount(dialects, unit, len, mount))) {
		if (mount->dialect->recorded) {
			mount->dialect->recorded(mount, room, number, news);
		}
	}
}

bool unit_rooms_any(const struct dialect_table *dialects, const char *unit)
{
	size_t len;
	const char *room = room_of(unit, &len);
	struct mount *mount = NULL;

	while ((mount = dialect_table_mount(dialects, unit, len, mount))) {
		if (hub_room(mount->space, room)) {
			return true;
		}
	}
	return false;
}
