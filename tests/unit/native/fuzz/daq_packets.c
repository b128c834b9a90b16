// SPDX-License-Identifier: MIT
/*
 * A started DAQ module on the model of the device: filters of any text, packets, verdicts,
 * injected packets. What a filter does not match passes unseen; each packet leaves once.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "../compat_device.h"
#include "choice.h"
#include "daq_host.h"
#include "driver.h"

#define QUEUE	3
#define STEPS	100

const char *const fuzz_words[] = {
	"tcp", "udp", "icmp", "ip6", "ip", "host 198.18.0.1", "net 198.18.0.0/15", "src ", "dst ", "port 80",
	"portrange 1-9", " and ", " or ", "not ", "(", ")", "ip[0] & 0xf = 5", "ip[", "]", "len > 40",
	"greater 100", "less 2000", "proto 17", "ip proto \\tcp", "tcp[13]", "ether ", "vlan 7", "broadcast",
	"ip6 protochain 6", "ip[6:2] & 0x1fff", "1.2.3", "::1", " = ", " != ", "<<", "+", "*", "/ 0", NULL
};

const char *__lsan_default_suppressions(void);

/* libsfbpf forgets the Ethernet addresses of a filter that it refuses. */
const char *__lsan_default_suppressions(void)
{
	return "leak:pcap_ether_aton\n";
}

static struct choice choice;
static void *handle;
static uint32_t seen, passed_unseen, waiting;

static DAQ_Verdict analyse(void *user, const DAQ_PktHdr_t *header, const uint8_t *packet)
{
	const struct source *source = user;
	uint32_t i, sum = 0;

	CHECK(header->caplen <= header->pktlen && header->caplen <= source->snaplen);
	for (i = 0; i < header->caplen; i++)
		sum += packet[i];
	CHECK(sum <= 255u * header->caplen);
	seen++;
	return (DAQ_Verdict)(choice_byte(&choice) % 12 - 2);
}

static void publish(void)
{
	static const uint32_t lengths[] = { 1, 20, 40, 100, 1500, 2047, 2048, 2049, 9000, 65535 };
	uint32_t number = choice_byte(&choice) % 9;

	while (number--)
		waiting += device_publish(QUEUE, lengths[choice_byte(&choice) % 10],
					  choice_byte(&choice));
}

/* No more than there are: it would wait. */
static void acquire(void)
{
	uint32_t number = waiting ? 1 + choice_byte(&choice) % waiting : 0;
	DAQ_Stats_t before, after;

	if (!number)
		return;
	seen = 0;
	DAQ_MODULE_DATA.get_stats(handle, &before);
	CHECK(DAQ_MODULE_DATA.acquire(handle, (int)number, analyse, NULL, handle) == DAQ_SUCCESS);
	DAQ_MODULE_DATA.get_stats(handle, &after);
	passed_unseen = (uint32_t)(after.packets_filtered - before.packets_filtered);
	CHECK(seen + passed_unseen == number);
	waiting -= number;
}

static void filter_set(void)
{
	size_t len;
	const uint8_t *text = choice_bytes(&choice, choice_byte(&choice), &len);
	char *filter = strndup((const char *)text, len);
	int result = DAQ_MODULE_DATA.set_filter(handle, filter);
	const char *error = DAQ_MODULE_DATA.get_errbuf(handle);

	CHECK(result == DAQ_SUCCESS || (result == DAQ_ERROR && *error && strlen(error) < DAQ_ERRBUF_SIZE));
	free(filter);
}

/* A packet of the input at the end of what can be read, as a frame may be in its ring. */
static void filter_match(void)
{
	static uint8_t *page;
	struct fastqueue_meta meta = { 0 };
	struct fq_frame frame = { .meta = &meta };
	size_t len;
	const uint8_t *packet = choice_bytes(&choice, choice_byte(&choice), &len);

	if (!page) {
		page = mmap(NULL, 2 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(page != MAP_FAILED && !mprotect(page + (1 << 12), 1 << 12, PROT_NONE));
	}
	frame.payload = page + (1 << 12) - len;
	frame.cap_len = (uint32_t)len;
	meta.len = (uint32_t)len + choice_byte(&choice);
	memcpy(frame.payload, packet, len);
	filter_matches(handle, &frame);
}

static void inject(void)
{
	DAQ_PktHdr_t header = { 0 };
	size_t len, before = daq_injected;
	uint8_t *packet = choice_copy(&choice, choice_byte(&choice) % 64, &len);
	int result = DAQ_MODULE_DATA.inject(handle, &header, packet, (uint32_t)len, 0);

	CHECK(result == DAQ_SUCCESS || result == DAQ_ERROR_INVAL);
	CHECK(daq_injected == before + (result == DAQ_SUCCESS ? len : 0));
	free(packet);
}

static void restart(void)
{
	CHECK(DAQ_MODULE_DATA.stop(handle) == DAQ_SUCCESS);
	CHECK(DAQ_MODULE_DATA.acquire(handle, 1, analyse, NULL, handle) == DAQ_ERROR);
	CHECK(DAQ_MODULE_DATA.start(handle) == DAQ_SUCCESS);
	waiting = 0;
}

static void step(void)
{
	static void (*const steps[])(void) = {
		publish, acquire, filter_set, filter_match, inject, publish, acquire, filter_set, restart,
	};

	steps[choice_byte(&choice) % 9]();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static DAQ_Dict bypass = { "bypass_mark", "7", NULL }, frames = { "frames", "64", &bypass },
			number = { "queue", "3", &frames };
	unsigned int steps = STEPS;
	char error[64];
	DAQ_Config_t config = { .timeout = 1, .values = &number };

	choice = (struct choice){ data, size };
	config.mode = choice_byte(&choice) & 1 ? DAQ_MODE_INLINE : DAQ_MODE_PASSIVE;
	config.snaplen = choice_byte(&choice) * 7;
	waiting = 0;
	CHECK(DAQ_MODULE_DATA.initialize(&config, &handle, error, sizeof(error)) == DAQ_SUCCESS);
	CHECK(DAQ_MODULE_DATA.start(handle) == DAQ_SUCCESS);
	while (choice.len && steps--)
		step();
	DAQ_MODULE_DATA.shutdown(handle);
	device_settled();
	return 0;
}
