/*
 * verbs: what `nakodo ctl` can have done here.
 */
#pragma once

#include "nakodo/net/ctl/ctl.h"

/* By enum verb; the cookie is the struct server. */
extern const struct ctl_action verb_actions[VERB_COUNT];
/* The same in the first of several processes. */
extern const struct ctl_action verb_first_actions[VERB_COUNT];
