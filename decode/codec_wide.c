/* For who has no decoders: a test compares with the list in codec.c. */
#include <strings.h>

#include "decode/render.h"

bool codec_is_wide(const char *name)
{
    static const char *const wide[] = {"G722", "opus", "AMR-WB"};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (strcasecmp(name, wide[i]) == 0)
            return true;
    return false;
}
