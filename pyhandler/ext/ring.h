/* SPDX-License-Identifier: MIT */
/* fastqueue._ring: what its files share. The types are those of plain.py. */
#ifndef FASTQUEUE_RING_H
#define FASTQUEUE_RING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

/* Of linux/fastqueue.h; module.c shows them to the unit tests, which compare. */
enum {
	FQ_LAP_SHIFT = 8,	/* of the lap in a word */
	FQ_FO = 0,		/* index in the control's words */
	FQ_FA = 0,		/* indices in the status's words */
	FQ_FP = 1,
	FQ_LEN = 0,		/* indices in the words of a meta entry */
	FQ_CAP_LEN = 1,
	FQ_META_WORDS = 24,
	FQ_ANSWER_DROP = 2,	/* processed, with the verdict */
	FQ_ANSWER_ACCEPT = 6,
};

enum fq_view { FQ_CONTROL, FQ_WORDS, FQ_STATUS, FQ_HEADS, FQ_PAYLOAD, FQ_VIEWS };

/* A ring; while it is attached, views lends out the areas' memory. */
typedef struct {
	PyObject_HEAD
	unsigned int frames;	/* a power of two */
	unsigned int frame_size;
	unsigned int mask;	/* frames - 1 */
	unsigned int shift;	/* frames == 1 << shift */
	unsigned int fo;	/* count of frames handed out */
	bool attached;
	Py_buffer views[FQ_VIEWS];
	PyObject *payload;	/* memoryview that payloads are slices of */
	PyTypeObject *frame_type;
} Ring;

typedef struct {
	PyObject_HEAD
	Ring *ring;
	unsigned int serial;	/* count of the frame */
} Frame;

typedef struct flows Flows;

extern PyTypeObject ring_type, frame_type, frames_type, flows_type;

/* ring.c; false with an exception when the areas were given up. */
bool ring_ready(const Ring *ring);
/* The captured bytes of a slot, as a memoryview. */
PyObject *ring_payload(const Ring *ring, uint32_t slot);
bool ring_settled(const Ring *ring, uint32_t count);
/* Answer or count of a Python integer; false with an exception. */
bool word_from(PyObject *number, uint32_t *word);

/* frame.c */
PyObject *frame_new(Ring *ring, uint32_t serial);
PyObject *frames_new(Ring *ring, uint32_t first, uint32_t number);

/* decide.c */
PyObject *ring_decide(PyObject *self, PyObject *const *args, Py_ssize_t number);

/*
 * flows.c: find the answer of a packet by its flow's earlier ones; 1 found, 0
 * not. The first look asks the rules about it and remembers what they say of a
 * private copy; -1 with an exception.
 */
int flows_find(const Flows *flows, const unsigned char *packet, Py_ssize_t length,
	       uint32_t *answer);
int flows_first_look(Flows *flows, PyObject *view, uint32_t *answer);

static inline uint32_t *ring_words(const Ring *ring, enum fq_view view)
{
	return ring->views[view].buf;
}

static inline uint32_t ring_slot(const Ring *ring, uint32_t count)
{
	return count & ring->mask;
}

/* Lap of a frame, where it stands in a word. */
static inline uint32_t ring_lap(const Ring *ring, uint32_t count)
{
	return count >> ring->shift << FQ_LAP_SHIFT;
}

/* Bytes captured of the packet in a slot; never more than the frame has. */
static inline uint32_t ring_captured(const Ring *ring, uint32_t slot)
{
	uint32_t length = ring_words(ring, FQ_HEADS)[slot * FQ_META_WORDS + FQ_CAP_LEN];

	return length < ring->frame_size ? length : ring->frame_size;
}

/* The word goes last: the sender sees all that was stored before it. */
static inline void ring_answer(const Ring *ring, uint32_t count, uint32_t answer)
{
	__atomic_store_n(&ring_words(ring, FQ_WORDS)[ring_slot(ring, count)],
			 ring_lap(ring, count) | answer, __ATOMIC_RELEASE);
}

#endif /* FASTQUEUE_RING_H */
