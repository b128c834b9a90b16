// SPDX-License-Identifier: MIT
/*
 * The ring: pointers and words.
 *
 * Everything runs with the GIL held. Views are buffers of the memoryviews that
 * Python has too: while this type holds them, those cannot be released.
 */
#include "ring.h"

#include <structmember.h>

bool ring_ready(const Ring *ring)
{
	if (!ring->attached)	/* what a memoryview says */
		PyErr_SetString(PyExc_ValueError,
				"operation forbidden on released memoryview object");
	return ring->attached;
}

bool word_from(PyObject *number, uint32_t *word)
{
	unsigned long value = PyLong_AsUnsignedLong(number);

	if (value == (unsigned long)-1 && PyErr_Occurred()) {
		if (!PyErr_ExceptionMatches(PyExc_OverflowError))
			return false;
		PyErr_Clear();
	} else if (value <= UINT32_MAX) {
		*word = (uint32_t)value;
		return true;
	}
	PyErr_Format(PyExc_ValueError, "%R is not a number of 32 bits", number);
	return false;
}

static bool words_from(PyObject *const *args, Py_ssize_t number, Py_ssize_t expected,
		       uint32_t *words)
{
	Py_ssize_t i;

	if (number != expected) {
		PyErr_Format(PyExc_TypeError, "expected %zd arguments, got %zd", expected, number);
		return false;
	}
	for (i = 0; i < number; i++)
		if (!word_from(args[i], &words[i]))
			return false;
	return true;
}

static void ring_let_go(Ring *ring)
{
	int i;

	ring->attached = false;
	for (i = 0; i < FQ_VIEWS; i++)
		PyBuffer_Release(&ring->views[i]);	/* nothing where there is none */
	Py_CLEAR(ring->payload);
}

static int ring_init(PyObject *self, PyObject *args, PyObject *keywords)
{
	Ring *ring = (Ring *)self;
	unsigned int frames, frame_size;
	PyTypeObject *type;

	if (!PyArg_ParseTuple(args, "IIO!", &frames, &frame_size, &PyType_Type, &type))
		return -1;
	if (!frames || frames & (frames - 1) || keywords || !PyType_IsSubtype(type, &frame_type)) {
		PyErr_SetString(PyExc_ValueError, "expected a power of two, a size, a kind of Frame");
		return -1;
	}
	ring_let_go(ring);
	ring->frames = frames;
	ring->frame_size = frame_size;
	ring->mask = frames - 1;
	ring->shift = __builtin_ctz(frames);
	Py_INCREF(type);
	Py_XSETREF(ring->frame_type, type);
	return 0;
}

static void ring_dealloc(PyObject *self)
{
	ring_let_go((Ring *)self);
	Py_CLEAR(((Ring *)self)->frame_type);
	Py_TYPE(self)->tp_free(self);
}

/* Bytes that a view must have at least. */
static size_t ring_room(const Ring *ring, enum fq_view view)
{
	switch (view) {
	case FQ_CONTROL:
	case FQ_STATUS:
		return 64;
	case FQ_WORDS:
		return 4 * (size_t)ring->frames;
	case FQ_HEADS:
		return 4 * (size_t)FQ_META_WORDS * ring->frames;
	default:
		return (size_t)ring->frames * ring->frame_size;
	}
}

static PyObject *ring_attach(PyObject *self, PyObject *const *args, Py_ssize_t number)
{
	Ring *ring = (Ring *)self;
	int i;

	ring_let_go(ring);
	if (number != FQ_VIEWS || !ring->frames || !PyMemoryView_Check(args[FQ_PAYLOAD])) {
		PyErr_SetString(PyExc_TypeError, "expected five memoryviews of a ring");
		return NULL;
	}
	for (i = 0; i < FQ_VIEWS; i++) {
		bool written = i == FQ_CONTROL || i == FQ_WORDS;

		if (PyObject_GetBuffer(args[i], &ring->views[i],
				       written ? PyBUF_WRITABLE : PyBUF_SIMPLE))
			goto failed;
		if ((size_t)ring->views[i].len >= ring_room(ring, i))
			continue;
		PyErr_SetString(PyExc_ValueError, "an area is too small");
		goto failed;
	}
	Py_INCREF(args[FQ_PAYLOAD]);
	ring->payload = args[FQ_PAYLOAD];
	ring->attached = true;
	Py_RETURN_NONE;
failed:
	ring_let_go(ring);
	return NULL;
}

static PyObject *ring_detach(PyObject *self, PyObject *nothing)
{
	(void)nothing;
	ring_let_go((Ring *)self);
	Py_RETURN_NONE;
}

/* As plain.py's: FP is read before FA, so that it is never past it. */
static uint32_t take(Ring *ring, uint32_t *taken)
{
	const uint32_t *status = ring_words(ring, FQ_STATUS);
	uint32_t first = ring->fo, gone, number;

	gone = __atomic_load_n(&status[FQ_FP], __ATOMIC_ACQUIRE) - first;
	ring->fo = __atomic_load_n(&status[FQ_FA], __ATOMIC_ACQUIRE);
	number = ring->fo - first;
	if (gone && gone <= number) {
		first += gone;
		number -= gone;
	}
	if (number > ring->frames) {
		first = ring->fo - ring->frames;
		number = ring->frames;
	}
	*taken = first;
	return number;
}

static PyObject *ring_take(PyObject *self, PyObject *nothing)
{
	uint32_t first, number;

	(void)nothing;
	if (!ring_ready((Ring *)self))
		return NULL;
	number = take((Ring *)self, &first);
	return Py_BuildValue("(II)", first, number);
}

static void publish(const Ring *ring)
{
	__atomic_store_n(&ring_words(ring, FQ_CONTROL)[FQ_FO], ring->fo, __ATOMIC_RELEASE);
}

static PyObject *ring_publish(PyObject *self, PyObject *nothing)
{
	(void)nothing;
	if (!ring_ready((Ring *)self))
		return NULL;
	publish((Ring *)self);
	Py_RETURN_NONE;
}

/* Take all new frames, answer them alike and publish that; the number of them. */
static PyObject *ring_answer_new(PyObject *self, PyObject *word)
{
	Ring *ring = (Ring *)self;
	uint32_t answer, first, number, i;

	if (!word_from(word, &answer) || !ring_ready(ring))
		return NULL;
	number = take(ring, &first);
	for (i = 0; i < number; i++)
		ring_answer(ring, first + i, answer);
	publish(ring);
	return PyLong_FromUnsignedLong(number);
}

static PyObject *ring_fill(PyObject *self, PyObject *const *args, Py_ssize_t number)
{
	Ring *ring = (Ring *)self;
	uint32_t words[3], i;

	if (!words_from(args, number, 3, words) || !ring_ready(ring))
		return NULL;
	if (words[1] > ring->frames) {
		PyErr_SetString(PyExc_ValueError, "more frames than the ring has");
		return NULL;
	}
	for (i = 0; i < words[1]; i++)
		ring_answer(ring, words[0] + i, words[2]);
	Py_RETURN_NONE;
}

/* After the fence: "not settled" holds for what was read of the frame before. */
bool ring_settled(const Ring *ring, uint32_t count)
{
	uint32_t fp;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	fp = __atomic_load_n(&ring_words(ring, FQ_STATUS)[FQ_FP], __ATOMIC_RELAXED);
	return (int32_t)(fp - count) > 0;
}

static PyObject *ring_is_settled(PyObject *self, PyObject *number)
{
	uint32_t count;

	if (!word_from(number, &count) || !ring_ready((Ring *)self))
		return NULL;
	return PyBool_FromLong(ring_settled((Ring *)self, count));
}

PyObject *ring_payload(const Ring *ring, uint32_t slot)
{
	size_t start = (size_t)slot * ring->frame_size;
	PyObject *low = PyLong_FromSize_t(start);
	PyObject *high = PyLong_FromSize_t(start + ring_captured(ring, slot));
	PyObject *slice = low && high ? PySlice_New(low, high, NULL) : NULL;
	PyObject *view = slice ? PyObject_GetItem(ring->payload, slice) : NULL;

	Py_XDECREF(low);
	Py_XDECREF(high);
	Py_XDECREF(slice);
	return view;
}

static PyObject *ring_frame_at(PyObject *self, PyObject *number)
{
	uint32_t count;

	return word_from(number, &count) ? frame_new((Ring *)self, count) : NULL;
}

static PyObject *ring_frames_of(PyObject *self, PyObject *const *args, Py_ssize_t number)
{
	uint32_t words[2];

	return words_from(args, number, 2, words) ? frames_new((Ring *)self, words[0], words[1]) : NULL;
}

static PyMethodDef methods[] = {
	{ "_attach", (PyCFunction)(void (*)(void))ring_attach, METH_FASTCALL, NULL },
	{ "_detach", ring_detach, METH_NOARGS, NULL },
	{ "take", ring_take, METH_NOARGS, NULL },
	{ "publish", ring_publish, METH_NOARGS, NULL },
	{ "fill", (PyCFunction)(void (*)(void))ring_fill, METH_FASTCALL, NULL },
	{ "answer_new", ring_answer_new, METH_O, NULL },
	{ "settled", ring_is_settled, METH_O, NULL },
	{ "frame_at", ring_frame_at, METH_O, NULL },
	{ "frames_of", (PyCFunction)(void (*)(void))ring_frames_of, METH_FASTCALL, NULL },
	{ "decide", (PyCFunction)(void (*)(void))ring_decide, METH_FASTCALL, NULL },
	{ 0 },
};

static PyMemberDef members[] = {
	{ "frames", T_UINT, offsetof(Ring, frames), READONLY, NULL },
	{ "frame_size", T_UINT, offsetof(Ring, frame_size), READONLY, NULL },
	{ "mask", T_UINT, offsetof(Ring, mask), READONLY, NULL },
	{ "shift", T_UINT, offsetof(Ring, shift), READONLY, NULL },
	{ "fo", T_UINT, offsetof(Ring, fo), 0, NULL },
	{ 0 },
};

PyTypeObject ring_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "fastqueue._ring.Ring",
	.tp_doc = "See fastqueue.ring_python.PlainRing; _attach() takes views of control, words, status, "
		  "heads and payload.",
	.tp_basicsize = sizeof(Ring),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.tp_new = PyType_GenericNew,
	.tp_init = ring_init,
	.tp_dealloc = ring_dealloc,
	.tp_methods = methods,
	.tp_members = members,
};
