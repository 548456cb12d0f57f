/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sensors.h"

#include "common/clock.h"
#include "common/xalloc.h"
#include "sources.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SENSORS_MAX = 256, /* a descriptor each */
    LOOK_MS = 60000,
    TEXT_SIZE = 64,
    PATH_SIZE = 320, /* of "/sys/class/hwmon/", two names of at most NAME_MAX cut to fit */
};
#define HWMON "/sys/class/hwmon"

static const struct metric temperature_metrics[] = {{"value", "celsius", METRIC_GAUGE}};
static const struct metric fan_metrics[] = {{"value", "rpm", METRIC_GAUGE}};
static const struct book_kind temperature_kind = {
    .kind = "sensor", .metrics = temperature_metrics, .n_metrics = 1};
static const struct book_kind fan_kind = {.kind = "sensor", .metrics = fan_metrics, .n_metrics = 1};

static const struct {
    const char *prefix; /* of the file "PREFIX1_input" */
    const char *type;   /* in the name and the label, as SNMP's sensors have it */
    const struct book_kind *kind;
    double per_unit;
} types[] = {{"temp", "temperature", &temperature_kind, 1000}, {"fan", "fan", &fan_kind, 1}};

struct sensor {
    int fd;
    size_t type;
    char *name;            /* "temperature coretemp.0/temp1" */
    char chip[TEXT_SIZE];  /* "coretemp" */
    char label[TEXT_SIZE]; /* "Package id 0", or "temp1" */
};

struct sensors {
    struct sensor *items;
    size_t n;
    size_t room;
    bool looked;
    bool failed; /* one vanished: look again */
    struct mono look_time;
    uint64_t chips; /* a hash of the names of what is there */
};

struct sensors *sensors_new(void)
{
    return xcalloc(1, sizeof(struct sensors));
}

static void clear(struct sensors *sensors)
{
    for (size_t i = 0; i < sensors->n; i++) {
        (void)close(sensors->items[i].fd); /* nothing was written */
        free(sensors->items[i].name);
    }
    sensors->n = 0;
}

void sensors_free(struct sensors *sensors)
{
    if (sensors == NULL) {
        return;
    }
    clear(sensors);
    free(sensors->items);
    free(sensors);
}

bool sensors_parse_value(const char *text, size_t size, int32_t *value)
{
    struct proc_text line = {text, text + size};
    struct proc_text word;
    uint64_t number;
    bool negative = size > 0 && text[0] == '-';
    line.at += negative ? 1 : 0;
    if (!words_next_line(&line, &word) || !words_number(word, &number) || number > INT32_MAX) {
        return false;
    }
    *value = negative ? -(int32_t)number : (int32_t)number;
    return true;
}

/* The first line of a file as text that may travel; "" without it. */
static void read_text(const struct machine *machine, const char *path, char text[TEXT_SIZE])
{
    char line[4 * TEXT_SIZE];
    int length = files_read_line(machine->files, path, line, sizeof line);
    text[0] = '\0';
    if (length > 0) {
        (void)text_sanitize((const uint8_t *)line, (size_t)length, text, TEXT_SIZE);
    }
}

/* The chip's device, which keeps its name over a reboot as "hwmon3" does not; else what its driver
 * calls itself. */
static void name_chip(const struct machine *machine, const char *hwmon, const char *driver,
                      char name[TEXT_SIZE])
{
    char path[PATH_MAX];
    char target[PATH_MAX];
    const char *base = "";
    int length = snprintf(path, sizeof path, "%s" HWMON "/%s/device", machine->root, hwmon);
    if (length > 0 && (size_t)length < sizeof path) {
        ssize_t size = readlink(path, target, sizeof target - 1);
        if (size > 0) {
            target[size] = '\0';
            const char *slash = strrchr(target, '/');
            base = slash == NULL ? target : slash + 1;
        }
    }
    const char *chosen = base[0] != '\0' ? base : driver[0] != '\0' ? driver : hwmon;
    (void)text_sanitize((const uint8_t *)chosen, strlen(chosen), name, TEXT_SIZE);
}

static bool is_taken(const struct sensors *sensors, const char *name)
{
    for (size_t i = 0; i < sensors->n; i++) {
        if (strcmp(sensors->items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* "temp1_input": its type and the length of "temp1"; false for any other file. */
static bool is_input(const char *file, size_t *type, int *stem)
{
    for (*type = 0; *type < sizeof types / sizeof types[0]; (*type)++) {
        size_t prefix = strlen(types[*type].prefix);
        size_t digits = strspn(
            file + (strncmp(file, types[*type].prefix, prefix) == 0 ? prefix : 0), "0123456789");
        if (digits > 0 && digits < 6 && strncmp(file, types[*type].prefix, prefix) == 0 &&
            strcmp(file + prefix + digits, "_input") == 0) {
            *stem = (int)(prefix + digits);
            return true;
        }
    }
    return false;
}

struct chip {
    const char *hwmon; /* "hwmon3" */
    char name[TEXT_SIZE];
    char driver[TEXT_SIZE];
};

static void add(struct sensors *sensors, const struct machine *machine, const struct chip *chip,
                const char *file)
{
    char path[PATH_SIZE];
    size_t type;
    int stem;
    if (!is_input(file, &type, &stem) || sensors->n == SENSORS_MAX) {
        return;
    }
    snprintf(path, sizeof path, HWMON "/%.128s/%.64s", chip->hwmon, file);
    int fd = files_open(machine->files, path);
    if (fd < 0) {
        return; /* gone already */
    }
    if (sensors->n == sensors->room) {
        sensors->room = sensors->room == 0 ? 8 : sensors->room * 2;
        sensors->items = xreallocarray(sensors->items, sensors->room, sizeof *sensors->items);
    }
    struct sensor *sensor = &sensors->items[sensors->n];
    *sensor = (struct sensor){.fd = fd, .type = type};
    sensor->name = xasprintf("%s %s/%.*s", types[type].type, chip->name, stem, file);
    if (is_taken(sensors, sensor->name)) { /* two chips without devices */
        char *longer =
            xasprintf("%s %s#%s/%.*s", types[type].type, chip->name, chip->hwmon, stem, file);
        free(sensor->name);
        sensor->name = longer;
    }
    memcpy(sensor->chip, chip->driver, sizeof sensor->chip);
    snprintf(path, sizeof path, HWMON "/%.128s/%.*s_label", chip->hwmon, stem, file);
    read_text(machine, path, sensor->label);
    if (sensor->label[0] == '\0') {
        snprintf(sensor->label, sizeof sensor->label, "%.*s", stem, file);
    }
    sensors->n++;
}

static DIR *open_folder(const struct machine *machine, const char *below)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s" HWMON "%s%s", machine->root,
                          below[0] != '\0' ? "/" : "", below);
    return length > 0 && (size_t)length < sizeof path ? opendir(path) : NULL;
}

static void add_chip(struct sensors *sensors, const struct machine *machine, const char *hwmon)
{
    struct chip chip = {.hwmon = hwmon};
    char path[PATH_SIZE];
    DIR *folder = open_folder(machine, hwmon);
    if (folder == NULL) {
        return;
    }
    snprintf(path, sizeof path, HWMON "/%.128s/name", hwmon);
    read_text(machine, path, chip.driver);
    name_chip(machine, hwmon, chip.driver, chip.name);
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        add(sensors, machine, &chip, entry->d_name);
    }
    (void)closedir(folder); /* nothing was written */
}

/* What stands in the class: a hash that does not depend on its order. */
static uint64_t hash_chips(DIR *folder)
{
    uint64_t sum = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        for (const char *at = entry->d_name; *at != '\0'; at++) {
            hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
        }
        sum += hash;
    }
    return sum;
}

/* Opens what is there anew if it is not what it was. */
static void look(struct sensors *sensors, const struct machine *machine)
{
    struct mono now = clock_mono();
    if (sensors->looked && !sensors->failed && mono_elapsed_ms(sensors->look_time, now) < LOOK_MS) {
        return;
    }
    DIR *folder = open_folder(machine, "");
    uint64_t chips = folder == NULL ? 0 : hash_chips(folder);
    if (!sensors->looked || sensors->failed || chips != sensors->chips) {
        const struct dirent *entry;
        clear(sensors);
        if (folder != NULL) {
            rewinddir(folder);
            while ((entry = readdir(folder)) != NULL) {
                if (entry->d_name[0] != '.') {
                    add_chip(sensors, machine, entry->d_name);
                }
            }
        }
    }
    if (folder != NULL) {
        (void)closedir(folder); /* nothing was written */
    }
    sensors->looked = true;
    sensors->failed = false;
    sensors->look_time = now;
    sensors->chips = chips;
}

static void tell(struct sensors *sensors, const struct sensor *sensor, struct book *book,
                 struct wall time)
{
    const struct book_labels labels = {.n = 3,
                                       .items = {{"sensor_type", types[sensor->type].type},
                                                 {"sensor_name", sensor->label},
                                                 {"chip", sensor->chip}}};
    char text[TEXT_SIZE];
    int32_t number = 0;
    int length = files_read_fd(sensor->fd, text, sizeof text);
    if (length == -ENODEV || length == -ENOENT || length == -ENXIO) {
        sensors->failed = true; /* no row: it is not there any more */
        return;
    }
    if (length >= 0 && !sensors_parse_value(text, (size_t)length, &number)) {
        length = -EBADMSG;
    }
    if (length < 0) {
        book_failed(book, types[sensor->type].kind, sensor->name, time, -length);
        return;
    }
    const union value value = {.gauge = (double)number / types[sensor->type].per_unit};
    book_row(book, types[sensor->type].kind, sensor->name, &labels, time, &value, 0);
}

int source_sensors(struct machine *machine, struct wall time)
{
    struct sensors *sensors = machine->sensors;
    look(sensors, machine);
    for (size_t i = 0; i < sensors->n; i++) {
        tell(sensors, &sensors->items[i], machine->book, time);
    }
    book_sweep(machine->book, &temperature_kind);
    book_sweep(machine->book, &fan_kind);
    return 0;
}
