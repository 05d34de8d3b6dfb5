/*
 * reload: SIGHUP. All that the options say is read and made anew beside what is there; only when
 * nothing can fail any more the new takes the place of the old.
 */
#pragma once

struct problem;
struct server;

/* 0, or -errno with a sentence, which is in the log as well: then all is as it was, but that the
 * log is reopened. */
int reload_run(struct server *server, struct problem *problem);
/* Tell the log and systemd that it is done: in all processes, if there are several. */
void reload_tell(struct server *server);
