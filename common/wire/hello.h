/* common/wire/hello.h - the first frame on a connection and the check of it.
 *
 * Depends on frame. */
#ifndef LS_COMMON_WIRE_HELLO_H
#define LS_COMMON_WIRE_HELLO_H

#include "common/util/error.h"
#include "common/wire/frame.h"

/* A Hello of this program. `name` and `key` may be NULL; all is borrowed. */
Ls__Hello ls_hello(Ls__Role role, const char *name, const char *key);

/* A Welcome of this program; borrows static memory. */
Ls__Welcome ls_welcome(void);

/* Is this first frame a Hello of our protocol? 0, -EPROTO when it is another message,
 * -EPROTONOSUPPORT when the other side speaks another protocol: the text names both. */
int ls_hello_check(const Ls__Frame *frame, struct ls_error *err);

#endif
