/* common/wire/hello.c - the greeting. Depends on frame. */
#include "common/wire/hello.h"

#include <errno.h>

Ls__Hello ls_hello(Ls__Role role, const char *name, const char *key)
{
    Ls__Hello hello = LS__HELLO__INIT;

    hello.protocol = LS_PROTOCOL;
    hello.role = role;
    hello.name = (char *)(name ? name : "");
    hello.key = (char *)(key ? key : "");
    hello.version = (char *)LS_VERSION;
    return hello;
}

Ls__Welcome ls_welcome(void)
{
    Ls__Welcome welcome = LS__WELCOME__INIT;

    welcome.protocol = LS_PROTOCOL;
    welcome.version = (char *)LS_VERSION;
    return welcome;
}

int ls_hello_check(const Ls__Frame *frame, struct ls_error *err)
{
    const Ls__Hello *hello = frame->hello;

    if (frame->body_case != LS__FRAME__BODY_HELLO)
        return ls_error_set(err, -EPROTO,
                            "hello: the first message was another one (%d)",
                            (int)frame->body_case);
    if (hello->protocol != LS_PROTOCOL)
        return ls_error_set(
            err, -EPROTONOSUPPORT,
            "hello: protocol %u (version %.32s), this program speaks %d "
            "(version %s): upgrade the older side",
            hello->protocol, hello->version, LS_PROTOCOL, LS_VERSION);
    return 0;
}
