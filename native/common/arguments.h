/* SPDX-License-Identifier: MIT */
/* What all command lines of native/ do alike: numbers, and what is said of wrong words. */
#ifndef COMMON_ARGUMENTS_H
#define COMMON_ARGUMENTS_H

#include <stdint.h>

/* Ends the program with 2 after saying what was found and what was expected. */
void argument_wrong(const char *program, const char *found, const char *expected)
	__attribute__((noreturn));

/* A decimal number from low to high; anything else is wrong. */
uint32_t argument_number(const char *program, const char *text, uint32_t low, uint32_t high);

/* After getopt_long(): words that are no options are wrong. */
void arguments_end(int argc, char **argv);

#endif /* COMMON_ARGUMENTS_H */
