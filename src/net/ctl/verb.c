/* verb: see the header. */
#include "nakodo/net/ctl/verb.h"

#include <string.h>

const struct verb_row verb_rows[VERB_COUNT] = {
	[VERB_STATUS] = {"status", NULL, "Show how the daemon is", {{NULL, NULL, 0}}},
	[VERB_TOP] = {"top", NULL, "Show each second what goes on, until q or Ctrl-C",
		{{NULL, NULL, 0}}},
	[VERB_ROOMS] = {"rooms", NULL, "List the rooms",
		{{"mount", "MOUNT", 16}, {"members", "MEMBERS", -8}, {"room", "ROOM", 0}}},
	[VERB_PEERS] = {"peers", "[ROOM]", "List who is connected, or those in that room",
		{{"peer", "PEER", -8}, {"address", "ADDRESS", 24}, {"mount", "MOUNT", 16},
			{"silent", "SILENT", -7}, {"waiting", "WAITING", -9}, {"id", "ID", 24},
			{"room", "ROOM", 0}}},
	[VERB_KICK] = {"kick", "PEER", "Close the connection of who has that number in `peers`",
		{{NULL, NULL, 0}}},
	[VERB_LOCK] = {"lock", "ROOM", "Let nobody new into that room of nakodo.v1",
		{{NULL, NULL, 0}}},
	[VERB_UNLOCK] = {"unlock", "ROOM", "Let people into that room again", {{NULL, NULL, 0}}},
	[VERB_LOG_LEVEL] = {"log-level", "LEVEL",
		"Log error, warn, info or debug until the next reload or restart",
		{{NULL, NULL, 0}}},
	[VERB_RELOAD] = {"reload", NULL,
		"Read all options anew, as SIGHUP does, and say if it went well",
		{{NULL, NULL, 0}}},
	[VERB_DRAIN] = {"drain", NULL,
		"Stop gently, as SIGTERM does: all are sent away over drain-seconds",
		{{NULL, NULL, 0}}},
	[VERB_CLUSTER] = {"cluster", NULL, "List the nodes of the cluster",
		{{"node", "NODE", 18}, {"address", "ADDRESS", 24}, {"port", "PORT", -6},
			{"units", "UNITS", -8}, {"peers", "PEERS", -8}, {"version", "VERSION", 10},
			{"self", "SELF", 0}}},
	[VERB_UNITS] = {"units", NULL,
		"List the rooms and mounts that this node has or knows another node of",
		{{"mount", "MOUNT", 16}, {"state", "STATE", 8}, {"epoch", "EPOCH", -8},
			{"connections", "CONNECTIONS", -12}, {"node", "NODE", 18},
			{"room", "ROOM", 0}}},
};

enum verb verb_find(const char *name)
{
	int i = 0;

	while (i < VERB_COUNT && strcmp(verb_rows[i].name, name) != 0) {
		i++;
	}
	return (enum verb)i;
}
