/* Names of the field: methods and reason phrases. */
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

/* The IANA registry of response codes, in order. */
static const struct {
    uint16_t status;
    const char *phrase;
} phrases[] = {
    {100, "Trying"},
    {180, "Ringing"},
    {181, "Call Is Being Forwarded"},
    {182, "Queued"},
    {183, "Session Progress"},
    {199, "Early Dialog Terminated"},
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Notification"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Moved Temporarily"},
    {305, "Use Proxy"},
    {380, "Alternative Service"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {412, "Conditional Request Failed"},
    {413, "Request Entity Too Large"},
    {414, "Request-URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Unsupported URI Scheme"},
    {417, "Unknown Resource-Priority"},
    {420, "Bad Extension"},
    {421, "Extension Required"},
    {422, "Session Interval Too Small"},
    {423, "Interval Too Brief"},
    {424, "Bad Location Information"},
    {425, "Bad Alert Message"},
    {428, "Use Identity Header"},
    {429, "Provide Referrer Identity"},
    {430, "Flow Failed"},
    {433, "Anonymity Disallowed"},
    {436, "Bad Identity Info"},
    {437, "Unsupported Credential"},
    {438, "Invalid Identity Header"},
    {439, "First Hop Lacks Outbound Support"},
    {440, "Max-Breadth Exceeded"},
    {469, "Bad Info Package"},
    {470, "Consent Needed"},
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"},
    {482, "Loop Detected"},
    {483, "Too Many Hops"},
    {484, "Address Incomplete"},
    {485, "Ambiguous"},
    {486, "Busy Here"},
    {487, "Request Terminated"},
    {488, "Not Acceptable Here"},
    {489, "Bad Event"},
    {491, "Request Pending"},
    {493, "Undecipherable"},
    {494, "Security Agreement Required"},
    {500, "Server Internal Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Server Time-out"},
    {505, "Version Not Supported"},
    {513, "Message Too Large"},
    {555, "Push Notification Service Not Supported"},
    {580, "Precondition Failure"},
    {600, "Busy Everywhere"},
    {603, "Decline"},
    {604, "Does Not Exist Anywhere"},
    {606, "Not Acceptable"},
    {607, "Unwanted"},
    {608, "Rejected"},
};

const char *sip_status_phrase(unsigned status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "";
}
