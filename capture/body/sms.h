/* SMS over IP: application/vnd.3gpp.sms, an RP message (3GPP TS 24.011 7.3) with a TP message
 * (23.040 9.2) in it. */
#pragma once

#include "base/slice.h"

enum sms_rp { SMS_RP_DATA, SMS_RP_ACK, SMS_RP_ERROR, SMS_RP_SMMA };
enum sms_tp {
    SMS_TP_NONE, /* no TP message in it, or one that could not be read */
    SMS_DELIVER,
    SMS_DELIVER_REPORT,
    SMS_SUBMIT,
    SMS_SUBMIT_REPORT,
    SMS_STATUS_REPORT,
    SMS_COMMAND,
};

#define SMS_NUMBER_MAX 24 /* with '+', 20 digits, or 11 letters of an alphanumeric sender, NUL */

struct sms {
    enum sms_rp rp;
    bool from_network; /* the RP direction */
    uint8_t reference;
    uint8_t rp_cause;  /* RP-ERROR */
    char smsc[SMS_NUMBER_MAX]; /* the service centre, as RP names it; "" none */
    enum sms_tp tp;
    char number[SMS_NUMBER_MAX]; /* TP originating, destination or recipient address */
    uint8_t pid;
    uint8_t dcs;
    uint8_t tp_status;       /* of a status report */
    bool has_header;         /* user data header: concatenated, ports */
    uint8_t part, parts;     /* of a concatenated message; 0: not one */
    uint16_t concat_ref;
    uint16_t text_length;    /* characters (septets or UCS-2 units) or octets, header excluded */
    struct slice user_data;  /* as coded, header included: sms_text() */
    uint8_t user_data_length; /* TP-UDL */
};

/* False when it is no RP message. */
bool sms_read(struct slice body, struct sms *ret);
/* The text as UTF-8, NUL-terminated, cut to size; returns the bytes written. 8-bit or compressed
 * data gives "". */
size_t sms_text(const struct sms *s, char *out, size_t out_size);
const char *sms_tp_text(enum sms_tp tp); /* "deliver", "submit", ... ; NULL: none */
const char *sms_rp_text(enum sms_rp rp); /* "data", "ack", "error", "smma" */
