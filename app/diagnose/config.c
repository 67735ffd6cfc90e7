/* [diagnosis] of the settings. */
#include "app/diagnose/diagnose.h"
#include "app/settings.h"

/* "46, 34" */
static bool read_values(struct slice text, uint64_t *ret_bits)
{
    uint64_t bits = 0;
    while (text.size) {
        uint32_t value;
        if (!slice_to_u32(slice_trim(slice_cut(&text, ',')), &value) || value > 63)
            return false;
        bits |= UINT64_C(1) << value;
    }
    *ret_bits = bits;
    return true;
}

int diagnose_configure(const struct settings *s, struct diagnose_config *ret_config,
                       struct why *why)
{
    struct diagnose_config c = {
        .threshold =
            {
#define LABEL(name, threshold_, unit, weight, help) [DIAGNOSE_##name] = s->diagnosis_##name,
#include "app/diagnose/labels.def"
#undef LABEL
            },
    };
    if (!read_values(slice_str(s->diagnosis_dscp_rtp), &c.dscp_rtp) ||
        !read_values(slice_str(s->diagnosis_dscp_sip), &c.dscp_sip)) {
        why_set(why, "[diagnosis] dscp_rtp and dscp_sip take DSCP values from 0 to 63 with commas "
                     "between, e.g. 46, 34");
        return ERR_INVALID;
    }
    *ret_config = c;
    return 0;
}
