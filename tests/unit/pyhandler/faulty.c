// SPDX-License-Identifier: MIT
/* One fault of each kind that the sanitizers are to notice; see test_sanitizers.py. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>

static PyObject *overflow(PyObject *self, PyObject *number)
{
	volatile char *bytes = malloc(8);
	long place = PyLong_AsLong(number);

	bytes[place] = 1;
	free((void *)bytes);
	return PyLong_FromLong(place + (long)(size_t)self * 0);
}

static PyObject *leak(PyObject *self, PyObject *number)
{
	(void)self;
	PyBytes_FromStringAndSize(NULL, PyLong_AsLong(number));
	Py_RETURN_NONE;
}

static PyObject *shift(PyObject *self, PyObject *number)
{
	(void)self;
	return PyLong_FromLong(1 << PyLong_AsLong(number));
}

static PyMethodDef methods[] = {
	{ "overflow", overflow, METH_O, NULL },
	{ "leak", leak, METH_O, NULL },
	{ "shift", shift, METH_O, NULL },
	{ 0 },
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "faulty",
	.m_methods = methods,
	.m_size = -1,
};

PyMODINIT_FUNC PyInit_faulty(void)
{
	return PyModule_Create(&definition);
}
