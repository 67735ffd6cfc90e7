/* What the two halves of the key log share: bytes to lines. */
#pragma once

#include "capture/source/key_log.h"

struct key_log_out {
    key_log_line_fn *line;
    void *context;
    int count;
    uint64_t too_long;
};

/* The beginning of a line whose end has not come. */
struct key_log_cut {
    uint8_t text[KEY_LOG_LINE_MAX];
    size_t size;
    bool skipping; /* the line is too long */
};

void key_log_cut_feed(struct key_log_cut *cut, struct slice bytes, struct key_log_out *out);
/* No more will come: what is there is a line. */
void key_log_cut_end(struct key_log_cut *cut, struct key_log_out *out);
void key_log_cut_forget(struct key_log_cut *cut);

/* ---- key_log_socket.c ---- */
struct key_log_socket;
int key_log_socket_open(const char *path, bool datagrams, struct key_log_socket **ret_socket,
                        struct why *why);
int key_log_socket_poll(struct key_log_socket *s, struct key_log_out *out);
void key_log_socket_close(struct key_log_socket *s);
