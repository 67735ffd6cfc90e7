/* The program that decodes. `earshot` starts it and talks to it over a socket; it is of no use by
 * hand. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "app/decoder/child.h"
#include "app/decoder/walls.h"
#include "decode/render.h"
#include "decode/srtp.h"

static int print_version(void)
{
    char walls[80];
    printf("earshot-decoder %s\n%s\n%s\ndecoding is confined by %s\n", EARSHOT_VERSION,
           render_library(), srtp_library(), walls_text(walls, sizeof walls));
    return 0;
}

static bool earshot_started_us(void)
{
    int domain = 0;
    socklen_t size = sizeof domain;
    return getsockopt(DECODER_SOCKET, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           domain == AF_UNIX;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return print_version();
    if (argc > 1 || !earshot_started_us()) {
        fputs("earshot-decoder is started by earshot, which gives it what is to be decoded; by "
              "hand it has --version\n",
              stderr);
        return 2;
    }
    return child_main();
}
