/* all_rooms: see the header. */
#include "nakodo/dialect/all_rooms.h"

#include "nakodo/dialect/dialect_table.h"

void all_rooms_begin(struct all_rooms *rooms, const struct dialect_table *table)
{
	*rooms = (struct all_rooms){.table = table};
}

/* Listeners of their own may have their rooms in common. */
static bool was_before(const struct all_rooms *rooms, const struct mount *mount)
{
	size_t i = 0;

	while (dialect_table_at(rooms->table, i)->space != mount->space) {
		i++;
	}
	return i < rooms->mount;
}

const struct room *all_rooms_next(struct all_rooms *rooms)
{
	const struct room *room = room_walk_next(&rooms->walk);

	while (!room) {
		const struct mount *mount = dialect_table_at(rooms->table, rooms->mount);

		room_walk_end(&rooms->walk);
		if (!mount) {
			return NULL;
		}
		if (!was_before(rooms, mount)) {
			rooms->path = mount->path ? mount->path : "*";
			room_walk_begin(&rooms->walk, mount->space);
			room = room_walk_next(&rooms->walk);
		}
		rooms->mount++;
	}
	return room;
}

void all_rooms_end(struct all_rooms *rooms)
{
	room_walk_end(&rooms->walk);
}
