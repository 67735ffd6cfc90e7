/* Names of the field: header fields and methods. */
#include "capture/sip/sip.h"

static const char *const methods[] = {
    [SIP_INVITE] = "INVITE",
    [SIP_ACK] = "ACK",
    [SIP_BYE] = "BYE",
    [SIP_CANCEL] = "CANCEL",
    [SIP_PRACK] = "PRACK",
    [SIP_UPDATE] = "UPDATE",
    [SIP_INFO] = "INFO",
    [SIP_REFER] = "REFER",
    [SIP_REGISTER] = "REGISTER",
    [SIP_OPTIONS] = "OPTIONS",
    [SIP_SUBSCRIBE] = "SUBSCRIBE",
    [SIP_NOTIFY] = "NOTIFY",
    [SIP_PUBLISH] = "PUBLISH",
    [SIP_MESSAGE] = "MESSAGE",
    [SIP_UNKNOWN] = "other",
};

static enum sip_method method_if(struct slice text, enum sip_method m)
{
    return slice_is_nocase(text, methods[m]) ? m : SIP_UNKNOWN;
}

/* No two of the 14 share their first two letters and their length. */
enum sip_method sip_method_of(struct slice text)
{
    if (text.size < 3)
        return SIP_UNKNOWN;
    uint8_t second = text.data[1] | 0x20;
    switch (text.data[0] | 0x20) {
    case 'i':
        return method_if(text, text.size == 4 ? SIP_INFO : SIP_INVITE);
    case 'a':
        return method_if(text, SIP_ACK);
    case 'b':
        return method_if(text, SIP_BYE);
    case 'c':
        return method_if(text, SIP_CANCEL);
    case 'p':
        return method_if(text, second == 'r' ? SIP_PRACK : SIP_PUBLISH);
    case 'u':
        return method_if(text, SIP_UPDATE);
    case 'r':
        return method_if(text, text.size == 5 ? SIP_REFER : SIP_REGISTER);
    case 'o':
        return method_if(text, SIP_OPTIONS);
    case 's':
        return method_if(text, SIP_SUBSCRIBE);
    case 'n':
        return method_if(text, SIP_NOTIFY);
    case 'm':
        return method_if(text, SIP_MESSAGE);
    default:
        return SIP_UNKNOWN;
    }
}

const char *sip_method_name(enum sip_method m)
{
    return (unsigned)m < SIP_UNKNOWN ? methods[m] : methods[SIP_UNKNOWN];
}
