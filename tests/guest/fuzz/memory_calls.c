// SPDX-License-Identifier: MIT
/* Calls on the areas of a ring: mapping them, and writing what a handler would or would not. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "session.h"

#define PAGE	4096u
#define MOST_FRAMES	1024u	/* answered in one call */

enum area { AREA_ANSWER, AREA_META, AREA_PAYLOAD, AREAS };

__thread sigjmp_buf *fault_return;

int guarded_write(void (*write)(void *argument), void *argument)
{
	sigjmp_buf here;
	int err = EFAULT;

	if (!sigsetjmp(here, 1)) {
		fault_return = &here;
		write(argument);
		err = 0;
	}
	fault_return = NULL;
	return err;
}

static struct mapping *mapping_of(struct session *session, uint32_t slot)
{
	return &session->mappings[slot % MAPPINGS];
}

static void area_place(const struct fastqueue_ring *ring, unsigned int area, uint64_t *offset,
		       uint64_t *size)
{
	*offset = area == AREA_ANSWER ? ring->answer_offset :
		  area == AREA_META ? ring->meta_offset : ring->payload_offset;
	*size = area == AREA_ANSWER ? ring->answer_size :
		area == AREA_META ? ring->meta_size : ring->payload_size;
}

static int unmap(struct mapping *mapping)
{
	uint8_t *address = mapping->address;

	if (!address)
		return EINVAL;
	mapping->address = NULL;
	return munmap(address, mapping->size) ? errno : 0;
}

/* The hole stays reserved: nothing else may come to lie in it, as the whole is unmapped later. */
static int unmap_part(struct mapping *mapping, size_t first, size_t size)
{
	void *address = mapping->address + first;

	if (first + size > mapping->size)
		size = mapping->size - first;
	return mmap(address, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	       MAP_FAILED ? errno : 0;
}

int do_map(struct session *session, const uint32_t *arguments)
{
	struct mapping *mapping = mapping_of(session, arguments[0]);
	struct file *file = &session->files[arguments[1] % FILES];
	unsigned int area = arguments[2] % AREAS;
	uint64_t offset, size;
	void *address;

	unmap(mapping);
	area_place(&file->ring, area, &offset, &size);
	offset += (int64_t)(int32_t)arguments[5] * PAGE;
	size += (int64_t)(int32_t)arguments[6] * PAGE;
	if (!file->allocated)
		size = PAGE;
	if (size > 256u << 20)
		return ENOMEM;
	address = mmap64(NULL, size, arguments[3] & 7, arguments[4] & (MAP_SHARED | MAP_PRIVATE),
			 file->fd, offset);
	if (address == MAP_FAILED)
		return errno;
	*mapping = (struct mapping){ address, size, area, file->ring.frames, file->ring.frame_size };
	return 0;
}

int do_unmap(struct session *session, const uint32_t *arguments)
{
	struct mapping *mapping = mapping_of(session, arguments[0]);
	size_t pages = mapping->size / PAGE;

	if (!mapping->address || !pages)
		return EINVAL;
	if (!(arguments[1] % pages) && arguments[2] >= pages)
		return unmap(mapping);
	return unmap_part(mapping, arguments[1] % pages * PAGE,
			  (arguments[2] && arguments[2] < pages ? arguments[2] : 1) * PAGE);
}

int do_protect(struct session *session, const uint32_t *arguments)
{
	struct mapping *mapping = mapping_of(session, arguments[0]);

	if (!mapping->address)
		return EINVAL;
	return mprotect(mapping->address, mapping->size, arguments[1] & 7) ? errno : 0;
}

int do_remap(struct session *session, const uint32_t *arguments)
{
	struct mapping *mapping = mapping_of(session, arguments[0]);
	size_t size = mapping->size + (int32_t)(arguments[1] % 9) * PAGE;
	void *address;

	if (arguments[1] == UINT32_MAX)
		size = mapping->size - PAGE;
	if (!mapping->address || !size || mapping->size < PAGE)
		return EINVAL;
	address = mremap(mapping->address, mapping->size, size, MREMAP_MAYMOVE);
	if (address == MAP_FAILED)
		return errno;
	mapping->address = address;
	mapping->size = size;
	return 0;
}

struct store {
	uint8_t *address;
	const void *bytes;
	size_t size;
};

static void store_bytes(void *argument)
{
	struct store *store = argument;

	memcpy(store->address, store->bytes, store->size);
}

int do_poke(struct session *session, const uint32_t *arguments)
{
	struct mapping *mapping = mapping_of(session, arguments[0]);
	struct store store = { .bytes = &arguments[2], .size = sizeof(uint32_t) };

	if (!mapping->address || mapping->size < PAGE)
		return EINVAL;
	store.address = mapping->address + (arguments[1] % mapping->size & ~3u);
	return guarded_write(store_bytes, &store);
}

struct answers {
	const struct mapping *mapping;
	const uint32_t *arguments;
};

static void store_answer(const struct mapping *mapping, uint32_t index, const uint32_t *arguments)
{
	uint32_t *words = (uint32_t *)(mapping->address + FASTQUEUE_WORDS_OFFSET);
	struct fastqueue_answer *answer =
		(struct fastqueue_answer *)(words + mapping->frames) + index;
	uint32_t lap;

	/* it was made smaller */
	if ((uint8_t *)(answer + 1) > mapping->address + mapping->size)
		return;
	lap = __atomic_load_n(&words[index], __ATOMIC_RELAXED) & FASTQUEUE_LAP_MASK;
	answer->mark = answer->priority = arguments[9];
	answer->len = arguments[6];
	answer->queue = arguments[7];
	answer->flags = arguments[8];
	lap += arguments[5] << FASTQUEUE_LAP_SHIFT;
	__atomic_store_n(&words[index],
			 lap | FASTQUEUE_PROCESSED | (arguments[4] & ~3u & 0xff) |
				 (arguments[3] << FASTQUEUE_VERDICT_SHIFT & FASTQUEUE_VERDICT_MASK),
			 __ATOMIC_RELEASE);
}

static void store_answers(void *argument)
{
	const struct answers *answers = argument;
	const struct mapping *mapping = answers->mapping;
	uint32_t i, count = answers->arguments[2];

	if (count > MOST_FRAMES)
		count = MOST_FRAMES;
	for (i = 0; i < count; i++)
		store_answer(mapping, (answers->arguments[1] + i) % mapping->frames,
			     answers->arguments);
}

int do_answer(struct session *session, const uint32_t *arguments)
{
	struct answers answers = { mapping_of(session, arguments[0]), arguments };

	if (!answers.mapping->address || answers.mapping->area != AREA_ANSWER ||
	    !answers.mapping->frames)
		return EINVAL;
	return guarded_write(store_answers, &answers);
}

/* Write bytes of a packet, in the byte order of the network. */
int do_payload(struct session *session, const uint32_t *arguments)
{
	struct mapping *mapping = mapping_of(session, arguments[0]);
	uint32_t width = arguments[4] == 4 ? 4 : arguments[4] == 2 ? 2 : 1, i;
	uint32_t value = __builtin_bswap32(arguments[3] << (32 - 8 * width));
	struct store store = { .bytes = &value, .size = width };
	int err = 0;

	if (!mapping->address || mapping->area != AREA_PAYLOAD || !mapping->frames)
		return EINVAL;
	for (i = 0; i < arguments[5] % 9 && !err; i++) {
		uint32_t frame = (arguments[1] + i) % mapping->frames;
		uint64_t place = (uint64_t)frame * mapping->frame_size +
				 arguments[2] % mapping->frame_size;

		if (place + width > mapping->size)
			return EINVAL;
		store.address = mapping->address + place;
		err = guarded_write(store_bytes, &store);
	}
	return err;
}
