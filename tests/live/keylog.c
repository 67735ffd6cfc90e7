/* Makes a program that uses OpenSSL write its TLS secrets: every connection's context gets a
 * callback that appends its lines to the file named by SSLKEYLOGFILE. To be preloaded:
 * LD_PRELOAD=keylog.so PROGRAM. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A line is one write to a file opened for appending, so the lines of several processes stay whole.
 */
static void keep_line(const SSL *connection, const char *line)
{
    (void)connection;
    const char *path = getenv("SSLKEYLOGFILE");
    char text[512];
    int size = snprintf(text, sizeof text, "%s\n", line);
    int file = path && size < (int)sizeof text
                   ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)
                   : -1;
    if (file < 0)
        return;
    if (write(file, text, (size_t)size) != size)
        perror(path);
    close(file);
}

SSL *SSL_new(SSL_CTX *context)
{
    static SSL *(*original)(SSL_CTX *);
    if (original == NULL)
        *(void **)&original = dlsym(RTLD_NEXT, "SSL_new");
    SSL_CTX_set_keylog_callback(context, keep_line);
    return original(context);
}
