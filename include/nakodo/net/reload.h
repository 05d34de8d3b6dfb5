/*
 * reload: SIGHUP. All that the options say is read and made anew beside what is there; only when
 * nothing can fail any more the new takes the place of the old.
 */
#pragma once

struct server;

/* What was wrong is in the log, and then all is as it was, but that the log is reopened. */
void reload_run(struct server *server);
