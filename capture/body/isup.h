/* ISUP (ITU-T Q.763) carried by SIP-I and SIP-T: application/isup, without the circuit number. */
#pragma once

#include "base/slice.h"

enum isup_type {
    ISUP_IAM = 0x01,
    ISUP_SAM = 0x02,
    ISUP_ACM = 0x06,
    ISUP_CON = 0x07,
    ISUP_ANM = 0x09,
    ISUP_REL = 0x0c,
    ISUP_SUS = 0x0d,
    ISUP_RES = 0x0e,
    ISUP_RLC = 0x10,
    ISUP_CPG = 0x2c,
};

#define ISUP_DIGITS_MAX 32

struct isup_number {
    bool given;
    char digits[ISUP_DIGITS_MAX + 1]; /* 0-9, B and C for codes 11 and 12; without the end mark */
    uint8_t nature;       /* 1 subscriber, 3 national, 4 international */
    uint8_t plan;         /* 1: E.164 */
    uint8_t presentation; /* calling: 0 allowed, 1 restricted, 2 not available */
    uint8_t screening;
};

struct isup {
    uint8_t type;
    uint8_t cause;    /* Q.850, of REL, ACM, CPG; 0: none */
    uint8_t location; /* of the cause */
    struct isup_number called;
    struct isup_number calling;
    uint8_t category; /* calling party's, of an IAM */
};

/* False when the message type is unknown or its mandatory part does not fit. */
bool isup_read(struct slice body, struct isup *ret);
/* "IAM", "REL", ...; NULL: unknown. */
const char *isup_type_text(uint8_t type);
/* Whose number it is ("national"), may it be shown ("restricted"), where a cause comes from ("public_local", Q.850 2.2.3). */
const char *isup_nature_text(uint8_t nature);
const char *isup_presentation_text(uint8_t presentation);
const char *isup_location_text(uint8_t location);
