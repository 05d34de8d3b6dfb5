/* all_rooms: see the header. */
#include "nakodo/dialect/all_rooms.h"

#include "nakodo/dialect/dialect_table.h"

void all_rooms_begin(struct all_rooms *rooms, const struct dialect_table *table)
{
	*rooms = (struct all_rooms){.table = table};
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
		rooms->mount++;
		rooms->path = mount->path ? mount->path : "*";
		room_walk_begin(&rooms->walk, mount->space);
		room = room_walk_next(&rooms->walk);
	}
	return room;
}

void all_rooms_end(struct all_rooms *rooms)
{
	room_walk_end(&rooms->walk);
}
