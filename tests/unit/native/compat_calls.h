/* SPDX-License-Identifier: MIT */
/* Scenarios of calls of the whole compatibility library on a model of the device. */
#ifndef COMPAT_CALLS_H
#define COMPAT_CALLS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE	7

/* One that cannot go on; everything else is printed and judged by the test. */
void fail(const char *what) __attribute__((noreturn));

/* Netlink by hand: a socket, a message, and a request that is sent. */
int netlink_socket(void);
size_t bind_message(void *data, uint16_t flags);
size_t verdict_message(void *data, uint32_t id, uint32_t verdict, const void *payload, size_t len);
void request_send(int fd, uint16_t flags);
pthread_t start(void *(*function)(void *), void *argument);

void scenario_namespaces(void);
void scenario_flight(void);
void scenario_flight_of_options(void);
void scenario_flight_of_sends(void);
void scenario_flight_of_duplicates(void);
void scenario_ended_in_callback(void);
void scenario_ended_under_callback(void);
void scenario_exchanged_under_callback(void);
void scenario_thread_ends_in_callback(void);
void scenario_signals(void);
void scenario_signals_in_recv(void);
void scenario_parts(void);
void scenario_messages(void);
void scenario_shapes(void);
void scenario_time_limits(void);
void scenario_payloads(void);
void scenario_payloads_of_messages(void);

#endif /* COMPAT_CALLS_H */
