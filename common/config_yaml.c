/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes to a tree, through libfyaml's events. Its document API is not used: it would resolve
 * aliases and merge keys, and it builds the whole tree before anyone can object to its depth. */
#include "config_internal.h"

#include "common/xalloc.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

void config_node_clear(struct config_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        config_node_clear(&node->children[i]); /* at most CONFIG_DEPTH_MAX deep */
    }
    free(node->children);
    if (node->text != NULL) {
        explicit_bzero(node->text, node->size); /* which of them are secrets the schema knows */
    }
    free(node->text);
    *node = (struct config_node){0};
}

/* An error of the text as such, which has no key. */
static void report(struct config_error_sink *sink, int line, const char *reason)
{
    config_sink_add(sink, line, NULL, NULL, 0, xstrdup(reason));
}

/* What YAML 1.2, 5.1 calls printable, without the tab and the line breaks, and without the byte
 * order mark, which is skipped where it may stand. */
static bool is_printable(uint32_t code)
{
    return (!config_is_control(code) || code == 0x85) && code != 0xfeff && code != 0xfffe &&
           code != 0xffff;
}

/* A tab before the first character of a line that is neither empty nor a comment. */
static bool has_indenting_tab(const char *line, size_t size)
{
    bool tab = false;
    size_t i = 0;
    for (; i < size && (line[i] == ' ' || line[i] == '\t'); i++) {
        tab = tab || line[i] == '\t';
    }
    return tab && i < size && line[i] != '#' && line[i] != '\r' && line[i] != '\n';
}

/* Text that is not even a candidate for YAML: each such line, and the first byte that is not UTF-8.
 * libfyaml lets some of it through. */
static bool scan_text(const char *text, size_t size, struct config_error_sink *sink)
{
    size_t before = sink->found;
    int line = 1;
    int refused_line = 0;
    bool line_begins = true;
    for (size_t i = 0; i < size;) {
        uint32_t code = 0;
        size_t taken = config_utf8_next(text + i, size - i, &code);
        if (taken == 0) {
            report(sink, line, "is not UTF-8");
            break;
        }
        if (line_begins && has_indenting_tab(text + i, size - i)) {
            report(sink, line, "a tab in the indentation: use spaces");
        }
        line_begins = code == '\n' || (code == '\r' && !(i + 1 < size && text[i + 1] == '\n'));
        if (!is_printable(code) && code != '\t' && code != '\n' && code != '\r' &&
            refused_line != line) {
            config_sink_add(sink, line, NULL, NULL, 0,
                            xasprintf("the character U+%04X may not stand in a file", code));
            refused_line = line;
        }
        line += line_begins ? 1 : 0;
        i += taken;
    }
    return sink->found == before;
}

/* The tree while it grows. Only the innermost open collection gets children, so the others' arrays
 * stay where they are. */
struct builder {
    struct config_error_sink *sink;
    const char *text; /* what the parser reads */
    struct config_node *root;
    struct config_node *open[CONFIG_DEPTH_MAX + 1];
    size_t depth;
    size_t documents;
    int line;    /* of the last event that had one: empty values have none */
    bool usable; /* the tree is complete */
};

static struct config_node *add_node(struct builder *builder, enum config_node_kind kind)
{
    struct config_node *node = builder->root;
    if (builder->depth > 0) {
        struct config_node *parent = builder->open[builder->depth - 1];
        if (parent->count == parent->capacity) {
            parent->capacity = parent->capacity == 0 ? 4 : parent->capacity * 2;
            parent->children =
                xreallocarray(parent->children, parent->capacity, sizeof *parent->children);
        }
        node = &parent->children[parent->count++];
    }
    *node = (struct config_node){.kind = kind, .line = builder->line};
    return node;
}

static void refuse_marks(struct builder *builder, const struct fy_token *anchor,
                         const struct fy_token *tag)
{
    if (anchor != NULL) {
        report(builder->sink, builder->line, "YAML anchors (&name) are not taken");
    }
    if (tag != NULL) {
        report(builder->sink, builder->line, "YAML tags (!name) are not taken");
    }
}

/* A single-quoted scalar from between its quotes (YAML 1.2, 7.3.2): '' is a quote, and lines fold.
 * Ours, because libfyaml 0.7 reads 'a''''b' wrongly. `out` has room for `size` bytes. */
static size_t unquote(const char *raw, size_t size, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < size;) {
        if (raw[i] == '\'') {
            out[used++] = '\'';
            i += 2;
        } else if (raw[i] == '\n' || raw[i] == '\r') {
            size_t breaks = 0;
            while (used > 0 && (out[used - 1] == ' ' || out[used - 1] == '\t')) {
                used--;
            }
            for (; i < size && strchr(" \t\r\n", raw[i]) != NULL; i++) {
                bool pair = raw[i] == '\r' && i + 1 < size && raw[i + 1] == '\n';
                breaks += (raw[i] == '\n' || raw[i] == '\r') && !pair ? 1 : 0;
            }
            memset(out + used, breaks == 1 ? ' ' : '\n', breaks == 1 ? 1 : breaks - 1);
            used += breaks == 1 ? 1 : breaks - 1;
        } else {
            out[used++] = raw[i++];
        }
    }
    return used;
}

/* Not through fy_token_get_text: that trusts a length from the scanner, and leaks where it is
 * wrong. */
static void read_text(struct builder *builder, struct config_node *node, struct fy_token *token)
{
    const struct fy_iter_chunk *chunk = NULL;
    size_t capacity = 0;
    int error = 0;
    struct fy_token_iter *iterator = fy_token_iter_create(token);
    if (iterator == NULL) {
        abort(); /* only out of memory */
    }
    while ((chunk = fy_token_iter_chunk_next(iterator, chunk, &error)) != NULL) {
        if (node->size + chunk->len > capacity) {
            capacity = 2 * (node->size + chunk->len);
            node->text = xrealloc(node->text, capacity);
        }
        memcpy(node->text + node->size, chunk->str, chunk->len);
        node->size += chunk->len;
    }
    fy_token_iter_destroy(iterator);
    node->text = xrealloc(node->text, node->size + 1);
    node->text[node->size] = '\0';
    if (error != 0) {
        report(builder->sink, builder->line, "YAML: this value cannot be read");
    }
}

static void on_scalar(struct builder *builder, const struct fy_event_scalar_data *scalar)
{
    struct fy_token *token = scalar->value;
    refuse_marks(builder, scalar->anchor, scalar->tag);
    struct config_node *node = add_node(builder, CONFIG_NODE_SCALAR);
    enum fy_scalar_style style = token != NULL ? fy_token_scalar_style(token) : FYSS_PLAIN;
    const struct fy_mark *begin = token != NULL ? fy_token_start_mark(token) : NULL;
    const struct fy_mark *end = token != NULL ? fy_token_end_mark(token) : NULL;
    node->plain = style == FYSS_PLAIN;
    if (token == NULL) {
        node->text = xstrdup("");
    } else if (style == FYSS_SINGLE_QUOTED && begin != NULL && end != NULL) {
        size_t raw_size = end->input_pos - begin->input_pos;
        node->text = xcalloc(raw_size + 1, 1);
        node->size = unquote(builder->text + begin->input_pos, raw_size, node->text);
        node->text[node->size] = '\0';
    } else {
        read_text(builder, node, token);
    }
}

static void on_open(struct builder *builder, enum config_node_kind kind,
                    const struct fy_token *anchor, const struct fy_token *tag)
{
    refuse_marks(builder, anchor, tag);
    struct config_node *node = add_node(builder, kind);
    builder->open[builder->depth++] = node;
}

static bool on_document(struct builder *builder, const struct fy_event_document_start_data *start)
{
    struct fy_document_state *state = start->document_state;
    if (builder->documents++ > 0) {
        report(builder->sink, builder->line, "a second document: a file holds one");
        return false;
    }
    if (fy_document_state_version_explicit(state) || fy_document_state_tags_explicit(state)) {
        report(builder->sink, builder->line, "YAML directives (%) are not taken");
    }
    return true;
}

/* False when there is no use in going on. */
static bool on_event(struct builder *builder, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (mark != NULL) {
        builder->line = mark->line + 1;
    }
    bool value = event->type == FYET_SCALAR || event->type == FYET_SEQUENCE_START ||
                 event->type == FYET_MAPPING_START || event->type == FYET_ALIAS;
    /* An empty collection may stand one deeper: the printer writes it for an absent list. */
    if (value && builder->depth > CONFIG_DEPTH_MAX) {
        config_sink_add(builder->sink, builder->line, NULL, NULL, 0,
                        xasprintf("nested deeper than %d", CONFIG_DEPTH_MAX));
        return false;
    }
    switch (event->type) {
    case FYET_DOCUMENT_START:
        return on_document(builder, &event->document_start);
    case FYET_SCALAR:
        on_scalar(builder, &event->scalar);
        return true;
    case FYET_SEQUENCE_START:
        on_open(builder, CONFIG_NODE_SEQUENCE, event->sequence_start.anchor,
                event->sequence_start.tag);
        return true;
    case FYET_MAPPING_START:
        on_open(builder, CONFIG_NODE_MAPPING, event->mapping_start.anchor,
                event->mapping_start.tag);
        return true;
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        builder->depth--;
        return true;
    case FYET_ALIAS:
        report(builder->sink, builder->line, "YAML aliases (*name) are not taken");
        (void)add_node(builder, CONFIG_NODE_REFUSED);
        return true;
    case FYET_DOCUMENT_END:
        builder->usable = true;
        return true;
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
        return true;
    }
    return true;
}

static void report_syntax(struct builder *builder, struct fy_diag *diag)
{
    void *position = NULL;
    struct fy_diag_error *error;
    size_t before = builder->sink->found;
    while ((error = fy_diag_errors_iterate(diag, &position)) != NULL) {
        if (error->type == FYET_ERROR && error->msg != NULL) {
            char *message = config_show(error->msg, strlen(error->msg));
            config_sink_add(builder->sink, error->line > 0 ? error->line : builder->line, NULL,
                            NULL, 0, xasprintf("YAML: %s", message));
            free(message);
        }
    }
    if (builder->sink->found == before) {
        report(builder->sink, builder->line, "YAML: this cannot be read");
    }
}

static void run_parser(struct builder *builder, struct fy_parser *parser, struct fy_diag *diag)
{
    bool more = true;
    while (more) {
        struct fy_event *event = fy_parser_parse(parser);
        if (event == NULL) {
            break;
        }
        more = on_event(builder, event);
        fy_parser_event_free(parser, event);
    }
    if (more && fy_parser_get_stream_error(parser)) {
        report_syntax(builder, diag);
        builder->usable = false;
    }
}

static void parse_text(struct builder *builder, const char *text, size_t size)
{
    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL; /* collected, not written */
    diag_config.colorize = false;
    struct fy_diag *diag = fy_diag_create(&diag_config);
    if (diag == NULL) {
        abort(); /* only out of memory */
    }
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg config = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
        .diag = diag,
    };
    struct fy_parser *parser = fy_parser_create(&config);
    if (parser == NULL || fy_parser_set_string(parser, text, size) != 0) {
        abort(); /* only out of memory */
    }
    run_parser(builder, parser, diag);
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
}

bool config_yaml_read(const char *text, size_t size, struct config_error_sink *sink,
                      struct config_node *root)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct builder builder = {.sink = sink, .root = root, .line = 1};
    *root = (struct config_node){.kind = CONFIG_NODE_MAPPING, .line = 1};
    if (size >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) {
        text += sizeof mark - 1;
        size -= sizeof mark - 1;
    }
    if (!scan_text(text, size, sink)) {
        return false;
    }
    char *copy = xcalloc(size + 1, 1); /* libfyaml may look one past the end */
    memcpy(copy, text, size);
    builder.text = copy;
    parse_text(&builder, copy, size);
    free(copy);
    if (builder.documents == 0 && sink->found == 0) {
        builder.usable = true; /* nothing but comments */
    }
    /* "---" alone, too, is an empty file. */
    if (builder.usable && root->kind == CONFIG_NODE_SCALAR && root->plain && root->size == 0) {
        config_node_clear(root);
        *root = (struct config_node){.kind = CONFIG_NODE_MAPPING, .line = 1};
    }
    if (!builder.usable) {
        config_node_clear(root);
    }
    return builder.usable;
}
