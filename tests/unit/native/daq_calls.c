// SPDX-License-Identifier: MIT
/*
 * The DAQ module on the model of the device: daq_calls MODE VARIABLE... prints, for
 * packets to which each verdict is given in turn, what became of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../native/daq/source.h"
#include "compat_device.h"
#include "fuzz/daq_host.h"

#define QUEUE 3

static int verdict;

static DAQ_Verdict analyse(void *user, const DAQ_PktHdr_t *header, const uint8_t *packet)
{
	(void)user;
	if (header->pktlen != 100 || header->caplen > 100)
		abort();
	((uint8_t *)packet)[0] = 200;
	return (DAQ_Verdict)verdict++;
}

static void *source_make(int argc, char **argv)
{
	char error[256] = "", *text = calloc(1, 4096);
	DAQ_Config_t config = { .timeout = 1000, .mode = !strcmp(argv[1], "inline") ? DAQ_MODE_INLINE :
							 DAQ_MODE_PASSIVE };
	void *handle = NULL;
	int i;

	for (i = 2; i < argc; i++)
		strcat(strcat(text, argv[i]), i + 1 < argc ? "\n" : "");
	config.values = values_make((uint8_t *)text, strlen(text));
	free(text);
	if (DAQ_MODULE_DATA.initialize(&config, &handle, error, sizeof(error)))
		puts(error);
	values_free(config.values);
	return handle;
}

int main(int argc, char **argv)
{
	void *handle = argc > 1 ? source_make(argc, argv) : NULL;
	DAQ_Stats_t stats;
	int i;

	if (!handle)
		return 1;
	if (DAQ_MODULE_DATA.start(handle))
		return 2;
	for (i = 0; i < 8; i++)
		device_publish(QUEUE, 100, 0);
	if (DAQ_MODULE_DATA.acquire(handle, 8, analyse, NULL, NULL))
		return 3;
	puts(device_settled());
	DAQ_MODULE_DATA.get_stats(handle, &stats);
	printf("received %llu, blocked %llu\n", (unsigned long long)stats.packets_received,
	       (unsigned long long)stats.verdicts[DAQ_VERDICT_BLOCK]);
	DAQ_MODULE_DATA.shutdown(handle);
	return 0;
}
