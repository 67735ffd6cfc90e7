/* An IFP packet of T.38: an indicator (what the modem does), or fields of data (what it demodulated). Versions differ in how fields
 * are packed (the first edition of 1998 packed them by half octets), and no packet says which it is. */
#pragma once

#include "base/slice.h"

enum ifp_data { IFP_V21 = 0 }; /* the slow modem, of control frames; all other kinds carry pages */

enum ifp_field_kind {
    IFP_HDLC_DATA,
    IFP_HDLC_SIG_END,
    IFP_HDLC_FCS_OK,
    IFP_HDLC_FCS_BAD,
    IFP_HDLC_FCS_OK_SIG_END,
    IFP_HDLC_FCS_BAD_SIG_END,
    IFP_PAGE_DATA,
    IFP_PAGE_SIG_END,
};

#define IFP_FIELDS_MAX 32

struct ifp_field {
    enum ifp_field_kind kind;
    struct slice data;
};

struct ifp {
    bool indicator;
    unsigned value; /* of the indicator (0: no signal), or enum ifp_data */
    unsigned field_count;
    struct ifp_field fields[IFP_FIELDS_MAX];
};

enum ifp_packing { IFP_OCTETS, IFP_HALVES };

/* False: it is not packed so. */
bool ifp_parse(struct slice packet, enum ifp_packing packing, struct ifp *ret_ifp);
