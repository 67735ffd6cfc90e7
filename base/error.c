/* Words for error codes, and errno values as codes. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const char *err_text(int err)
{
    switch (err) {
    case 0:
        return "no error";
    case ERR_NOMEM:
        return "out of memory";
    case ERR_IO:
        return "input/output error";
    case ERR_FULL:
        return "no space left";
    case ERR_INVALID:
        return "not valid";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_BUSY:
        return "in use";
    case ERR_DENIED:
        return "permission denied";
    case ERR_TRUNCATED:
        return "ends in the middle";
    case ERR_UNSUPPORTED:
        return "not supported";
    case ERR_EXISTS:
        return "exists already";
    case ERR_LATE:
        return "not done in time";
    default:
        return "unknown error";
    }
}

int err_of_errno(int errnum)
{
    switch (errnum) {
    case 0:
        return 0;
    case ENOMEM:
        return ERR_NOMEM;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
        return ERR_FULL;
    case EINVAL:
    case EISDIR:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return ERR_INVALID;
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return ERR_NOT_FOUND;
    case EBUSY:
    case EADDRINUSE:
    case EAGAIN:
    case ETXTBSY:
        return ERR_BUSY;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case EEXIST:
    case ENOTEMPTY:
        return ERR_EXISTS;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
        return ERR_UNSUPPORTED;
    default:
        return ERR_IO;
    }
}

void why_set(struct why *why, const char *format, ...)
{
    if (why == NULL)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
}
