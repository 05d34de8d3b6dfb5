/*
 * options_check: is the text of an option right? Each is an option_check_fn (options_table.h).
 */
#pragma once

struct problem;

int options_check_cluster(const char *text, struct problem *problem);
int options_check_cluster_listen(const char *text, struct problem *problem);
int options_check_cluster_name(const char *text, struct problem *problem);
int options_check_ctl(const char *text, struct problem *problem);
int options_check_ice_server(const char *text, struct problem *problem);
int options_check_listen(const char *text, struct problem *problem);
int options_check_mount(const char *text, struct problem *problem);
int options_check_origin(const char *text, struct problem *problem);
int options_check_server_name(const char *text, struct problem *problem);
int options_check_subprotocol(const char *text, struct problem *problem);
int options_check_webhook(const char *text, struct problem *problem);
int options_check_turn_server(const char *text, struct problem *problem);
int options_check_trusted_proxy(const char *text, struct problem *problem);
