/* SPDX-License-Identifier: MIT */
/* The end of a handler: SIGINT or SIGTERM, whatever it sleeps in. */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include <signal.h>

extern volatile sig_atomic_t stopped;

/* From now on a signal sets stopped and ends the sleep. */
void signals_catch(void);

#endif /* COMMON_SIGNALS_H */
