/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Feeds every file of a corpus folder to a fuzz target, so that every build tests what the fuzzer
 * once found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { INPUT_MAX = 1 << 20 };

static int feed(const char *folder, const char *name)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "rb") : NULL;
    if (file == NULL) {
        perror(name);
        return -1;
    }
    uint8_t *buffer = malloc(INPUT_MAX);
    size_t size = buffer == NULL ? 0 : fread(buffer, 1, INPUT_MAX, file);
    (void)fclose(file); /* only read */
    /* Exactly as large as the input, so that the sanitizer sees a read beyond it. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (buffer == NULL || exact == NULL) {
        free(buffer);
        free(exact);
        return -1;
    }
    memcpy(exact, buffer, size);
    (void)LLVMFuzzerTestOneInput(exact, size); /* always 0 */
    free(exact);
    free(buffer);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        (void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    size_t inputs = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (feed(argv[1], entry->d_name) != 0) {
            (void)closedir(folder);
            return 1;
        }
        inputs++;
    }
    (void)closedir(folder);
    (void)printf("%zu inputs\n", inputs);
    return inputs > 0 ? 0 : 1;
}
