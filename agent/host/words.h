/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines, words and numbers of a text that need not end in NUL: what every parser of the kernel's
 * files is made of. Pure. */
#ifndef HOST_WORDS_H
#define HOST_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of a text. */
struct proc_text {
    const char *at;
    const char *end;
};

/* The next line without its newline; false at the end of the text. */
bool words_next_line(struct proc_text *text, struct proc_text *line);
/* The next word between blanks; empty at the end of the line. */
struct proc_text words_next(struct proc_text *line);
bool words_equal(struct proc_text word, const char *text);
/* A decimal number and nothing else; false also where it does not fit. */
bool words_number(struct proc_text word, uint64_t *number);
bool words_next_number(struct proc_text *line, uint64_t *number);
/* "0.52", whatever the locale; at most nine decimals. */
bool words_decimal(struct proc_text word, double *decimal);
bool words_next_decimal(struct proc_text *line, double *decimal);

#endif
