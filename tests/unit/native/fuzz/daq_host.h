/* SPDX-License-Identifier: MIT */
/* The DAQ module without a network: no socket, no names of hosts, nothing that leaves the process. */
#ifndef FUZZ_DAQ_HOST_H
#define FUZZ_DAQ_HOST_H

#include "../../../../native/daq/source.h"

extern const DAQ_Module_t DAQ_MODULE_DATA;

/* daq_host.c: variables from lines "KEY=VALUE" or "KEY"; how they end says choice.h's caller. */
DAQ_Dict *values_make(const uint8_t *text, size_t len);
void values_free(DAQ_Dict *values);
/* Bytes that were injected. */
extern size_t daq_injected;

#endif /* FUZZ_DAQ_HOST_H */
