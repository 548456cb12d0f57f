/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snmp/profile.h"

#include "common/xalloc.h"
#include "profile_include.h"
#include "profile_shipped.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Profiles while they are loaded: beside each one the file that it came from, for errors that only
 * all of them together show. */
struct loading {
    struct config_list *profiles;
    char **files;
    struct config_errors *errors;
    bool failed;
};

/* --- one file --- */

/* Takes over the profile's content. */
static void keep(struct loading *loading, const struct snmp_profile_config *profile,
                 const char *file)
{
    struct config_list *list = loading->profiles;
    struct snmp_profile_config *items = list->items;
    size_t at = profile_find(list, profile->profile);
    if (at != SIZE_MAX) {
        config_free(&snmp_profile_schema, &items[at]);
        free(loading->files[at]);
    } else {
        at = list->count++;
        items = xreallocarray(items, list->count, sizeof *items);
        list->items = items;
        loading->files = xreallocarray(loading->files, list->count, sizeof *loading->files);
    }
    items[at] = *profile;
    loading->files[at] = xstrdup(file);
}

static void load_file(struct loading *loading, const char *path)
{
    struct snmp_profile_config profile;
    if (config_load(path, &snmp_profile_schema, &profile, loading->errors) != 0) {
        loading->failed = true;
        return;
    }
    keep(loading, &profile, path);
}

static void load_shipped(struct loading *loading)
{
    for (size_t i = 0; i < profile_n_shipped; i++) {
        const struct profile_shipped *shipped = &profile_shipped[i];
        struct snmp_profile_config profile;
        char *name = xasprintf("shipped profile %s", shipped->name);
        if (config_parse(name, (const char *)shipped->text, shipped->size, &snmp_profile_schema,
                         &profile, loading->errors) != 0) {
            loading->failed = true;
        } else {
            keep(loading, &profile, name);
        }
        free(name);
    }
}

/* --- folders --- */

static int is_yaml(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return entry->d_name[0] != '.' && size > 5 && strcmp(entry->d_name + size - 5, ".yaml") == 0;
}

/* By bytes, whatever the locale says. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_folder(struct loading *loading, const char *path)
{
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, is_yaml, by_name);
    if (n < 0) {
        config_errors_add(loading->errors, path, 0, "", NULL, "cannot be read: %s",
                          strerrordesc_np(errno));
        loading->failed = true;
        return;
    }
    for (int i = 0; i < n; i++) {
        char *file = xasprintf("%s/%s", path, entries[i]->d_name);
        load_file(loading, file);
        free(file);
        free(entries[i]);
    }
    free(entries);
}

static char *beside(const char *config_path, const char *path)
{
    const char *slash = config_path != NULL ? strrchr(config_path, '/') : NULL;
    if (path[0] == '/' || slash == NULL) {
        return xstrdup(path);
    }
    return xasprintf("%.*s/%s", (int)(slash - config_path), config_path, path);
}

static void load_path(struct loading *loading, const char *config_path, const char *path)
{
    struct stat status;
    char *full = beside(config_path, path);
    if (stat(full, &status) == 0 && S_ISDIR(status.st_mode)) {
        load_folder(loading, full);
    } else {
        load_file(loading, full);
    }
    free(full);
}

/* --- all together --- */

/* An include that does not exist is told once, at the file that has it; a circle at each of the
 * profiles that turn in it. */
static void check_whole(struct loading *loading, size_t number, size_t *order)
{
    const struct snmp_profile_config *items = loading->profiles->items;
    const struct snmp_profile_config *profile = &items[number];
    const char *file = loading->files[number];
    int line = profile->place.line;
    int error;
    size_t by;
    const char *culprit;
    size_t n = profile_order(loading->profiles, number, order, &error, &by, &culprit);
    char *fault = error == 0 ? profile_whole_fault(loading->profiles, order, n) : NULL;
    if (error == -ENOENT && by == number) {
        config_errors_add(loading->errors, file, line, "include", culprit,
                          "there is no such profile");
    } else if (error == -ELOOP && strcmp(culprit, profile->profile) == 0) {
        config_errors_add(loading->errors, file, line, "include", items[by].profile,
                          "includes turn in a circle: it includes this profile");
    } else if (fault != NULL) {
        config_errors_add(loading->errors, file, line, "", NULL, "%s", fault);
    }
    loading->failed = loading->failed || error != 0 || fault != NULL;
    free(fault);
}

int snmp_profiles_load(const struct config_strings *paths, const char *config_path,
                       struct config_list *profiles, struct config_errors *errors)
{
    struct loading loading = {.profiles = profiles, .errors = errors};
    *profiles = (struct config_list){0};
    load_shipped(&loading);
    for (size_t i = 0; i < paths->count; i++) {
        load_path(&loading, config_path, paths->items[i]);
    }
    if (!loading.failed) { /* what is missing would look like another error */
        size_t *order = xcalloc(profiles->count + 1, sizeof *order);
        for (size_t i = 0; i < profiles->count; i++) {
            check_whole(&loading, i, order);
        }
        free(order);
    }
    for (size_t i = 0; i < profiles->count; i++) {
        free(loading.files[i]);
    }
    free(loading.files);
    return loading.failed ? -EINVAL : 0;
}

void snmp_profiles_free(struct config_list *profiles)
{
    struct snmp_profile_config *items = profiles->items;
    for (size_t i = 0; i < profiles->count; i++) {
        config_free(&snmp_profile_schema, &items[i]);
    }
    free(items);
    *profiles = (struct config_list){0};
}

bool snmp_profiles_have(const struct config_list *profiles, const char *name)
{
    return profile_find(profiles, name) != SIZE_MAX;
}

/* --- shipped ones --- */

const char *snmp_profile_shipped(const char *name, size_t *size)
{
    for (size_t i = 0; i < profile_n_shipped; i++) {
        if (strcmp(profile_shipped[i].name, name) == 0) {
            *size = profile_shipped[i].size;
            return (const char *)profile_shipped[i].text;
        }
    }
    return NULL;
}

const char *snmp_profile_shipped_name(size_t n)
{
    return n < profile_n_shipped ? profile_shipped[n].name : NULL;
}
