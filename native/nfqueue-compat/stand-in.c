// SPDX-License-Identifier: MIT
/*
 * Bears libnfnetlink's name where that is not installed, so that programs which
 * name it start; the functions themselves are in the other library.
 */
extern const char fastqueue_stands_in_for_libnfnetlink[];
const char fastqueue_stands_in_for_libnfnetlink[] = "libnfnetlink.so.0";
