/* Where the program is, the one that decodes is too: beside it in a build, else where both were
 * installed. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"

static const char *find_decoder(char found[PATH_MAX])
{
    static const char *const places[] = {"earshot-decoder", EARSHOT_DECODER_FROM_BIN};
    char here[PATH_MAX], path[2 * PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", here, sizeof here - 1);
    if (n < 0)
        return EARSHOT_DECODER;
    here[n] = '\0';
    char *slash = strrchr(here, '/');
    if (slash == NULL)
        return EARSHOT_DECODER;
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s/%s", here, places[i]);
        if (realpath(path, found))
            return found;
    }
    return EARSHOT_DECODER;
}

int main(int argc, char **argv)
{
    char decoder[PATH_MAX];
    return earshot_main(argc, argv, find_decoder(decoder));
}
