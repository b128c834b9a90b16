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

/* compat_calls_handle.c: a handle with a queue, and its packets. */
struct nfq_handle;
struct nfq_q_handle;
struct nfgenmsg;
struct nfq_data;

typedef int scenario_callback(struct nfq_q_handle *, struct nfgenmsg *, struct nfq_data *, void *);

extern struct nfq_handle *handle;
extern struct nfq_q_handle *volatile queue;
extern unsigned char buffer[70000];

void begin(scenario_callback *callback, void *data);
void end(void);
/* Receive a packet and handle it: what that returns, -2: there is none. */
int pump(void);
uint32_t id_of(struct nfq_data *packet);
/* Whether all bytes are as the device wrote them. */
bool is_whole(const unsigned char *payload, int len);

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
void scenario_readonly(void);
void scenario_messages(void);
void scenario_shapes(void);
void scenario_time_limits(void);
void scenario_payloads(void);
void scenario_payloads_of_messages(void);

/* compat_calls_exchanges.c */
void scenario_answers_not_seen(void);
void scenario_lost_in_exchange(void);
void scenario_payload_that_waits(void);
void scenario_verdict_that_waits(void);
void scenario_burst_in_exchange(void);
void scenario_ring_lost(void);
void scenario_pointers_into_rings(void);

/* compat_calls_handles.c */
void scenario_old_handle(void);
void scenario_cancelled(void);
void scenario_made_anew(void);

/* compat_calls_signals.c */
void scenario_closed_at_each_step(void);
void scenario_received_at_each_step(void);
void scenario_child_of_sleeper(void);
void scenario_fork_in_callback(void);

/* compat_calls_descriptors.c */
void scenario_replaced(void);
void scenario_descriptors_of_the_library(void);
void scenario_nothing(void);
void scenario_parts_of_nothing(void);
void scenario_messages_of_others(void);
void scenario_port_ids(void);
void scenario_empty_payload(void);
void scenario_time_limit_of_messages(void);

#endif /* COMPAT_CALLS_H */
