/* Dialog event packages (RFC 4235): which dialogs a user has, as its phone or its PBX says. */
#pragma once

#include "capture/body/xml.h"

#define DIALOG_INFO_MAX 16

enum dialog_info_state {
    DIALOG_INFO_UNKNOWN,
    DIALOG_INFO_TRYING,
    DIALOG_INFO_PROCEEDING,
    DIALOG_INFO_EARLY,
    DIALOG_INFO_CONFIRMED,
    DIALOG_INFO_TERMINATED,
};

enum dialog_info_direction { DIALOG_INFO_DIR_UNKNOWN, DIALOG_INFO_INITIATOR, DIALOG_INFO_RECIPIENT };

struct dialog_info_party {
    struct slice identity; /* URI */
    struct slice display;
    struct slice target;   /* Contact URI */
};

struct dialog_info_dialog {
    struct slice id;
    struct slice call_id;
    struct slice local_tag;
    struct slice remote_tag;
    enum dialog_info_direction direction;
    enum dialog_info_state state;
    struct slice event; /* "cancelled", "rejected", "replaced", "local-bye", "remote-bye", ... */
    uint16_t code;      /* response code; 0: none */
    int64_t duration_s; /* -1: none */
    struct dialog_info_party local;
    struct dialog_info_party remote;
};

struct dialog_info {
    struct slice entity;
    uint32_t version;
    bool full; /* the whole state; else only what changed */
    unsigned dialog_count;
    struct dialog_info_dialog dialogs[DIALOG_INFO_MAX];
    bool limited;
};

enum xml_verdict dialog_info_read(struct xml *x, struct slice body, struct dialog_info *ret);
/* "unknown", "trying", "proceeding", "early", "confirmed", "terminated". */
const char *dialog_info_state_text(enum dialog_info_state s);
