/* clock.h: how long something takes. */
#ifndef MLP_BASE_CLOCK_H
#define MLP_BASE_CLOCK_H

/* Seconds since some fixed moment, never running backwards. */
double mlp_clock_seconds(void);

#endif
