/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writes HTML in which every foreign text is escaped.
 *
 * Threads: one. */
#ifndef WEB_HTML_H
#define WEB_HTML_H

#include <stddef.h>

struct html;

struct html *html_new(void);
/* Markup of our own, in which each $ stands for a text argument (const char *, NULL is empty),
 * escaped for elements and quoted attributes (what is not UTF-8 becomes U+FFFD), and each ^ for one
 * that is escaped for the value of a URL parameter within an attribute. */
void html_put(struct html *html, const char *markup, ...);
/* The document, malloc'ed and ended with NUL; frees the writer. */
char *html_finish(struct html *html, size_t *size);
void html_free(struct html *html);

#endif
