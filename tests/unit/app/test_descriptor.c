#include <criterion/criterion.h>

#include "app/worker.h"
#include "app/descriptor.h"
#include "app/summarise.h"

Test(descriptor, what_is_written_reads_back)
{
    struct rtp_codec codecs[3];
    struct flow_media back;
    struct buf text;
    rtp_codec_named(slice_str("PCMA"), 8, 8000, 1, slice_none(), &codecs[0]);
    rtp_codec_named(slice_str("opus"), 111, 48000, 2, slice_str("useinbandfec=1; stereo=0"), &codecs[1]);
    rtp_codec_named(slice_none(), 120, 0, 0, slice_none(), &codecs[2]);
    struct wflow flow = {
        .party = CALL_CALLEE, .media_type = 0, .secure = true, .ptime_ms = 30, .media_index = 2, .codecs = codecs, .codec_count = 3};
    buf_init(&text, 4096);
    descriptor_write(&text, &flow);
    cr_assert(descriptor_read(buf_view(&text), &back));
    buf_fini(&text);
    cr_assert_eq(back.party, CALL_CALLEE);
    cr_assert_eq(back.ptime_ms, 30);
    cr_assert_eq(back.media_index, 2);
    cr_assert(back.secure);
    cr_assert_eq(back.codec_count, 3);
    cr_assert_str_eq(back.codecs[0].name, "PCMA");
    cr_assert_str_eq(back.codecs[1].name, "opus");
    cr_assert_eq(back.codecs[1].clock_hz, 48000);
    cr_assert_str_eq(back.codecs[1].fmtp, "useinbandfec=1; stereo=0");
    cr_assert_eq(back.codecs[2].payload_type, 120);
}

Test(descriptor, foreign_text_is_refused_and_too_many_codecs_are_cut)
{
    struct flow_media m;
    struct buf text;
    cr_assert_not(descriptor_read(slice_str("sip\n"), &m));
    cr_assert_not(descriptor_read(slice_none(), &m));
    buf_init(&text, 65536);
    buf_str(&text, "media party=0\n");
    for (int i = 0; i < 200; i++)
        buf_printf(&text, "codec %d PCMU 8000 1 \n", i);
    cr_assert(descriptor_read(buf_view(&text), &m));
    cr_assert_eq(m.codec_count, FLOW_CODECS_MAX);
    buf_fini(&text);
}

Test(uid, its_text_is_that_of_rfc_9562)
{
    uint8_t uid[16];
    char text[40];
    for (int i = 0; i < 16; i++)
        uid[i] = (uint8_t)(i * 17);
    uid_text(uid, text);
    cr_assert_str_eq(text, "00112233-4455-6677-8899-aabbccddeeff");
}
