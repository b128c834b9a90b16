// SPDX-License-Identifier: MIT
/* Frames, and going through many of them. */
#include "ring.h"

#include <structmember.h>

PyObject *frame_new(Ring *ring, uint32_t serial)
{
	Frame *frame;

	if (!ring->frame_type) {
		PyErr_SetString(PyExc_ValueError, "a ring without frames");
		return NULL;
	}
	frame = (Frame *)ring->frame_type->tp_alloc(ring->frame_type, 0);
	if (frame) {
		Py_INCREF(ring);
		frame->ring = ring;
		frame->serial = serial;
	}
	return (PyObject *)frame;
}

static void frame_dealloc(PyObject *self)
{
	Py_XDECREF(((Frame *)self)->ring);
	Py_TYPE(self)->tp_free(self);
}

static PyObject *frame_store(Frame *frame, uint32_t answer)
{
	if (!ring_ready(frame->ring))
		return NULL;
	if (!ring_settled(frame->ring, frame->serial))
		ring_answer(frame->ring, frame->serial, answer);
	Py_RETURN_NONE;
}

static PyObject *frame_answer(PyObject *self, PyObject *number)
{
	uint32_t answer;

	return word_from(number, &answer) ? frame_store((Frame *)self, answer) : NULL;
}

/* Python has the version with a mark, a priority or other contents. */
static PyObject *frame_accept(PyObject *self, PyObject *const *args, Py_ssize_t number,
			      PyObject *keywords)
{
	PyObject *method, *result;

	if (!number && !keywords)
		return frame_store((Frame *)self, FQ_ANSWER_ACCEPT);
	method = PyObject_GetAttrString(self, "_accept_with");
	if (!method)
		return NULL;
	result = PyObject_Vectorcall(method, args, number, keywords);
	Py_DECREF(method);
	return result;
}

static PyObject *frame_drop(PyObject *self, PyObject *nothing)
{
	(void)nothing;
	return frame_store((Frame *)self, FQ_ANSWER_DROP);
}

static PyObject *frame_get_payload(PyObject *self, void *nothing)
{
	Frame *frame = (Frame *)self;

	(void)nothing;
	if (!ring_ready(frame->ring))
		return NULL;
	return ring_payload(frame->ring, ring_slot(frame->ring, frame->serial));
}

static PyObject *frame_get_length(PyObject *self, void *nothing)
{
	Frame *frame = (Frame *)self;
	uint32_t slot = ring_slot(frame->ring, frame->serial);

	(void)nothing;
	if (!ring_ready(frame->ring))
		return NULL;
	return PyLong_FromUnsignedLong(
		ring_words(frame->ring, FQ_HEADS)[slot * FQ_META_WORDS + FQ_LEN]);
}

static PyObject *frame_get_settled(PyObject *self, void *nothing)
{
	Frame *frame = (Frame *)self;

	(void)nothing;
	return ring_ready(frame->ring) ? PyBool_FromLong(ring_settled(frame->ring, frame->serial)) : NULL;
}

static PyObject *frame_get_slot(PyObject *self, void *nothing)
{
	Frame *frame = (Frame *)self;

	(void)nothing;
	return PyLong_FromUnsignedLong(ring_slot(frame->ring, frame->serial));
}

static PyObject *frame_get_lap(PyObject *self, void *nothing)
{
	Frame *frame = (Frame *)self;

	(void)nothing;
	return PyLong_FromUnsignedLong(ring_lap(frame->ring, frame->serial));
}

/* The same packet of the same ring. */
static PyObject *frame_compare(PyObject *self, PyObject *other, int operation)
{
	const Frame *one = (Frame *)self, *two = (Frame *)other;

	if (!PyObject_TypeCheck(other, &frame_type) || (operation != Py_EQ && operation != Py_NE))
		Py_RETURN_NOTIMPLEMENTED;
	return PyBool_FromLong((one->ring == two->ring && one->serial == two->serial) ==
			       (operation == Py_EQ));
}

static Py_hash_t frame_hash(PyObject *self)
{
	Py_hash_t hash = (Py_hash_t)((uintptr_t)((Frame *)self)->ring >> 4 ^ ((Frame *)self)->serial);

	return hash == -1 ? -2 : hash;
}

static PyMethodDef methods[] = {
	{ "answer", frame_answer, METH_O, NULL },
	{ "accept", (PyCFunction)(void (*)(void))frame_accept, METH_FASTCALL | METH_KEYWORDS, NULL },
	{ "drop", frame_drop, METH_NOARGS, NULL },
	{ 0 },
};

static PyGetSetDef getters[] = {
	{ "payload", frame_get_payload, NULL, NULL, NULL },
	{ "length", frame_get_length, NULL, NULL, NULL },
	{ "settled", frame_get_settled, NULL, NULL, NULL },
	{ "slot", frame_get_slot, NULL, NULL, NULL },
	{ "lap", frame_get_lap, NULL, NULL, NULL },
	{ 0 },
};

static PyMemberDef members[] = {
	{ "ring", T_OBJECT_EX, offsetof(Frame, ring), READONLY, NULL },
	{ "serial", T_UINT, offsetof(Frame, serial), READONLY, NULL },
	{ 0 },
};

PyTypeObject frame_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "fastqueue._ring.Frame",
	.tp_doc = "See fastqueue.Frame; made by a Ring only.",
	.tp_basicsize = sizeof(Frame),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.tp_dealloc = frame_dealloc,
	.tp_richcompare = frame_compare,
	.tp_hash = frame_hash,
	.tp_methods = methods,
	.tp_getset = getters,
	.tp_members = members,
};

/* An iterator over the frames of a batch. */
typedef struct {
	PyObject_HEAD
	Ring *ring;
	uint32_t next;
	uint32_t left;
} Frames;

PyObject *frames_new(Ring *ring, uint32_t first, uint32_t number)
{
	Frames *frames = PyObject_New(Frames, &frames_type);

	if (frames) {
		Py_INCREF(ring);
		frames->ring = ring;
		frames->next = first;
		frames->left = number;
	}
	return (PyObject *)frames;
}

static void frames_dealloc(PyObject *self)
{
	Py_DECREF(((Frames *)self)->ring);
	PyObject_Free(self);
}

static PyObject *frames_next(PyObject *self)
{
	Frames *frames = (Frames *)self;

	if (!frames->left)
		return NULL;
	frames->left--;
	return frame_new(frames->ring, frames->next++);
}

PyTypeObject frames_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "fastqueue._ring.Frames",
	.tp_basicsize = sizeof(Frames),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.tp_dealloc = frames_dealloc,
	.tp_iter = PyObject_SelfIter,
	.tp_iternext = frames_next,
};
