/* tests/lib/cmocka.h - cmocka with the headers that it wants to see first. */
#ifndef LS_TESTS_LIB_CMOCKA_H
#define LS_TESTS_LIB_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
