/* Any bytes as each body that is no XML; the first byte chooses the reader. Every slice that comes
 * back must lie in the input. */
#include <assert.h>
#include <math.h>

#include "capture/body/cpim.h"
#include "capture/body/dtmf_info.h"
#include "capture/body/file_meta.h"
#include "capture/body/isup.h"
#include "capture/body/mwi.h"
#include "capture/body/rtp_stat.h"
#include "capture/body/sipfrag.h"
#include "capture/body/sms.h"
#include "capture/body/vq_report.h"

#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lies_in(struct slice part, struct slice body)
{
    assert(part.size <= body.size);
    assert(part.size == 0 ||
           (part.data >= body.data && part.data + part.size <= body.data + body.size));
}

static void read_vq(struct slice body)
{
    struct vq_report r;
    uint32_t ssrc[2];
    if (!vq_report_read(body, &r))
        return;
    lies_in(r.call_id, body);
    lies_in(r.local_metrics.fmtp, body);
    lies_in(r.dialog_id, body);
    lies_in(r.from_tag, body);
    assert(vq_ssrc_values(r.local.ssrc, ssrc) <= 2);
    double mos = r.remote_metrics.mos_lq;
    assert(isnan(mos) || (mos >= 1 && mos <= 4.9));
}

static void read_stat(struct slice body)
{
    static const char *const names[] = {"X-RTP-Stat", "RTP-RxStat", "RTP-TxStat"};
    struct rtp_stat s;
    rtp_stat_init(&s);
    for (unsigned i = 0; i < 3; i++)
        rtp_stat_read(slice_str(names[i]), body, &s);
    lies_in(s.encoder, body);
    lies_in(s.remote, body);
    assert(s.packets_received >= -1 && s.lost_sent >= -1);
}

static void read_sms(struct slice body)
{
    struct sms s;
    char text[200];
    if (!sms_read(body, &s))
        return;
    lies_in(s.user_data, body);
    assert(memchr(s.number, '\0', sizeof s.number) && memchr(s.smsc, '\0', sizeof s.smsc));
    for (size_t room = 1; room <= sizeof text; room += 7) {
        struct slice rest = slice_of(text, sms_text(&s, text, room));
        assert(rest.size < room && text[rest.size] == '\0');
        while (rest.size) {
            size_t n = utf8_length(rest);
            assert(n > 0);
            rest = slice_from(rest, n);
        }
    }
}

static void read_lines(struct slice body, unsigned which)
{
    struct mwi mwi;
    struct cpim cpim;
    struct sipfrag frag;
    if (which == 0 && mwi_read(body, &mwi))
        lies_in(mwi.account, body);
    if (which == 1 && cpim_read(body, &cpim)) {
        lies_in(cpim.from, body);
        lies_in(cpim.to_name, body);
        lies_in(cpim.content, body);
    }
    if (which == 2 && sipfrag_read(body, &frag)) {
        lies_in(frag.headers, body);
        lies_in(frag.reason_phrase, body);
        lies_in(frag.request_uri, body);
    }
}

static void read_rest(struct slice body, unsigned which)
{
    struct dtmf_info dtmf;
    struct isup isup;
    struct file_meta file;
    if (which == 0 && dtmf_info_read(slice_str("application/dtmf"), body, &dtmf))
        assert(strchr("0123456789*#ABCD!", dtmf.digit) && dtmf.digit);
    if (which == 1 && isup_read(body, &isup))
        assert(strlen(isup.called.digits) <= ISUP_DIGITS_MAX && isup.cause < 128);
    if (which == 2 && file_meta_selector(body, &file)) {
        lies_in(file.name, body);
        lies_in(file.hash, body);
    }
    if (which == 2 && file_meta_link(body, &file)) {
        lies_in(file.url, body);
        lies_in(file.name, body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    unsigned which = data[0] % 9;
    struct slice body = slice_of(data + 1, size - 1);
    if (which < 3)
        read_lines(body, which);
    else if (which < 6)
        read_rest(body, which - 3);
    else if (which == 6)
        read_vq(body);
    else if (which == 7)
        read_stat(body);
    else
        read_sms(body);
    return 0;
}
