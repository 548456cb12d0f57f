/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "html.h"

#include "common/xalloc.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct html {
    char *text;
    size_t size;
    size_t room;
};

static void append(struct html *html, const char *text, size_t size)
{
    if (html->size + size + 1 > html->room) {
        html->room = (html->size + size + 1) * 2;
        html->text = xrealloc(html->text, html->room);
    }
    memcpy(html->text + html->size, text, size);
    html->size += size;
    html->text[html->size] = '\0';
}

/* Bytes of the UTF-8 character that begins here; 0: none does (RFC 3629 §4). */
static size_t character_size(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t size = c[0] < 0x80                   ? 1
                  : c[0] >= 0xC2 && c[0] < 0xE0 ? 2
                  : c[0] >= 0xE0 && c[0] < 0xF0 ? 3
                  : c[0] >= 0xF0 && c[0] < 0xF5 ? 4
                                                : 0;
    for (size_t i = 1; i < size; i++) {
        if ((c[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (c[0] == 0xE0 && c[1] < 0xA0) || (c[0] == 0xF0 && c[1] < 0x90);
    bool outside = (c[0] == 0xED && c[1] >= 0xA0) || (c[0] == 0xF4 && c[1] >= 0x90);
    return overlong || outside ? 0 : size;
}

static void append_escaped(struct html *html, const char *text)
{
    while (*text != '\0') {
        size_t size = character_size(text);
        const char *entity = *text == '&'    ? "&amp;"
                             : *text == '<'  ? "&lt;"
                             : *text == '>'  ? "&gt;"
                             : *text == '"'  ? "&quot;"
                             : *text == '\'' ? "&#39;"
                                             : NULL;
        bool control = (unsigned char)*text < 0x20 && *text != '\t' && *text != '\n';
        if (size == 0 || control) {
            append(html, "\xEF\xBF\xBD", 3);
        } else if (entity != NULL) {
            append(html, entity, strlen(entity));
        } else {
            append(html, text, size);
        }
        text += size == 0 ? 1 : size;
    }
}

static void append_url(struct html *html, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text != '\0'; text++) {
        char hex[4];
        if (strchr(plain, *text) != NULL) {
            append(html, text, 1);
        } else {
            (void)snprintf(hex, sizeof hex, "%%%02X", (unsigned char)*text);
            append(html, hex, 3);
        }
    }
}

struct html *html_new(void)
{
    struct html *html = xcalloc(1, sizeof *html);
    append(html, "", 0);
    return html;
}

void html_put(struct html *html, const char *markup, ...)
{
    va_list arguments;
    va_start(arguments, markup);
    for (;;) {
        size_t plain = strcspn(markup, "$^");
        append(html, markup, plain);
        markup += plain;
        if (*markup == '\0') {
            break;
        }
        const char *text = va_arg(arguments, const char *);
        text = text != NULL ? text : "";
        if (*markup == '$') {
            append_escaped(html, text);
        } else {
            append_url(html, text);
        }
        markup++;
    }
    va_end(arguments);
}

char *html_finish(struct html *html, size_t *size)
{
    char *text = html->text;
    *size = html->size;
    free(html);
    return text;
}

void html_free(struct html *html)
{
    if (html != NULL) {
        free(html->text);
        free(html);
    }
}
