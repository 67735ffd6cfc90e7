/* What a message is. The body is looked at once and not kept; of a link only what names the file, without user
 * information and query, which may hold tokens. */
#include "capture/body/cpim.h"
#include "capture/body/file_meta.h"
#include "capture/body/imdn.h"
#include "capture/body/is_composing.h"
#include "capture/body/sms.h"
#include "capture/call/messages.h"
#include "capture/call/siprec_note.h"

static void set_text(struct slice value, char *out, size_t size)
{
    user_text(slice_trim(value), out, size);
}

/* ---- files ---- */

/* scheme://host/path */
static void set_url(struct slice url, char *out, size_t size)
{
    url = slice_sub(url, 0, slice_index(url, '?'));
    url = slice_sub(url, 0, slice_index(url, '#'));
    size_t scheme = slice_starts_nocase(url, "https://") ? 8 : slice_starts_nocase(url, "http://") ? 7 : 0;
    struct slice rest = slice_from(url, scheme);
    size_t at = slice_index(slice_sub(rest, 0, slice_index(rest, '/')), '@');
    if (at < slice_index(rest, '/'))
        rest = slice_from(rest, at + 1);
    size_t n = slice_copy_to(slice_sub(url, 0, scheme), out, size);
    slice_copy_to(rest, out + n, size - n);
}

static void set_file(struct user_message *m, const struct file_meta *f)
{
    set_text(slice_sub(f->name, 0, slice_index(f->name, '?')), m->file_name, sizeof m->file_name);
    set_text(f->type, m->file_type, sizeof m->file_type);
    set_url(f->url, m->file_url, sizeof m->file_url);
    m->file_bytes = f->size_bytes > 0 ? (uint64_t)f->size_bytes : 0;
    if (f->hash.size == 0)
        return;
    size_t n = slice_copy_to(f->hash_algorithm, m->file_hash, sizeof m->file_hash);
    if (n && n + 1 < sizeof m->file_hash)
        m->file_hash[n++] = ':';
    slice_copy_to(f->hash, m->file_hash + n, sizeof m->file_hash - n);
}

/* A text that is nothing but a link offers a file; one with a link in it stays a text. */
static void look_for_link(struct user_message *m, struct slice text)
{
    struct file_meta f;
    if (!file_meta_link(text, &f))
        return;
    set_file(m, &f);
    if (m->kind == MESSAGE_TEXT && slice_equal(slice_trim(text), f.url))
        m->kind = MESSAGE_FILE;
}

/* ---- receipts and typing ---- */

static void set_receipt(struct users *u, struct user_message *m, struct slice body)
{
    struct imdn r;
    m->kind = MESSAGE_IMDN;
    if (!xml_was_read(u->c->counters, imdn_read(u->xml, body, &r)))
        return;
    set_text(r.message_id, m->imdn_id, sizeof m->imdn_id);
    bool good = slice_is_nocase(r.status, "delivered") || slice_is_nocase(r.status, "displayed") ||
                slice_is_nocase(r.status, "processed") || slice_is_nocase(r.status, "stored");
    m->imdn = !good                    ? MESSAGE_IMDN_FAILED
              : r.kind == IMDN_DISPLAY ? MESSAGE_IMDN_DISPLAYED
              : r.kind == IMDN_DELIVERY ? MESSAGE_IMDN_DELIVERED
                                        : MESSAGE_IMDN_PROCESSED;
}

static void set_composing(struct users *u, struct user_message *m, struct slice body)
{
    struct is_composing r;
    m->kind = MESSAGE_COMPOSING;
    m->composing = xml_was_read(u->c->counters, is_composing_read(u->xml, body, &r)) && r.active;
}

/* ---- SMS ---- */

static void set_sms(struct user_message *m, struct slice body)
{
    struct sms sms;
    m->kind = MESSAGE_SMS;
    if (!sms_read(body, &sms))
        return;
    const char *type = sms_tp_text(sms.tp);
    slice_copy_to(slice_str(type ? type : sms_rp_text(sms.rp)), m->sms_type, sizeof m->sms_type);
    bool to_phone = sms.tp == SMS_DELIVER;
    slice_copy_to(slice_str(to_phone ? sms.number : ""), m->sms_from, sizeof m->sms_from);
    slice_copy_to(slice_str(to_phone ? "" : sms.number), m->sms_to, sizeof m->sms_to);
}

/* A text from a service centre: its address says so. */
static bool from_centre(const struct sip_msg *m)
{
    static const char *const words[] = {"smsc", "ipsmgw", "ip-sm-gw", "sms-gw", "smsgw"};
    struct slice names[2] = {m->from.user, m->from.host};
    for (unsigned n = 0; n < 2; n++) {
        for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
            if (slice_starts_nocase(names[n], words[i]))
                return true;
    }
    return false;
}

static void look_for_centre(struct user_message *m, const struct sip_msg *msg)
{
    if (m->kind != MESSAGE_TEXT || !from_centre(msg))
        return;
    m->kind = MESSAGE_SMS;
    slice_copy_to(slice_str("text"), m->sms_type, sizeof m->sms_type);
}

/* ---- by content type ---- */

static bool starts_text(struct slice type)
{
    return slice_starts_nocase(type, "text/plain");
}

static void by_type(struct users *u, struct user_message *m, struct slice type, struct slice body)
{
    struct file_meta f;
    if (slice_is_nocase(type, "message/imdn+xml"))
        set_receipt(u, m, body);
    else if (slice_is_nocase(type, "application/im-iscomposing+xml"))
        set_composing(u, m, body);
    else if (slice_is_nocase(type, "application/vnd.3gpp.sms"))
        set_sms(m, body);
    else if (slice_is_nocase(type, "application/vnd.gsma.rcs-ft-http+xml")) {
        m->kind = MESSAGE_FILE;
        if (xml_was_read(u->c->counters, file_meta_rcs(u->xml, body, &f)))
            set_file(m, &f);
    } else if (starts_text(type)) {
        look_for_link(m, body);
    } else if (slice_starts_nocase(type, "image/") || slice_starts_nocase(type, "video/") ||
               slice_starts_nocase(type, "audio/")) {
        m->kind = MESSAGE_FILE;
        set_text(type, m->file_type, sizeof m->file_type);
        m->file_bytes = body.size;
    }
}

/* ---- sessions ---- */

/* An m= line of that kind, at the start of a line. */
static bool has_message_line(struct slice sdp)
{
    static const char line[] = "\nm=message ";
    return sdp.size && memmem(sdp.data, sdp.size, line, sizeof line - 1) != NULL;
}

bool messages_is_session(const struct sighting *s)
{
    return s->m->request && has_message_line(s->sdp);
}

static void set_session(struct user_message *m, struct slice sdp)
{
    struct file_meta f;
    struct slice line;
    m->kind = MESSAGE_SESSION;
    while (sdp.size) {
        line = slice_trim(slice_cut(&sdp, '\n'));
        if (!slice_starts(line, "a=file-selector:"))
            continue;
        if (!file_meta_selector(slice_from(line, strlen("a=file-selector:")), &f))
            continue;
        m->kind = MESSAGE_FILE;
        set_file(m, &f);
        return;
    }
}

void message_classify(struct users *u, struct user_message *m, const struct sighting *s)
{
    struct cpim envelope;
    struct slice type = user_content_type(s->m), body = s->m->body;
    if (s->m->method == SIP_INVITE) {
        set_session(m, s->sdp);
        return;
    }
    if (s->m->flags & SIP_FLAG_BODY_ENCODED)
        return;
    if (slice_is_nocase(type, "message/cpim") && cpim_read(body, &envelope)) {
        type = slice_trim(slice_sub(envelope.content_type, 0, slice_index(envelope.content_type, ';')));
        body = envelope.content;
    }
    by_type(u, m, type, body);
    look_for_centre(m, s->m);
}
