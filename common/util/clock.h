/* common/util/clock.h - the two clocks. Not for the policy core: time comes in events. */
#ifndef LS_COMMON_UTIL_CLOCK_H
#define LS_COMMON_UTIL_CLOCK_H

#include <stdint.h>

uint64_t ls_clock_ns(void);     /* monotonic, nanoseconds */
uint64_t ls_clock_ms(void);     /* monotonic, milliseconds */
int64_t ls_clock_wall_ms(void); /* since the Unix epoch, milliseconds */

#endif
